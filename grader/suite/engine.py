"""Submissions in, markings out: one session, one zygote, one collected suite; every submission takes the same way.

    record the reference (when no recording is at hand)
    for each submission: public cases in one worker, hidden cases in another; case by case:
        blocked? unrun -> outcome        else run it -> findings -> outcome
"""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader.errors import CourseError, WorkerFault
from grader.feedback.score import case_verdict, gate, value_cases_of
from grader.record import recording as rec
from grader.record.report import Output, Remark, Verdict
from grader.source.submission import Submission
from grader.suite import streams, told
from grader.suite.authoring import check_reference
from grader.suite.plan import Case
from grader.suite.plugin import Suite, run_pytest
from grader.suite.runner import Nursery, Runner, fault_survived
from grader.testing.context import open_notes
from grader.testing.finding import Finding, Kind
from grader.worker.sandbox import Limits


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to mark with: everything a session needs besides the submissions."""

    slug: str
    tests: Path
    framework: str
    allowed: tuple[str, ...]
    deadline_s: float
    limits: Limits
    level: str
    secret: str
    key: str  # of the recording
    recording: rec.Recording | None = None
    reference: Submission | None = None  # the solution, when it is at hand
    public_only: bool = False
    select: str | None = None  # pytest's -k
    part: str | None = None
    stop_first: bool = False
    without: tuple[str, ...] = ()  # tests that are not run


class Task(msgspec.Struct, frozen=True):
    """A submission, marked by all selected cases or by `only` some (no remarks then)."""

    submission: Submission
    only: frozenset[str] | None = None
    strictness: float = 1.0  # tolerances are divided by it
    stop_first: bool = False  # at the first case that does not pass
    deadline_s: float | None = None  # of one case, instead of the job's
    upcoming: Submission | None = None  # known to be marked next: it is loaded while this one is marked


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one case."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    duration_s: float = 0.0
    output: Output = Output()
    speed: tuple[float, float] | None = None  # (ratio to the reference, limit)
    compared: tuple[Any, Any, Any] | None = None  # (actual, expected, names) that first disagreed


class Marking(msgspec.Struct, frozen=True, kw_only=True):
    """One submission, marked: outcomes by case, the student's calls of cases that failed, what else was seen."""

    submission: Submission
    cases: tuple[Case, ...]  # that were selected
    all_cases: tuple[Case, ...]
    outcomes: dict[str, Outcome]
    asked: dict[str, tuple[Any, ...]]
    any_function_loaded: bool
    remarks: tuple[Remark, ...]
    missing_layers: tuple[str, ...]
    recording: rec.Recording


def mark(job: Job, tasks: Iterable[Task], emit: Callable[[Marking], None], warm: Any,
         recorded: Callable[[rec.Recording], None], complete: Callable[[rec.Recording, tuple[Case, ...]], rec.Recording]) -> None:
    """Mark one task after the other (they are asked for as they come) and hand each marking to `emit`; a recording made on the way, once complete, goes to `recorded`.

    warm: a launcher that was started earlier, or None.
    """
    nursery = Nursery(job.framework, job.allowed, job.level, job.limits, warm, secrets=(job.tests,))
    nursery.prepare()
    try:
        session = Session(job, nursery, tasks, emit)
        session.recorded, session.complete = recorded, complete
        fixtures = {"student": session.student, "reference": session.reference, "rng": session.rng}
        run_pytest(job.tests, session.drive, session.judge, fixtures, job.select, job.without)
    finally:
        nursery.close()


class Switch:
    """What a test's `student` or `reference` is just now: fixtures are made once, streams change with the submission."""

    def __init__(self) -> None:
        self._now: streams.Stream | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._now, name)


class Session:
    """The state of one run: which submission, which case, which streams."""

    def __init__(self, job: Job, nursery: Nursery, tasks: Iterable[Task], emit: Callable[[Marking], None]):
        self.job, self.nursery, self.tasks, self.emit = job, nursery, tasks, emit
        self.student, self.reference, self.rng = Switch(), Switch(), streams.Draws()
        self.recording = job.recording
        self.values: dict[int, Any] = {}
        self.given: dict[int, Any] = {}  # arrays the running case got from `student`, by identity
        self.reference_runner: Runner | None = None
        self.strictness = 1.0

    # -- the run -------------------------------------------------------------------------------------------

    def drive(self, suite: Suite) -> None:
        gc.freeze()  # what is imported stays
        gc.enable()
        self.suite = suite
        self.cases = self._in_order(suite.cases)
        if not self.cases:
            raise CourseError("no tests were found", str(self.job.tests))
        if self.recording is None:
            self.recording = self.complete(self._record(), suite.cases)
            self.recorded(self.recording)
        self.cases = self._in_order(self.cases)
        for task in self.tasks:
            self.emit(self._mark(task))
        self._close_reference()

    def _in_order(self, cases: Iterable[Case]) -> tuple[Case, ...]:
        """Public cases first, stop-watch cases last; otherwise as written."""
        items = self.recording.items if self.recording else {}
        known = [c for c in cases if not items or c.id in items]
        return tuple(sorted(known, key=lambda c: (c.id in items and items[c.id].speed, not c.public)))

    def _selected(self, task: Task) -> tuple[Case, ...]:
        if task.only is not None:
            return tuple(c for c in self.cases if c.id in task.only)
        return tuple(c for c in self.cases if c.id in self.suite.selected and self.job.part in (None, c.part)
                     and (c.public or not self.job.public_only))

    def _asked_by(self, selected: tuple[Case, ...]) -> tuple[Case, ...]:
        """`selected`, and the value cases by which its properties count, which are run but not reported."""
        if len(selected) == len(self.cases):
            return selected
        judged = {c.id for c in selected}
        judged |= {c.id for case in selected for c in value_cases_of(case, self.cases, self.recording) if c.public or not self.job.public_only}
        return tuple(c for c in self.cases if c.id in judged)

    def _record(self) -> rec.Recording:
        """Run all cases on the reference, both streams alive; every failure is the author's error."""
        job = self.job
        if job.reference is None:
            raise CourseError("neither a solution nor a recording is at hand", str(job.tests))
        runner = self._runner(job.reference)
        self.reference_runner = self._runner(job.reference)
        self.student._now, self.reference._now = streams.StudentStream(_Lane(self, runner)), streams.ReferenceStream(_Lane(self, self.reference_runner))
        items, asked, findings = {}, {}, {}
        try:
            for case in self.cases:
                self.reference_runner.begin(case.public)
                findings[case.id] = self._run_case(case, runner, None).findings
                asked[case.id] = tuple(self.student._now.asked)
                items[case.id] = rec.ItemRecording(
                    student=tuple(a.call() for a in self.student._now.asked), reference=tuple(a.call() for a in self.reference._now.asked),
                    draws=() if self.notes.measures_speed else self.rng.made(), speed=self.notes.measures_speed)
        finally:
            runner.close()
            self._close_reference()
        made = rec.Recording(rec.FORMAT, job.key, items)
        check_reference(self.cases, made, asked, findings)
        return made

    def _mark(self, task: Task) -> Marking:
        submission, whole = task.submission, task.only is None
        self.strictness = task.strictness
        selected = self._selected(task)
        runner = self._runner(submission, task.deadline_s, _then(selected, submission, task.upcoming))
        self.student._now, self.reference._now = streams.StudentStream(_Lane(self, runner)), streams.ReplayStream(_Lane(self, runner))
        outcomes: dict[str, Outcome] = {}
        asked: dict[str, tuple] = {}
        remarks: list[Remark] = []
        try:
            for case in self._asked_by(selected) if whole else selected:
                if whole and case.public is False and runner.public:
                    remarks += told.state_remarks(asked, runner)
                self.student._now.begin(None)
                outcomes[case.id] = self._judge(case, runner, outcomes)
                asked[case.id] = tuple(self.student._now.asked)
                if (self.job.stop_first or task.stop_first) and case in selected and outcomes[case.id].verdict is not Verdict.PASSED:
                    break
            if whole and runner.public:
                remarks += told.state_remarks(asked, runner)
        finally:
            runner.close()
            if submission != task.upcoming:
                self.nursery.forget(submission)
        return Marking(
            submission=submission, cases=selected, all_cases=self.cases, outcomes=self._gated(outcomes, selected), asked=asked, recording=self.recording,
            any_function_loaded=bool(runner.loaded and runner.loaded.functions & told.graded_names(self.recording)),
            remarks=submission.remarks + told.load_remarks(runner, self.recording) + told.late_remarks(runner) + tuple(remarks), missing_layers=runner.missing_layers)

    def _judge(self, case: Case, runner: Runner, outcomes: dict[str, Outcome]) -> Outcome:
        item = self.recording.items[case.id]
        verdicts = {k: o.verdict for k, o in outcomes.items()}
        if item.speed and not gate(case, self.cases, self.recording, verdicts):
            return _unrun(Kind.BLOCKED, "not measured before the values are right")
        if runner.violated:
            return _unrun(Kind.VIOLATION, "not run: the submission broke the protocol earlier")
        if runner.load_end is not None:
            return _unrun(Kind(runner.load_end.end.value), f"while the file was loaded: {runner.load_end.message}")
        if late := sorted(item.functions() & runner.timed_out):
            return _unrun(Kind.TIMEOUT, f"not run: {late[0]} did not finish earlier", late[0])
        outcome = self._run_case(case, runner, item)
        return self._run_case(case, runner, item) if runner.may_retry() else outcome

    def _gated(self, outcomes: dict[str, Outcome], selected: tuple[Case, ...]) -> dict[str, Outcome]:
        """Secondary cases and the chain test of functions that are still wrong become blocked."""
        verdicts = {k: o.verdict for k, o in outcomes.items()}
        judged = ((case, outcomes[case.id]) for case in selected if case.id in outcomes)
        return {case.id: o if o.verdict in (Verdict.UNGRADED, Verdict.NOT_ATTEMPTED) or gate(case, self.cases, self.recording, verdicts) else _blocked(o)
                for case, o in judged}

    # -- one case ------------------------------------------------------------------------------------------

    def _run_case(self, case: Case, runner: Runner, recorded: rec.ItemRecording | None) -> Outcome:
        for attempt in (False, True):
            try:
                runner.begin(case.public)
                if runner.load_end is not None:
                    return _unrun(Kind(runner.load_end.end.value), f"while the file was loaded: {runner.load_end.message}")
                return self._run_item(case, runner, recorded)
            except WorkerFault as fault:
                fault_survived(fault, self.nursery, runner, attempt)
        raise AssertionError("unreachable")

    def _run_item(self, case: Case, runner: Runner, recorded: rec.ItemRecording | None) -> Outcome:
        for stream in (self.student._now, self.reference._now):
            stream.begin(recorded)
        self.rng.begin(seed_of(self.job, case), recorded)
        self.notes, self.fault, self.case = open_notes(self.strictness), None, case
        self.given.clear()
        started = time.perf_counter()
        self.suite.run(case)
        duration_s = time.perf_counter() - started
        if self.fault is not None:
            raise self.fault
        text, truncated = runner.printed()
        findings = told.explained(tuple(self.notes.findings), runner.loaded)
        return Outcome(verdict=case_verdict(findings), findings=findings, duration_s=duration_s, output=Output(text=text, truncated=truncated),
                       speed=self.notes.speed, compared=self.notes.compared)

    def judge(self, function: Callable[..., None], fixtures: dict[str, Any]) -> None:
        """Called by the plugin: the test's body, whose exceptions become findings."""
        try:
            with np.errstate(all="ignore"):  # a student's numbers may overflow in the author's arithmetic
                function(**fixtures)
        except streams.Failed:
            pass
        except WorkerFault as fault:
            self.fault = fault
        except Exception as error:  # noqa: BLE001 - author's code may raise anything
            self._author_error(error)

    def _author_error(self, error: Exception) -> None:
        """An exception of the test's body: the author's, unless the student's replies were not what the test was written for."""
        deviation = told.deviation(self.student._now.asked, self.recorded_value) if self.recording else None
        if deviation is not None:
            self.notes.add(deviation)
            return
        found = error if isinstance(error, CourseError) else CourseError(f"{type(error).__name__}: {error}")
        where = found.where or told.place_in(error, self.job.tests) or self.case.where
        if self.recording is None:
            self.fault = CourseError(f"{self.case.id}: {found.what}", where)
        self.notes.add(Finding(kind=Kind.AUTHOR, message=f"{found.what} @ {where}"))

    # -- what streams ask for ------------------------------------------------------------------------------

    def recorded_value(self, call: rec.Call) -> Any:
        """A recorded result, decoded once per session and read-only."""
        if id(call) not in self.values:
            self.values[id(call)] = streams.frozen(rec.unpack(call.value))
        return self.values[id(call)]

    def reference_cpu_time(self, name: str, arguments: tuple) -> float:
        """CPU seconds of the reference for the same arguments, in a worker of its own."""
        if self.job.reference is None:
            raise CourseError("a speed test needs the reference solution")
        if self.reference_runner is None:
            self.reference_runner = self._runner(self.job.reference)
        self.reference_runner.begin(False)
        stream = streams.ReferenceStream(_Lane(self, self.reference_runner))
        stream.begin(None)
        return stream.cpu_time(name, arguments)

    def _runner(self, submission: Submission, deadline_s: float | None = None, then: Mapping[bool, Submission] | None = None) -> Runner:
        runner = Runner(self.nursery, submission, self.job.allowed, deadline_s or self.job.deadline_s, then)
        if self.recording is not None:
            runner.max_reply = rec.reply_limit(self.recording)
        return runner

    def _close_reference(self) -> None:
        if self.reference_runner is not None:
            self.reference_runner.close()
            self.reference_runner = None


def with_next(things: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Each with the one after it (None after the last), where that is known already."""
    return zip_longest(things, things[1:]) if isinstance(things, Sequence) else ((thing, None) for thing in things)


def _then(selected: tuple[Case, ...], submission: Submission, upcoming: Submission | None) -> dict[bool, Submission]:
    """Whose worker is needed after that of the public cases, and after that of the hidden ones."""
    audiences = list(dict.fromkeys(case.public for case in selected))
    followers = [submission] * (len(audiences) - 1) + [upcoming]
    return {audience: follower for audience, follower in zip(audiences, followers, strict=False) if follower is not None}


class _Lane:
    """What a live stream needs: its submission's worker, and the session's recorded values."""

    def __init__(self, session: Session, runner: Runner):
        self.recorded_value, self.reference_cpu_time, self.given = session.recorded_value, session.reference_cpu_time, session.given
        self.worker, self.deadline = runner.worker, runner.deadline
        self.before_call, self.worker_ended = runner.before_call, runner.worker_ended


def seed_of(job: Job, case: Case) -> int:
    """Public inputs are the same for everybody; hidden ones depend on the course's secret."""
    salt = "public" if case.public else f"hidden {job.secret}"
    return int.from_bytes(hashlib.blake2b(f"{salt}|{job.slug}|{case.id}".encode(), digest_size=8).digest(), "little")


def _unrun(kind: Kind, message: str, function: str | None = None) -> Outcome:
    finding = Finding(kind=kind, message=message, output=function)
    return Outcome(verdict=case_verdict((finding,)), findings=(finding,))


def _blocked(outcome: Outcome) -> Outcome:
    finding = Finding(kind=Kind.BLOCKED, message="counts once the values of its functions are right")
    return msgspec.structs.replace(outcome, verdict=Verdict.BLOCKED, findings=(finding, *outcome.findings))

