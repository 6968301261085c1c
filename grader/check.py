"""`grade SLUG`: name -> material -> submission -> marking -> report."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from grader import __version__
from grader.course import material
from grader.course.manifest import RESTORES
from grader.course.material import Material
from grader.errors import AlteredError, CourseError
from grader.feedback import reporting
from grader.feedback.score import points_table
from grader.record.recording import Recording
from grader.record.report import Assignment, Environment, Report, SandboxReport, Tool
from grader.source.submission import Submission
from grader.suite import engine
from grader.worker.sandbox import Limits


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line may ask of a run."""

    level: str = "available"
    timeout_scale: float = 1.0
    tests: str = "all"  # or "public"
    select: str | None = None
    part: str | None = None
    stop_first: bool = False
    seed: int | None = None


def check(exercise: Material, submission: Submission, options: Options, warm=None) -> Report:
    """Mark one submission."""
    reports: list[Report] = []
    mark_all(exercise, [submission], options, reports.append, warm)
    return reports[0]


def check_with_hints(exercise: Material, submission: Submission, options: Options) -> tuple[Report, dict[tuple[str, ...], tuple[str, ...]]]:
    """The report, and all hints of the mistakes that were considered."""
    reports: list[Report] = []
    desk = Desk(exercise, options, reports.append)
    engine.mark(job_of(exercise, options), desk.tasks([submission]), desk.take, None, exercise.keep, table_of(exercise))
    return reports[0], desk.hints()


def mark_all(exercise: Material, submissions: Iterable[Submission], options: Options, emit: Callable[[Report], None], warm=None) -> None:
    """Mark submissions one after the other in one session; `emit` gets each report. `warm`: a launcher already started."""
    desk = Desk(exercise, options, emit)
    try:
        engine.mark(job_of(exercise, options), desk.tasks(submissions), desk.take, warm, exercise.keep, table_of(exercise))
    except CourseError as error:
        if exercise.altered:  # the learner's own edit, most likely
            raise AlteredError(f"{error}; {', '.join(exercise.altered)} was changed by you, {RESTORES}") from error
        raise


class Desk:
    """Feeds the engine: each submission, then, if it fails and they are not known yet, the mistakes it may have made."""

    def __init__(self, exercise: Material, options: Options, emit: Callable[[Report], None]):
        self.exercise, self.options, self.emit = exercise, options, emit
        self.marking: engine.Marking
        self._experience = None

    def take(self, marking: engine.Marking) -> None:
        """The engine's answer to the task given last."""
        self.marking = marking

    def tasks(self, submissions: Iterable[Submission]) -> Iterator[engine.Task]:
        for submission, upcoming in engine.with_next(submissions):
            yield engine.Task(submission, upcoming=upcoming)
            marking = self.marking
            explanation = (yield from self._explain(marking)) if reporting.needs_explanation(marking) else reporting.Explanation()
            self.emit(reporting.build(marking, self.exercise.assignment, explanation, self.exercise.altered,
                                      **fixed_fields(self.exercise, self.options, marking.missing_layers)))

    def hints(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """Hints by mistakes, of all that were consulted."""
        return {k.names: k.hint for k in self._experience.consulted()} if self._experience else {}

    def _explain(self, marking: engine.Marking):
        """Tasks for what is not known yet; returns the explanation. Imported here: right work pays nothing for it."""
        from grader.diagnosis.experience import Experience
        from grader.diagnosis.explaining import Explaining

        self._experience = experience = self._experience or Experience(self.exercise)
        case = Explaining(marking)
        asked: list[str] = []
        for wrong in case.wrong_functions:
            if not case.is_certain(wrong, experience.singles(asked)):
                asked.append(wrong)
                for task in experience.lacking_singles((wrong,), marking):
                    yield task
                    experience.learn(self.marking)
        singles = experience.singles(asked)
        for function in case.unexplained(singles):
            for task in experience.lacking_pairs(function, marking):
                yield task
                experience.learn(self.marking)
        return case.explain(singles, experience.pairs)


def table_of(exercise: Material):
    """What a new recording is completed with: points and parameter names."""
    def complete(recording: Recording, cases) -> Recording:
        source = exercise.reference.pieces[0].text
        return msgspec.structs.replace(recording, table=points_table(exercise.assignment, cases), signatures=material.signatures(source))
    return complete


def job_of(exercise: Material, options: Options) -> engine.Job:
    assignment = exercise.assignment
    return engine.Job(
        slug=assignment.slug, tests=exercise.tests, framework=assignment.framework.value, allowed=assignment.imports,
        deadline_s=assignment.limits.deadline_s * options.timeout_scale, limits=limits_of(exercise, options), level=options.level,
        secret=exercise.secret, key=exercise.key, recording=exercise.recorded(), reference=exercise.reference,
        public_only=options.tests == "public", select=options.select, part=options.part, stop_first=options.stop_first, without=exercise.altered)


def limits_of(exercise: Material, options: Options) -> Limits:
    limits = exercise.assignment.limits
    return Limits(limits.cpu_s * options.timeout_scale, limits.memory_mib)


def fixed_fields(exercise: Material, options: Options, missing: tuple[str, ...]) -> dict:
    """Fields of a report that do not depend on the marking."""
    return dict(
        tool=Tool(name="deepgrader", version=__version__),
        environment=Environment(python=platform.python_version(), numpy=sys.modules["numpy"].__version__,
                                platform=f"{sys.platform}-{platform.machine()}"),
        assignment=Assignment(slug=exercise.assignment.slug, title=exercise.assignment.title, digest=exercise.digest),
        sandbox=SandboxReport(level=options.level, missing=missing), seed=options.seed)


def learners_files(exercise: Material) -> list[Path]:
    """What may be meant when no file is named: all that are begun, else the first one that is there."""
    from grader.errors import UsageError

    place = (exercise.course.folder.assignments or exercise.course.folder.root) / exercise.assignment.slug
    names = (exercise.assignment.source_name, exercise.assignment.notebook_name)
    there = [file for name in names if (file := place / name).is_file()]
    if not there:
        raise UsageError(f"there is no {names[0]} in {place}; name the file with --file, or `grade start` a copy of the course")
    return [file for file in there if differs_from_stub(exercise, file)] or there[:1]


def differs_from_stub(exercise: Material, file: Path) -> bool:
    """Whether the file is no longer what was released (also when the release did not say); of a notebook its code counts."""
    import hashlib

    from grader.course.course import COURSE_FILE, load_course
    from grader.source import begun

    folder = exercise.course.folder
    course = exercise.course
    if folder.is_instructor and folder.assignments and (folder.assignments / COURSE_FILE).is_file():
        course = load_course(msgspec.structs.replace(folder, solutions=None, root=folder.assignments))
    known = course.digests.get(f"{file.parent.name}/{file.name}")
    raw = file.read_bytes()
    return known != hashlib.sha256(raw).hexdigest() and not (file.suffix == ".ipynb" and begun.is_untouched(raw))
