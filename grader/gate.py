"""The gate of a release: what every student will receive is proven by marking with it, before anything is written.

    stub       0 points, not attempted                    reference   all points, on all tests and on the public ones alone
    cheats     nothing                                    mistakes    told from the released folder as with solutions/
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from grader import impostors, learning, manifest, material, reporting
from grader.check import Options, fixed_fields, job_of, table_of
from grader.course import COURSE_FILE, CourseFolder, load_course
from grader.errors import CourseError
from grader.experience import Experience
from grader.explaining import Explaining
from grader.material import Material
from grader.report import Report, Verdict
from grader.submission import Submission, submission_from_bytes
from grader.suite import engine
from grader.suite.engine import Marking, Task


def prove(source: Material, files: Mapping[str, bytes], tests: Mapping[str, str]) -> None:
    """Stub, reference and cheats get what they should with all tests; the released folder alone judges as with solutions."""
    own, where = source.assignment, _shown(source, source.assignment.source_name)
    stub = submission_from_bytes(files[own.source_name], file="stub.py", kind="py", name="stub")
    cheats = impostors.cheats(source.reference.pieces[0].text)
    whole, empty, *cheated = _reports(source, [source.reference, stub, *cheats], Options())
    if whole.score != whole.points_total:
        raise CourseError(f"the reference gets {whole.score:g} of {whole.points_total:g} points: {_first_failing(whole)}", where)
    _check_stub(empty, where)
    for cheat in cheated:
        for test in (test for test in cheat.tests if test.score):
            raise CourseError(f"{test.id} gives {test.score:g} points to the cheat {cheat.submission.name!r}: mark it @secondary or add a case",
                              _test_place(source, test.id))
    with tempfile.TemporaryDirectory() as folder:
        _check_alone(source, _released(source, files, tests, Path(folder)), stub, whole)


def _check_stub(report: Report, where: str) -> None:
    if report.score or report.verdict is not Verdict.NOT_ATTEMPTED:
        scoring = next((test.id for test in report.tests if test.score), "")
        raise CourseError(f"the stub gets {report.score:g} points and the verdict {report.verdict}{f' ({scoring})' if scoring else ''}; "
                          "needed are 0 points and not_attempted", where)


def _check_alone(source: Material, released: Material, stub: Submission, whole: Report) -> None:
    """What a learner's laptop says is what the instructor's would say of the public tests."""
    where = _shown(source, source.assignment.source_name)
    wrongs = learning.singles(source.reference.pieces[0].text, source.mistakes, source.mistakes_shown)
    full, empty, *alone = _reports(released, [source.reference, stub, *(w.submission for w in wrongs)], Options(), explained=True)
    public = sum(test.max_score for test in whole.tests if test.visibility == "public")
    if full.verdict is not Verdict.PASSED or abs(full.score - public) > 0.005:
        raise CourseError(f"with the release alone the reference gets {full.score:g} of {public:g} public points: {_first_failing(full)}", where)
    _check_stub(empty, f"{where} (with the release alone)")
    with_solutions = _reports(source, [w.submission for w in wrongs], Options(tests="public"), explained=True)
    for wrong, mine, theirs in zip(wrongs, alone, with_solutions, strict=True):
        if _judgement(mine) != _judgement(theirs):
            raise CourseError(f"with the release alone the mistake {wrong.mistakes[0].name} is told as {_told(mine)}, with solutions/ as {_told(theirs)}",
                              f"{source.mistakes_shown}:{wrong.mistakes[0].name}")


def _judgement(report: Report) -> object:
    return (report.verdict, report.score, [(test.id, test.verdict) for test in report.tests],
            [(d.mistakes, d.tie, d.certainty, d.part, d.tests, d.says, d.hint) for d in report.diagnoses])


def _told(report: Report) -> str:
    names = [f"{' and '.join(d.mistakes)} ({d.certainty})" for d in report.diagnoses]
    return f"{', '.join(names) or 'nothing'}, {report.score:g} points"


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


def _reports(exercise: Material, submissions: Iterable[Submission], options: Options, explained: bool = False) -> list[Report]:
    """Reports by single mistakes alone: a release brings no pairs."""
    experience = Experience(exercise)
    last: list[Marking] = []
    made: list[Report] = []

    def tasks() -> Iterator[Task]:
        for submission in submissions:
            yield Task(submission)
            marking, explanation = last.pop(), reporting.Explanation()
            if explained and reporting.needs_explanation(marking):
                for task in experience.lacking_singles(marking):
                    yield task
                    experience.learn(last.pop())
                explanation = Explaining(marking).explain(experience.singles, lambda function: ())
            made.append(reporting.build(marking, exercise.assignment, explanation, **fixed_fields(exercise, options, marking.missing_layers)))

    engine.mark(job_of(exercise, options), tasks(), last.append, None, exercise.keep, table_of(exercise))
    return made


def _first_failing(report: Report) -> str:
    return next((f"{test.id} ({test.finding.message if test.finding else test.verdict})" for test in report.tests if test.verdict is not Verdict.PASSED), "")


def _test_place(source: Material, test: str) -> str:
    line = next((n.lineno for n in ast.parse(source.tests.read_text(encoding="utf-8-sig")).body if getattr(n, "name", "") == test), None)
    return f"{_shown(source, source.tests.name)}:{line}" if line else _shown(source, source.tests.name)


def _shown(source: Material, name: str) -> str:
    return source.course.folder.shown(source.folder / name)
