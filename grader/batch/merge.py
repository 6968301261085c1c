"""`grade merge`: runs of one exercise, marked anywhere, become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from grader.batch.run_folder import HandIn, Manifest, RunFolder, Unowned, briefs, read_manifest, source_of
from grader.errors import UsageError


def merge(runs: Sequence[Path], target: Path) -> Manifest:
    """Lines in the order of students, whatever the order of `runs`; returns the manifest that was written."""
    manifests = {run: read_manifest(run) for run in runs}
    first = next(iter(manifests.values()))
    for run, manifest in manifests.items():
        _check(run, manifest, runs[0], first)
    _check_shards(manifests)
    lines, hand_ins, sources = {}, {}, {}
    for run, manifest in manifests.items():
        own = {h.key: h for h in manifest.hand_ins}
        for brief, line in briefs(run):
            if hand_in := own.get(brief.key):
                if hand_ins.setdefault(hand_in.student, hand_in) != hand_in:
                    raise UsageError(f"{hand_in.student} handed in different files in {run} and another run; merge only one of them")
                lines[hand_in.student], sources[hand_in.student] = (line, brief.verdict), run
    folder = RunFolder(target)
    folder.open(resume=False)
    try:
        for student in sorted(lines):
            folder.keep_source(hand_ins[student], source_of(sources[student], hand_ins[student]).read_bytes())
            folder.append(lines[student][0].decode())
        merged = replace(first, options=replace(first.options, shard=None), counts=dict(sorted(Counter(verdict for _, verdict in lines.values()).items())),
                         hand_ins=tuple(hand_ins[s] for s in sorted(lines)), unowned=_unowned(manifests.values(), hand_ins))
        folder.write_manifest(merged)
        return merged
    finally:
        folder.close()


def _check(run: Path, manifest: Manifest, first_run: Path, first: Manifest) -> None:
    if manifest.state != "complete":
        raise UsageError(f"{run} is not complete ({manifest.state}); finish it with `grade batch ... --resume`")
    for what, mine, theirs in (("another exercise", manifest.assignment, first.assignment), ("another version of grade", manifest.tool, first.tool),
                               ("other options", replace(manifest.options, shard=None), replace(first.options, shard=None))):
        if mine != theirs:
            raise UsageError(f"{run} was marked with {what} than {first_run}; marks of both would not be comparable")


def _check_shards(manifests: dict[Path, Manifest]) -> None:
    """All shards of one division, or runs that are no shards."""
    shards = [m.options.shard for m in manifests.values()]
    if None in shards and any(shards):
        raise UsageError("some of the runs are shards and some are not; merge one kind at a time")
    if shards[0] is None:
        return
    if len({n for _, n in shards}) > 1:
        raise UsageError(f"the shards are of different divisions ({', '.join(f'{i}/{n}' for i, n in shards)})")
    if missing := sorted(set(range(1, shards[0][1] + 1)) - {i for i, _ in shards}):
        raise UsageError(f"shard {missing[0]}/{shards[0][1]} is missing")


def _unowned(manifests, hand_ins: dict[str, HandIn]) -> tuple[Unowned, ...]:
    marked = {h.file for h in hand_ins.values()}
    found = {u.path: u for manifest in manifests for u in manifest.unowned if u.path not in marked}
    return tuple(found[path] for path in sorted(found))
