"""A lane: one session of the engine, one submission after the other until the pipe ends.

    setup -> prepare: reference and mistakes recorded -> session: tests collected -> submissions in, reports out
                                                                   ^ the stem forks every lane here

A process that is given a control socket is the stem: it never sees a submission. Without one it is a lane itself.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest  # noqa: F401 - imported while the zygote imports numpy

import grader
from grader import check
from grader.batch.messages import Fault, Given, Marked, Message, Ready, Refused, Setup, receive, send
from grader.batch.run_folder import Exercise
from grader.check import Desk, Options
from grader.course import material
from grader.course.assignment import Assignment
from grader.course.course import find_course, load_course
from grader.diagnosis.experience import Experience
from grader.diagnosis.explaining import Explaining  # noqa: F401 - shared by all lanes
from grader.diagnosis.learning import functions_of
from grader.errors import CourseError, GradeError, SubmissionRefused, WorkerFault
from grader.record.recording import Recording
from grader.record.report import Hidden, PartReport, Report, SubmissionReport, TestReport, Verdict
from grader.source.submission import Submission, submission_from_bytes
from grader.suite import engine
from grader.suite.told import graded_names


class Pipe:
    """The batch, at the other end."""

    def __init__(self, source: BinaryIO, sink: BinaryIO):
        self.source, self.sink = source, sink

    def receive(self) -> Message | None:
        return receive(self.source)

    def send(self, message: Message) -> None:
        send(self.sink, message)

    def turn_to(self, source: BinaryIO, sink: BinaryIO) -> None:
        """The batch speaks here from now on."""
        self.source.close()
        self.sink.close()
        self.source, self.sink = source, sink


def serve(setup: Setup, warm: Any, pipe: Pipe, encode: Callable[[Report], str], control: socket.socket | None) -> None:
    """Mark what comes over `pipe`; returns when it ends (or `control`, if there is one). `warm`: a launcher already started."""
    try:
        Bench(setup, warm, pipe, encode, control).work()
    except GradeError as error:
        pipe.send(Fault(exit_code=error.exit_code, message=str(error)))
    except BrokenPipeError:
        pass  # the batch is gone, and nobody waits for the answer
    except Exception as error:  # noqa: BLE001 - told to the batch, which decides
        pipe.send(Fault(exit_code=70, message=f"{type(error).__name__}: {error}"))


class Seat:
    """The launcher of a session that is forked: the stem has none, so that no two lanes share a worker; each lane gets its own."""

    launcher = None

    def __getattr__(self, name: str) -> Any:
        if self.launcher is None:
            raise WorkerFault("the process that starts lanes starts no workers")
        return getattr(self.launcher, name)

    def close(self) -> None:
        """Whoever gave it ends it."""


class Bench(Desk):
    """A desk whose submissions come over a pipe."""

    def __init__(self, setup: Setup, warm: Any, pipe: Pipe, encode: Callable[[Report], str], control: socket.socket | None):
        state = state_of_package()
        folder = find_course(Path(setup.root))
        if folder is None:
            raise CourseError("the course is gone", setup.root)
        exercise = material.load(load_course(folder), setup.slug)
        super().__init__(exercise, Options(level=setup.level, timeout_scale=setup.timeout_scale), self._answer)
        self.setup, self.warm, self.pipe, self.encode, self.control = setup, warm, pipe, encode, control
        self.seat = Seat()
        self._experience = Experience(exercise)
        self.state = hashlib.sha256(repr((state, exercise.key, exercise.mistakes_digest)).encode()).hexdigest()

    def work(self) -> None:
        recording = self._prepared()
        job = msgspec.structs.replace(check.job_of(self.exercise, self.options), recording=recording)
        try:
            self._mark(job, self._all_tasks(recording), self.seat)
        finally:
            self.warm.close()

    def _mark(self, job: engine.Job, tasks: Iterator[engine.Task], warm) -> None:
        engine.mark(job, tasks, self.take, warm, self.exercise.keep, check.table_of(self.exercise))

    def _all_tasks(self, recording: Recording) -> Iterator[engine.Task]:
        """Collected, but nothing marked: the moment when there is most to share."""
        ready = self._ready(recording)
        _settle()
        self.pipe.send(ready)
        if self.control is None:
            self.seat.launcher = self.warm.branch()
        if self.control is None or self._is_lane():
            yield from self.tasks(self._submissions())

    # -- preparing -----------------------------------------------------------------------------------------

    def _prepared(self) -> Recording:
        """The recording; with `prepare` the mistakes are in the cache afterwards."""
        recording = self.exercise.recorded()
        if self.exercise.reference is None or recording and not self.setup.prepare:
            return recording
        self._mark(check.job_of(self.exercise, self.options), self._preparations(), self.warm.branch())
        return self.marking.recording

    def _preparations(self) -> Iterator[engine.Task]:
        """Mark the reference, then whatever mistakes are not known yet."""
        if not self.setup.prepare:
            yield engine.Task(self.exercise.reference, only=frozenset())
            return
        yield engine.Task(self.exercise.reference)
        reference, experience = self.marking, self._experience
        done = self._marker()
        if done.exists():
            return
        for task in experience.lacking_singles(functions_of(reference.recording), reference):
            yield task
            experience.learn(self.marking)
        for function in sorted({name for item in reference.recording.items.values() for name in item.functions()}):
            for task in experience.lacking_pairs(function, reference):
                yield task
                experience.learn(self.marking)
        self.marking = reference
        try:
            done.touch()
        except OSError:
            pass  # next time it is looked for again

    def _marker(self) -> Path:
        """A file that says that everything was learned; whoever needs a mistake reads it from the cache then."""
        key = hashlib.sha256(repr((self.exercise.key, self.exercise.mistakes_digest)).encode()).hexdigest()
        return self.exercise.cache_file.with_name(f"{self.exercise.assignment.slug}-learned-{key[:24]}")

    # -- the stem ------------------------------------------------------------------------------------------

    def _is_lane(self) -> bool:
        """Fork a lane whenever the batch asks for one. True in each of them; False in the stem, once the batch is over."""
        places = Places(self.setup.processors)
        while True:
            try:
                request, descriptors, _, _ = socket.recv_fds(self.control, 4096, 3)
            except ConnectionResetError:  # the batch was killed
                return False
            if not request:
                return False
            if isinstance(pid := msgspec.msgpack.decode(request), int):
                answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                places.leave(pid)
            else:
                branch = self.warm.branch()
                answer = os.fork()
                if answer == 0:
                    self.warm.let_go()
                    self.warm = self.seat.launcher = branch
                    self._talk_over(*descriptors)
                    return True
                places.take(answer, branch.process.pid)
                branch.let_go()
                for descriptor in descriptors:
                    os.close(descriptor)
            self.control.send(msgspec.msgpack.encode(answer))

    def _talk_over(self, source: int, sink: int, errors: int) -> None:
        self.control.close()
        self.pipe.turn_to(os.fdopen(source, "rb"), os.fdopen(sink, "wb"))
        os.dup2(errors, 2)
        os.close(errors)

    # -- a lane --------------------------------------------------------------------------------------------

    def _submissions(self) -> Iterator[Submission]:
        while isinstance(given := self.pipe.receive(), Given):
            try:
                submission = submission_from_bytes(given.raw, file=self._label(given), kind=given.kind, name=given.name)
            except SubmissionRefused as refused:
                self.pipe.send(Refused(reason=str(refused)))
                continue
            yield msgspec.structs.replace(submission, file=given.file)

    def _label(self, given: Given) -> str:
        """What lines of the file are called: the exercise's own name for it, so that equal files give equal reports."""
        assignment = self.exercise.assignment
        return assignment.notebook_name if given.kind == "ipynb" else assignment.source_name

    def _answer(self, report: Report) -> None:
        self.pipe.send(Marked(line=self.encode(report), verdict=report.verdict.value))

    def _ready(self, recording: Recording) -> Ready:
        empty = blank(recording, self.exercise.assignment, check.fixed_fields(self.exercise, self.options, ()))
        known = Exercise(slug=empty.assignment.slug, title=empty.assignment.title, digest=empty.assignment.digest)
        return Ready(blank=msgspec.msgpack.encode(empty), exercise=known, points_total=empty.points_total,
                     fingerprint=fingerprint(recording, self.exercise), state=self.state,
                     functions=tuple(sorted(graded_names(recording))), cases=len(recording.items), deadline_s=self.exercise.assignment.limits.deadline_s)


class Places:
    """Every lane has a processor of its own for itself, its zygote and its workers, as far as there are `processors`."""

    def __init__(self, processors: tuple[int, ...]):
        self.free = list(processors)
        self.taken: dict[int, int] = {}  # by lane

    def take(self, lane: int, zygote: int) -> None:
        if not self.free:
            return
        self.taken[lane] = place = self.free.pop(0)
        for pid in (zygote, lane):
            try:
                os.sched_setaffinity(pid, {place})
            except OSError:
                pass  # it is gone, or the processor is: it runs where it may

    def leave(self, lane: int) -> None:
        if lane in self.taken:
            self.free.append(self.taken.pop(lane))


def _settle() -> None:
    """What is there stays; memory that preparing took and nothing holds any more goes back to the system, where that is known how."""
    import ctypes

    gc.collect()
    gc.freeze()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        pass


def state_of_package() -> str:
    """Of the source that this process runs."""
    place = Path(grader.__file__).parent
    files = sorted(place.rglob("*.py"))
    return hashlib.sha256(b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files)).hexdigest()


def fingerprint(recording: Recording, exercise: material.Material) -> str:
    """Equal fingerprints give equal marks: comments and spacing in tests, hints and titles of mistakes do not count."""
    tests = ast.dump(ast.parse(exercise.tests.read_bytes()))
    assignment = exercise.assignment
    said = repr((tests, recording.table, assignment.limits, assignment.imports, assignment.framework))
    return hashlib.sha256(said.encode() + msgspec.msgpack.encode(recording.items)).hexdigest()


def blank(recording: Recording, assignment: Assignment, fixed: dict) -> Report:
    """A report of all tests at hand, none of them judged."""
    rows = [row for row in recording.table if row.test]
    unseen = [row for row in recording.table if not row.test]
    tests = tuple(TestReport(id=r.test, part=r.part, title=r.title, visibility="public" if r.public else "hidden", score=0.0,
                             max_score=r.hundredths / 100, duration_s=0.0, verdict=Verdict.UNGRADED) for r in rows)
    resolved = assignment.with_parts([*(row.part for row in recording.table), *assignment.omit])
    parts = tuple(PartReport(name=p.name, title=p.title, score=0.0, max_score=sum(r.hundredths for r in rows if r.part == p.name) / 100,
                             verdict=Verdict.UNGRADED) for p in resolved.parts if any(r.part == p.name for r in rows))
    return Report(**fixed, submission=SubmissionReport(name="", file="", kind="py", sha256=""), scope="public" if all(r.public for r in rows) else "all",
                  hidden=Hidden(tests=len(unseen), points=sum(r.hundredths for r in unseen) / 100) if unseen else None, verdict=Verdict.UNGRADED,
                  score=0.0, max_score=sum(r.hundredths for r in rows) / 100, points_total=sum(r.hundredths for r in recording.table) / 100,
                  parts=parts, tests=tests)
