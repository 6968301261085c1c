"""The gate of a release: what every student will receive is proven by marking with it, before anything is written.

    stub       0 points, not attempted                    reference   all points, on all tests and on the public ones alone
    cheats     nothing                                    mistakes    told from the released folder as with solutions/
"""

from __future__ import annotations

import ast
import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from grader.audit import audit_cache, impostors
from grader.check import Options, fixed_fields, job_of, table_of
from grader.course import manifest, material
from grader.course.course import COURSE_FILE, CourseFolder, load_course
from grader.course.material import Material
from grader.diagnosis import diagnose, explaining, learning
from grader.diagnosis.experience import Experience
from grader.diagnosis.explaining import Explaining
from grader.errors import CourseError
from grader.feedback import reporting
from grader.record.known import Known
from grader.record.mistake import defined
from grader.record.recording import Recording, write_bytes
from grader.record.report import Diagnosis, Report, Verdict
from grader.source.submission import Submission, submission_from_bytes
from grader.suite import engine
from grader.suite.engine import Marking, Task


def prove(source: Material, files: Mapping[str, bytes], tests: Mapping[str, str], learned: tuple[Known, ...]) -> None:
    """Raise unless all holds; what was proven is remembered until exercise or package change.

    tests: digests of the released tests   learned: the mistakes as they are known with solutions
    """
    done = _memo(source, files)
    if done.is_file():
        return
    own, where = source.assignment, _shown(source, source.assignment.source_name)
    stub = submission_from_bytes(files[own.source_name], file="stub.py", kind="py", name="stub")
    sheet = submission_from_bytes(files[own.notebook_name], file="stub.ipynb", kind="ipynb", name="stub")
    cheats = impostors.cheats(source.reference.pieces[0].text)
    whole, empty, *cheated = (_report(source, marking) for marking in _markings(source, map(Task, (source.reference, stub, *cheats))))
    if whole.score != whole.points_total:
        raise CourseError(f"the reference gets {whole.score:g} of {whole.points_total:g} points: {_first_failing(whole)}", where)
    _check_stub(empty, where)
    for cheat in cheated:
        for test in (test for test in cheat.tests if test.score):
            raise CourseError(f"{test.id} gives {test.score:g} points to the cheat {cheat.submission.name!r}: mark it @secondary or add a case",
                              _test_place(source, test.id))
    with tempfile.TemporaryDirectory() as folder:
        _check_alone(source, _released(source, files, tests, Path(folder)), (stub, sheet), whole, learned)
    with contextlib.suppress(OSError):
        write_bytes(b"", done)


def _memo(source: Material, files: Mapping[str, bytes]) -> Path:
    digests = sorted((name, manifest.digest(data)) for name, data in files.items())
    key = manifest.digest(repr((source.key, source.mistakes, digests, audit_cache.package_digest())).encode())
    return source.cache_file.with_name(f"{source.assignment.slug}-gate-{key[:24]}.proven")


def _check_stub(report: Report, where: str) -> None:
    if report.score or report.verdict is not Verdict.NOT_ATTEMPTED:
        scoring = next((test.id for test in report.tests if test.score), "")
        raise CourseError(f"the stub gets {report.score:g} points and the verdict {report.verdict}{f' ({scoring})' if scoring else ''}; "
                          "needed are 0 points and not_attempted", where)


def _check_alone(source: Material, released: Material, stubs: tuple[Submission, ...], whole: Report, learned: tuple[Known, ...]) -> None:
    """What a learner's laptop says of the mistakes is what the instructor's would say of them on the public tests."""
    where = _shown(source, source.assignment.source_name)
    mistakes = list(_tasks(source, released.recorded(), learned))
    first, *others = _markings(released, [Task(source.reference), *map(Task, stubs), *mistakes])
    full, *empty = (_report(released, marking) for marking in (first, *others[:len(stubs)]))
    public = sum(test.max_score for test in whole.tests if test.visibility == "public")
    if full.verdict is not Verdict.PASSED or abs(full.score - public) > 0.005:
        raise CourseError(f"with the release alone the reference gets {full.score:g} of {public:g} public points: {_first_failing(full)}", where)
    for report in empty:
        _check_stub(report, f"{where} (as {report.submission.file}, with the release alone)")
    experience, memory, compared = Experience(released), diagnose.Memory(), explaining.compared(first)
    any(experience.lacking_singles((), first))  # a release brings them: there is nothing to learn
    for marking in others[len(stubs):]:
        case = Explaining(marking, diagnose.answers(marking, memory, compared))
        alone, at_home = (case.explain(singles, lambda function: ()).diagnoses for singles in (experience.singles(()), learned))
        if [replace(d, line=None) for d in alone] != [replace(d, line=None) for d in at_home]:
            name = marking.submission.name
            raise CourseError(f"with the release alone the mistake {name} is told as {_told(alone)}, with solutions/ as {_told(at_home)}",
                              f"{source.mistakes_shown}:{name}")


def _tasks(source: Material, released: Recording, learned: tuple[Known, ...]) -> Iterator[Task]:
    """The mistakes that public cases tell, each by the cases in which it may answer otherwise."""
    reference = source.reference.pieces[0].text
    telling, own = {k.names[0] for k in learned if any(key.partition("|")[0] in released.items for key in k.calls)}, defined(reference)
    wrongs = learning.singles(reference, source.mistakes, source.mistakes_shown)
    for wrong, upcoming in engine.with_next([wrong for wrong in wrongs if wrong.mistakes[0].name in telling]):
        yield Task(wrong.submission, learning.items_for(wrong, released.items, released, own), upcoming=upcoming and upcoming.submission)


def _told(diagnoses: Iterable[Diagnosis]) -> str:
    return ", ".join(f"{' and '.join(d.mistakes)} ({d.certainty})" for d in diagnoses) or "nothing"


def _released(source: Material, files: Mapping[str, bytes], tests: Mapping[str, str], folder: Path) -> Material:
    """The exercise as a learner has it, in a folder of its own."""
    slug = source.assignment.slug
    (folder / slug).mkdir()
    for name, data in files.items():
        (folder / slug / name).write_bytes(data)
    digests = {f"{slug}/{name}": manifest.digest(data) for name, data in files.items()}
    text = manifest.course_text(source.course, [source.course.entry(slug)], digests, {slug: tests})
    (folder / COURSE_FILE).write_text(text, encoding="utf-8")
    return material.load(load_course(CourseFolder(root=folder, solutions=None, assignments=folder)), slug)


def _markings(exercise: Material, tasks: Iterable[Task]) -> list[Marking]:
    """Of each, in one session."""
    made: list[Marking] = []
    engine.mark(job_of(exercise, Options()), tasks, made.append, None, exercise.keep, table_of(exercise))
    return made


def _report(exercise: Material, marking: Marking) -> Report:
    fixed = fixed_fields(exercise, Options(), marking.missing_layers)
    return reporting.build(marking, exercise.assignment, reporting.Explanation(), **fixed)


def _first_failing(report: Report) -> str:
    return next((f"{test.id} ({test.finding.message if test.finding else test.verdict})" for test in report.tests if test.verdict is not Verdict.PASSED), "")


def _test_place(source: Material, test: str) -> str:
    line = next((n.lineno for n in ast.parse(source.tests.read_text(encoding="utf-8-sig")).body if getattr(n, "name", "") == test), None)
    return f"{_shown(source, source.tests.name)}:{line}" if line else _shown(source, source.tests.name)


def _shown(source: Material, name: str) -> str:
    return source.course.folder.shown(source.folder / name)
