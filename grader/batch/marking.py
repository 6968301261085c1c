"""`grade batch`: submissions in, RUN out.

    course, SUBMISSIONS -> first lane prepares the exercise -> intake -> sources kept, manifest written
        -> what has no report yet, each content once -> lanes -> lines appended as they come -> manifest: complete
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from grader import __version__
from grader.batch.intake import Exercise, Intake
from grader.batch.lanes import Lanes, setup_for
from grader.batch.messages import Ready
from grader.batch.run_folder import MANIFEST, Manifest, Options, RunFolder, Unowned, read_manifest
from grader.batch.tree import open_tree, printable
from grader.batch.work import Progress, Work
from grader.course.course import COURSE_FILE, Course, load_course
from grader.errors import GradeError, UsageError
from grader.gradebook.adjustments import attributed, read_adjustments
from grader.gradebook.roster import read_roster

if TYPE_CHECKING:
    from grader.record.report import Report


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    course: Course
    slug: str
    submissions: Path
    run: Path
    lanes: int
    resume: bool = False
    options: Options
    command: tuple[str, ...]  # that starts a lane


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    counts: dict[str, int]
    unowned: tuple[Unowned, ...]
    unknown_times: int
    marked: int  # now, each content once
    lanes_started: int


def batch(request: Request, encode: Callable[[Report], str], progress: Progress) -> Summary:
    """Mark all submissions; what is finished is kept whatever happens."""
    tree = open_tree(request.submissions)
    check_shard(request.options.shard)
    old = read_manifest(request.run) if request.resume and (request.run / MANIFEST).is_file() else None
    if old:
        _check_same(old, request)
    folder = RunFolder(request.run)
    lanes = Lanes(request.command, setup_for(request.course, request.slug, request.options), request.lanes)
    try:
        folder.open(request.resume)
        progress.preparing(request.slug)
        ready = lanes.first()
        if old:
            _check_digest(old, request, ready)
        return _marked(request, tree, Work(folder, request.run, lanes, ready, encode, progress))
    finally:
        lanes.stop()
        folder.close()


def _marked(request: Request, tree: Any, work: Work) -> Summary:
    """Intake, manifest, lanes, manifest."""
    intake = _intake(request, tree, work.ready)
    hand_ins = tuple(h for h in intake.hand_ins if in_shard(h.student, request.options.shard))
    for hand_in in hand_ins:
        work.folder.keep_source(hand_in, intake.read(hand_in))
    manifest = Manifest(
        tool=__version__, assignment=work.ready.exercise, fingerprint=work.ready.fingerprint, course=str(request.course.folder.root),
        submissions=printable(str(request.submissions.resolve())), options=request.options, state="running", counts={},
        hand_ins=hand_ins, unowned=tuple(intake.unowned))
    work.folder.write_manifest(manifest)
    state = "stopped"
    try:
        work.mark(hand_ins)
        state = "complete"
    finally:
        _finish(work, replace(manifest, state=state, counts=dict(sorted(work.counts.items()))))
    return Summary(counts=dict(work.counts), unowned=tuple(intake.unowned), marked=work.marked, lanes_started=work.lanes.started,
                   unknown_times=sum(h.at is None for h in hand_ins))


def _finish(work: Work, manifest: Manifest) -> None:
    try:
        work.folder.write_manifest(manifest)
    except GradeError:
        if manifest.state == "complete":
            raise  # otherwise what went wrong before is the news


def _intake(request: Request, tree: Any, ready: Ready) -> Intake:
    course = request.course
    beside = course.folder.file.parent
    roster = read_roster(beside)
    rows = attributed(read_adjustments(beside, course.slugs, roster), request.slug)
    return Intake(tree, exercise_of(course, request.slug, ready), roster, rows)


def check_shard(shard: tuple[int, int] | None) -> None:
    if shard is not None and not 1 <= shard[0] <= shard[1]:
        raise UsageError(f"shard {shard[0]}/{shard[1]}: needed is I/N with I from 1 to N")


def in_shard(student: str, shard: tuple[int, int] | None) -> bool:
    """Whether a student's work belongs to this shard: it depends on nobody else's."""
    if shard is None:
        return True
    return int.from_bytes(hashlib.sha256(student.encode()).digest()[:8], "big") % shard[1] == shard[0] - 1


def exercise_of(course: Course, slug: str, ready: Ready) -> Exercise:
    released = (course.folder.assignments or course.folder.root) / COURSE_FILE
    digests: dict[str, str] = dict(course.digests)
    if course.folder.is_instructor and released.is_file():
        digests |= load_course(replace(course.folder, solutions=None, root=released.parent)).digests
    stubs = frozenset(d for path, d in digests.items() if path.startswith(f"{slug}/") and path.endswith((".py", ".ipynb")))
    return Exercise(slug=slug, functions=ready.functions, stubs=stubs)


def _check_same(old: Manifest, request: Request) -> None:
    """Resuming mixes marks: what they depend on must be as it was."""
    for what, was, now in (("exercise", old.assignment.slug, request.slug), ("sandbox level", old.options.level, request.options.level),
                           ("timeout scale", old.options.timeout_scale, request.options.timeout_scale), ("shard", old.options.shard, request.options.shard),
                           ("version", old.tool, __version__)):
        if was != now:
            raise UsageError(f"{request.run} was begun with {what} {was}, and this is {now}; ask for the same, or name another folder with --to")


def _check_digest(old: Manifest, request: Request, ready: Ready) -> None:
    if old.assignment.digest != ready.exercise.digest:
        raise UsageError(f"the tests, reference or settings of {request.slug} changed since {request.run} was begun; "
                         "`grade regrade` marks it anew, or name another folder with --to")
