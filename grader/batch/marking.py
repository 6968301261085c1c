"""`grade batch`: submissions in, RUN out.

    course, SUBMISSIONS -> first lane prepares the exercise -> intake -> sources kept, manifest written
        -> what has no report yet, each content once -> lanes -> lines appended as they come -> manifest: complete
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from grader import __version__
from grader.batch import unmarked
from grader.batch.intake import Exercise, Intake
from grader.batch.lanes import Answer, Lanes, Unanswered
from grader.batch.messages import Given, Marked, Ready, Setup
from grader.batch.run_folder import MANIFEST, HandIn, Manifest, Options, RunFolder, Unowned, read_manifest
from grader.batch.tree import open_tree, printable
from grader.course import COURSE_FILE, Course, load_course
from grader.errors import GradeError, UsageError
from grader.gradebook.adjustments import attributed, read_adjustments
from grader.gradebook.roster import read_roster
from grader.report import Report, SubmissionReport


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


class Progress(Protocol):
    def begin(self, total: int, done: int) -> None: ...
    def marked(self, verdict: str) -> None: ...
    def end(self) -> None: ...


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
    folder = RunFolder(request.run)
    if request.resume and (request.run / MANIFEST).is_file():
        _check_same(read_manifest(request.run), request)
    setup = Setup(root=str(request.course.folder.root), slug=request.slug, level=request.options.level,
                  timeout_scale=request.options.timeout_scale, prepare=True)
    folder.open(request.resume)
    lanes = Lanes(request.command, setup, request.lanes)
    try:
        ready = lanes.first()
        return Marker(request, folder, lanes, ready, encode, progress).run(tree)
    finally:
        lanes.stop()
        folder.close()


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


class Marker:
    """One batch at work."""

    def __init__(self, request: Request, folder: RunFolder, lanes: Lanes, ready: Ready, encode: Callable[[Report], str], progress: Progress):
        self.request, self.folder, self.lanes, self.ready, self.encode, self.progress = request, folder, lanes, ready, encode, progress
        self.counts: Counter[str] = Counter()
        self.marked = 0

    def run(self, tree: Any) -> Summary:
        if self.request.resume and (self.request.run / MANIFEST).is_file():
            self._check_digest()
        self.intake = self._intake(tree)
        self.hand_ins = tuple(h for h in self.intake.hand_ins if in_shard(h.student, self.request.options.shard))
        known = {brief.key: brief.verdict for brief in self.folder.briefs}
        for hand_in in self.hand_ins:
            self.folder.keep_source(hand_in, self.intake.read(hand_in))
        self._write("running")
        self.counts.update(known[_key(h)] for h in self.hand_ins if _key(h) in known)
        todo = [h for h in self.hand_ins if _key(h) not in known]
        self.progress.begin(len(self.hand_ins), len(self.hand_ins) - len(todo))
        state = "stopped"
        try:
            self.lanes.work(self._items(todo), self._take)
            state = "complete"
        finally:
            self.progress.end()
            self._write(state)
        return Summary(counts=dict(self.counts), unowned=tuple(self.intake.unowned), marked=self.marked, lanes_started=self.lanes.started,
                       unknown_times=sum(h.at is None for h in self.hand_ins))

    def _check_digest(self) -> None:
        old, now = read_manifest(self.request.run).assignment.digest, self.ready.blank.assignment.digest
        if old != now:
            raise UsageError(f"the tests, reference or settings of {self.request.slug} changed since {self.request.run} was begun; "
                             "`grade regrade` marks it anew, or name another folder with --to")

    def _intake(self, tree: Any) -> Intake:
        course = self.request.course
        beside = course.folder.file.parent
        roster = read_roster(beside)
        rows = attributed(read_adjustments(beside, course.slugs, roster), self.request.slug)
        return Intake(tree, exercise_of(course, self.request.slug, self.ready), roster, rows)

    def _items(self, todo: list[HandIn]) -> Iterator[tuple[list[HandIn], Callable[[], Given]]]:
        """Equal contents together: they are marked once."""
        same: dict[tuple[str, str], list[HandIn]] = {}
        for hand_in in todo:
            same.setdefault((hand_in.sha256, hand_in.kind), []).append(hand_in)
        for group in same.values():
            yield group, lambda first=group[0]: self._given(first)

    def _given(self, hand_in: HandIn) -> Given:
        return Given(name=hand_in.student, file=hand_in.file, kind=hand_in.kind, raw=self.folder.source(hand_in).read_bytes())

    def _take(self, group: list[HandIn], answer: Answer) -> None:
        """Append the line of the first, and copies for those who handed in the same bytes."""
        self.marked += 1
        first, *others = group
        if isinstance(answer, Marked):
            line, verdict = answer.line, answer.verdict
        else:
            report = self._unmarked(first, answer)
            line, verdict = self.encode(report), report.verdict.value
        self._append(line, verdict)
        if others:
            report = msgspec.json.decode(line, type=Report, strict=False)
            for hand_in in others:
                self._append(self.encode(_for(report, hand_in)), verdict)

    def _append(self, line: str, verdict: str) -> None:
        self.folder.append(line)
        self.counts[verdict] += 1
        self.progress.marked(verdict)

    def _unmarked(self, hand_in: HandIn, answer: Answer) -> Report:
        make = unmarked.ungraded if isinstance(answer, Unanswered) else unmarked.refused
        return make(self.ready.blank, _submission(hand_in), answer.reason)

    def _write(self, state: str) -> None:
        manifest = Manifest(
            tool=__version__, assignment=self.ready.blank.assignment, course=str(self.request.course.folder.root),
            submissions=printable(str(self.request.submissions.resolve())), options=self.request.options, state=state, counts=dict(sorted(self.counts.items())),
            hand_ins=self.hand_ins, unowned=tuple(self.intake.unowned))
        try:
            self.folder.write_manifest(manifest)
        except GradeError:
            if state == "running":
                raise  # at the end, what went wrong before is the news


def _key(hand_in: HandIn) -> tuple[str, str]:
    return hand_in.student, hand_in.sha256


def _submission(hand_in: HandIn) -> SubmissionReport:
    return SubmissionReport(name=hand_in.student, file=hand_in.file, kind=hand_in.kind, sha256=hand_in.sha256)


def _for(report: Report, hand_in: HandIn) -> Report:
    return replace(report, submission=_submission(hand_in))
