"""A lane: one process, one session of the engine, one submission after the other until the pipe ends."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest  # noqa: F401 - imported while the batch still reads submissions

from grader import check
from grader.batch.messages import Fault, Given, Marked, Ready, Refused, Setup, receive, send
from grader.batch.run_folder import Exercise
from grader.check import Desk, Options
from grader.course import material
from grader.course.assignment import Assignment
from grader.course.course import find_course, load_course
from grader.diagnosis.experience import Experience
from grader.errors import CourseError, GradeError, SubmissionRefused
from grader.record.recording import Recording
from grader.record.report import Hidden, PartReport, Report, SubmissionReport, TestReport, Verdict
from grader.source.submission import Submission, submission_from_bytes
from grader.suite import engine
from grader.suite.told import graded_names


def serve(source: BinaryIO, sink: BinaryIO, encode: Callable[[Report], str]) -> None:
    """Mark what comes from `source`; every answer goes to `sink`. Returns when `source` ends."""
    try:
        setup = receive(source)
        if isinstance(setup, Setup):
            Bench(setup, source, sink, encode).work()
    except GradeError as error:
        send(sink, Fault(exit_code=error.exit_code, message=str(error)))
    except BrokenPipeError:
        pass  # the batch is gone, and nobody waits for the answer
    except Exception as error:  # noqa: BLE001 - told to the batch, which decides
        send(sink, Fault(exit_code=70, message=f"{type(error).__name__}: {error}"))


class Bench(Desk):
    """A desk whose submissions come over a pipe."""

    def __init__(self, setup: Setup, source: BinaryIO, sink: BinaryIO, encode: Callable[[Report], str]):
        folder = find_course(Path(setup.root))
        if folder is None:
            raise CourseError("the course is gone", setup.root)
        exercise = material.load(load_course(folder), setup.slug)
        super().__init__(exercise, Options(level=setup.level, timeout_scale=setup.timeout_scale), self._answer)
        self.setup, self.source, self.sink, self.encode = setup, source, sink, encode

    def work(self) -> None:
        exercise = self.exercise
        engine.mark(check.job_of(exercise, self.options), self._all_tasks(), self.take, None, exercise.keep, check.table_of(exercise))

    def _all_tasks(self) -> Iterator[engine.Task]:
        if self.exercise.reference is None:
            recording = self.exercise.recorded()
        elif self.setup.prepare:
            yield from self._prepare()
            recording = self.marking.recording
        else:
            yield engine.Task(self.exercise.reference, only=frozenset())
            recording = self.marking.recording
        ready = self._ready(recording)
        _give_back()
        send(self.sink, ready)
        yield from self.tasks(self._submissions())

    def _prepare(self) -> Iterator[engine.Task]:
        """Mark the reference, then whatever mistakes are not known yet: they are in the cache afterwards."""
        yield engine.Task(self.exercise.reference)
        reference = self.marking
        experience = Experience(self.exercise)
        done = self._marker(experience)
        if done.exists():
            return
        for task in experience.lacking_singles(reference):
            yield task
            experience.learn(self.marking)
        for function in sorted({name for item in reference.recording.items.values() for name in item.functions()}):
            for task in experience.lacking_pairs(function, reference):
                yield task
                experience.learn(self.marking)
        try:
            done.touch()
        except OSError:
            pass  # next time it is looked for again

    def _marker(self, experience: Experience) -> Path:
        """A file that says that everything was learned; whoever needs a mistake reads it from the cache then."""
        key = hashlib.sha256(repr((self.exercise.key, experience.mistakes)).encode()).hexdigest()
        return self.exercise.cache_file.with_name(f"{self.exercise.assignment.slug}-learned-{key[:24]}")

    def _submissions(self) -> Iterator[Submission]:
        while isinstance(given := receive(self.source), Given):
            try:
                submission = submission_from_bytes(given.raw, file=self._label(given), kind=given.kind, name=given.name)
            except SubmissionRefused as refused:
                send(self.sink, Refused(reason=str(refused)))
                continue
            yield msgspec.structs.replace(submission, file=given.file)

    def _label(self, given: Given) -> str:
        """What lines of the file are called: the exercise's own name for it, so that equal files give equal reports."""
        assignment = self.exercise.assignment
        return assignment.notebook_name if given.kind == "ipynb" else assignment.source_name

    def _answer(self, report: Report) -> None:
        send(self.sink, Marked(line=self.encode(report), verdict=report.verdict.value))

    def _ready(self, recording: Recording) -> Ready:
        empty = blank(recording, self.exercise.assignment, check.fixed_fields(self.exercise, self.options, ()))
        known = Exercise(slug=empty.assignment.slug, title=empty.assignment.title, digest=empty.assignment.digest)
        return Ready(blank=msgspec.msgpack.encode(empty), exercise=known, points_total=empty.points_total,
                     fingerprint=fingerprint(recording, self.exercise),
                     functions=tuple(sorted(graded_names(recording))), cases=len(recording.items), deadline_s=self.exercise.assignment.limits.deadline_s)


def _give_back() -> None:
    """Memory that starting took and that nothing holds any more goes back to the system, where that is known how."""
    import ctypes
    import gc

    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        pass


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
