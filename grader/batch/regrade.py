"""`grade regrade`: after tests or reference changed, mark again what the change can affect, and show before and after.

    RUN -> hand-ins whose marks may differ -> RUN/regrade (a run of its own) -> changes        RUN itself stays as it was
    --accept: the new lines replace the old ones, which are kept beside them

Nothing is marked again when the fingerprint of the exercise is the run's; files that nobody could read are not either.
A good mark is never replaced by a fault of the machine.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from grader import __version__
from grader.batch.lanes import Lanes, setup_for
from grader.batch.messages import Ready
from grader.batch.run_folder import (
    MANIFEST,
    REPORTS,
    HandIn,
    Manifest,
    RunError,
    RunFolder,
    briefs,
    raw_lines,
    read_manifest,
    read_reports,
    write_bytes,
)
from grader.batch.work import Progress, Work
from grader.course.course import Course
from grader.errors import AlteredError, UsageError
from grader.record.report import Report, Verdict

PROPOSED = "regrade"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One student, marked again. `kept`: the old mark stays, because the new one is a fault of the machine."""

    student: str
    before: float
    after: float
    verdict_before: str
    verdict_after: str
    tests: tuple[str, ...]  # whose score changed
    kept: bool = False


class Regrade(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    marked: int
    unaffected: int
    changes: tuple[Change, ...]
    accepted: bool


class Request(msgspec.Struct, frozen=True, kw_only=True):
    course: Course
    run: Path
    lanes: int
    command: tuple[str, ...]
    student: str | None = None
    accept: bool = False


def regrade(request: Request, encode: Callable[[Report], str], progress: Progress) -> Regrade:
    manifest = read_manifest(request.run)
    chosen = tuple(h for h in manifest.hand_ins if request.student in (None, h.student))
    if not chosen:
        raise UsageError(f"{request.student!r} handed in nothing in {request.run}")
    lanes = Lanes(request.command, setup_for(request.course, manifest.assignment.slug, manifest.options), request.lanes)
    try:
        progress.preparing(manifest.assignment.slug)
        ready = lanes.first()
        old = read_reports(request.run, chosen)
        affected = tuple(h for h in chosen if _may_differ(old.get(h.student), manifest, ready))
        new = _mark(request, manifest, affected, lanes, ready, encode, progress)
    finally:
        lanes.stop()
    changes = tuple(change for h in affected if (change := compare(h.student, old.get(h.student), new.get(h.student))))
    if request.accept:
        _accept(request, manifest, ready, affected, changes)
    return Regrade(marked=len(affected), unaffected=len(chosen) - len(affected), changes=changes, accepted=request.accept)


def _may_differ(report: Report | None, manifest: Manifest, ready: Ready) -> bool:
    if report is None or report.verdict is Verdict.UNGRADED:
        return True
    if any(remark.kind == "not_read" for remark in report.remarks):
        return report.points_total != ready.points_total
    same_exercise = report.assignment.digest in (manifest.assignment.digest, ready.exercise.digest)
    already = report.assignment.digest == ready.exercise.digest
    return not (already or (same_exercise and manifest.fingerprint == ready.fingerprint))


def _mark(request: Request, manifest: Manifest, affected: tuple[HandIn, ...], lanes: Lanes, ready: Ready, encode, progress: Progress) -> dict[str, Report]:
    """New reports, in a run of their own; one that was made for the same exercise before is used as it is."""
    place = request.run / PROPOSED
    if place.exists() and not _fits(place, ready):
        shutil.rmtree(place)
    folder = RunFolder(place)
    try:
        folder.open(resume=True)
        proposal = replace(manifest, tool=__version__, assignment=ready.exercise, fingerprint=ready.fingerprint, state="running", counts={},
                           hand_ins=affected, unowned=())
        folder.write_manifest(proposal)
        work = Work(folder, request.run, lanes, ready, encode, progress)
        work.mark(affected)
        folder.write_manifest(replace(proposal, state="complete", counts=dict(work.counts)))
    finally:
        folder.close()
    return read_reports(place, affected)


def _fits(place: Path, ready: Ready) -> bool:
    try:
        old = read_manifest(place)
    except (UsageError, AlteredError):
        return False
    return old.fingerprint == ready.fingerprint and old.assignment == ready.exercise and not old.counts.get("ungraded")


def compare(student: str, old: Report | None, new: Report | None) -> Change | None:
    """None where nothing that counts differs."""
    if new is None:
        return None
    before = {t.id: t.score for t in old.tests} if old else {}
    after = {t.id: t.score for t in new.tests}
    tests = tuple(name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name))
    verdicts = old.verdict.value if old else "missing", new.verdict.value
    if old and not tests and verdicts[0] == verdicts[1] and old.score == new.score:
        return None
    kept = new.verdict is Verdict.UNGRADED and old is not None
    return Change(student=student, before=old.score if old else 0.0, after=new.score, verdict_before=verdicts[0], verdict_after=verdicts[1],
                  tests=tests, kept=kept)


def _accept(request: Request, manifest: Manifest, ready: Ready, affected: tuple[HandIn, ...], changes: tuple[Change, ...]) -> None:
    """New lines for old ones, in one step; the old file stays beside it."""
    place = request.run / PROPOSED
    kept = {change.student for change in changes if change.kept}
    wanted = {h.key for h in affected if h.student not in kept}
    new = {brief.key: line for brief, line in briefs(place) if brief.key in wanted}
    if not new and manifest.fingerprint == ready.fingerprint:
        shutil.rmtree(place, ignore_errors=True)
        return
    folder = RunFolder(request.run)
    folder.open(resume=True)  # nobody else writes meanwhile
    try:
        lines, verdicts = _joined(request.run, new, {h.key for h in manifest.hand_ins})
        before = f"reports.before-{len(manifest.regraded) + 1}.jsonl"
        shutil.copyfile(request.run / REPORTS, request.run / before)
        write_bytes(b"\n".join([*lines, b""]), request.run / REPORTS)
        manifest = replace(manifest, counts=dict(sorted(verdicts.items())), regraded=(*manifest.regraded, before))
        if request.student is None and not kept:
            manifest = replace(manifest, tool=__version__, assignment=ready.exercise, fingerprint=ready.fingerprint)
        write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n", request.run / MANIFEST)
    except OSError as error:
        raise RunError(f"{request.run} cannot be written ({error.strerror}); its marks are as they were") from None
    finally:
        folder.close()
    shutil.rmtree(place, ignore_errors=True)


def _joined(run: Path, new: dict[tuple[str, str], bytes], counting: set[tuple[str, str]]) -> tuple[list[bytes], Counter[str]]:
    lines, verdicts, done = [], Counter(), set()
    for (brief, _), line in zip(briefs(run), raw_lines(run), strict=True):
        line = new.get(brief.key, line)
        done.add(brief.key)
        lines.append(line)
    lines += [line for key, line in new.items() if key not in done]
    for line in lines:
        known = msgspec.json.decode(line, type=_Known)
        if (known.submission["name"], known.submission["sha256"]) in counting:
            verdicts[known.verdict] += 1
    return lines, verdicts


class _Known(msgspec.Struct, frozen=True):
    submission: dict
    verdict: str
