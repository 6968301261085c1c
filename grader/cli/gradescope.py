"""What `run_autograder` starts: one submission in Gradescope's folders -> `results.json`.

    python -m grader.cli.gradescope SLUG [--sandbox LEVEL] [--canaries]      GRADE_ROOT: instead of /autograder

A first `results.json` is there before any code of a student runs, the last one replaces it in one step. When the fault
is the exercise's or the machine's there is none: Gradescope then says that the autograder failed, and nobody gets a zero.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import click
from msgspec.structs import replace

from grader.check import Options, check
from grader.course.course import find_course, load_course
from grader.course.material import Material, load
from grader.errors import CourseError, GradeError, SandboxError, SubmissionRefused
from grader.record.audience import for_students
from grader.record.recording import write_bytes
from grader.record.report import Report
from grader.render.gradescope import to_gradescope, without_report
from grader.source.begun import is_untouched
from grader.source.strip import stub
from grader.source.submission import Submission, read_submission

UNFINISHED = ("Marking did not come to its end: the machine stopped it (time or memory). This is no verdict on your work; "
              "submit again, and tell the staff if it happens twice.")
HOSTILE = Path(__file__).resolve().parent.parent / "data" / "gradescope" / "hostile.txt"
MOST_NAMED = 20


class Nothing(Exception):
    """There is no file that can be marked; its text is for the student."""


@click.command()
@click.argument("slug")
@click.option("--sandbox", "level", type=click.Choice(["strict", "available", "off"]), default="strict")
@click.option("--canaries", is_flag=True, help="Mark an honest and a hostile file and see that both get what they should.")
def gradescope(slug: str, level: str, canaries: bool) -> None:
    """Mark the submission that lies in Gradescope's folders."""
    root = Path(os.environ.get("GRADE_ROOT", "/autograder"))
    exercise = load(load_course(find_course(root / "source")), slug)
    if canaries:
        _canaries(exercise, level)
    else:
        mark(exercise, root, level)


def mark(exercise: Material, root: Path, level: str) -> None:
    """`root/submission` -> `root/results/results.json`."""
    results, started = root / "results" / "results.json", time.monotonic()
    write_bytes(without_report(UNFINISHED, {"verdict": "unfinished"}).encode(), results)
    try:
        submission = read_submission(_the_file(root / "submission", exercise), name=_who(root), follow_links=False)
        submission = replace(submission, file=os.path.relpath(submission.file, root / "submission"))
        report = check(exercise, submission, Options(level=level))
        if report.verdict.value == "ungraded":
            raise CourseError(f"not every test could be judged: {_broken(report)}", exercise.assignment.slug)
        report = for_students(replace(report, submission=replace(report.submission, attempt=_attempt(root))))
        text = to_gradescope(report, exercise.assignment.hidden.value, time.monotonic() - started)
    except (SubmissionRefused, Nothing) as error:
        text = without_report(str(error), {"verdict": "not_loaded", "attempt": _attempt(root)})
    except BaseException:
        results.unlink(missing_ok=True)
        raise
    write_bytes(text.encode(), results)


def _broken(report: Report) -> str:
    return "; ".join(f"{t.id} ({t.finding.message if t.finding else 'no finding'})" for t in report.tests if t.verdict.value == "ungraded")


# The submission -------------------------------------------------------------------------------------------------------


def _the_file(folder: Path, exercise: Material) -> Path:
    """The one file that defines something of the assignment; of several the one with the expected name."""
    own = exercise.assignment
    seen = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink() and
            not any(part.startswith(".") or part in ("__MACOSX", "__pycache__") for part in file.relative_to(folder).parts)]
    names = _graded_names(exercise.reference)
    defining = [file for file in seen if file.suffix.lower() in (".py", ".ipynb") and _defines(file, names)]
    fitting = [file for file in defining if not _is_as_released(file, exercise)] or defining[:1]
    expected = [file for file in fitting if file.name in (own.source_name, own.notebook_name)]
    if len(fitting) == 1 or len(expected) == 1:
        return (expected or fitting)[0]
    shown = ", ".join(str(file.relative_to(folder)) for file in seen[:MOST_NAMED]) or "no file at all"
    if fitting:
        raise Nothing(f"Several files define functions of this exercise ({', '.join(file.name for file in fitting[:MOST_NAMED])}). "
                      f"Hand in one of them, called {own.source_name} or {own.notebook_name}. Seen: {shown}.")
    raise Nothing(f"No file defines a function of this exercise, such as {sorted(names)[0]}. Hand in {own.source_name} or {own.notebook_name}. "
                  f"Seen: {shown}.")


def _is_as_released(file: Path, exercise: Material) -> bool:
    """A repository holds stub and notebook; a student works in one of them."""
    try:
        raw = file.read_bytes()
    except OSError:
        return False
    if file.suffix.lower() == ".ipynb":
        return is_untouched(raw)
    return raw.replace(b"\r\n", b"\n") == stub(exercise.reference.pieces[0].text, exercise.assignment.source_name).encode()


def _graded_names(reference: Submission) -> frozenset[str]:
    """What the reference defines at its left margin."""
    nodes = ast.parse(reference.pieces[0].text).body
    return frozenset(node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef)))


def _defines(file: Path, names: Iterable[str]) -> bool:
    """By text alone: nothing of a student's is parsed here. A file that cannot be read may be meant."""
    try:
        texts = [piece.text for piece in read_submission(file, follow_links=False).pieces]
    except SubmissionRefused:
        return True
    pattern = re.compile(rf"^(?:async\s+)?(?:def|class)\s+(?:{'|'.join(map(re.escape, names))})\b", re.MULTILINE)
    return any(pattern.search(text) for text in texts)


def _metadata(root: Path) -> dict:
    """`submission_metadata.json`, as far as it is one."""
    try:
        found = json.loads((root / "submission_metadata.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _attempt(root: Path) -> int | None:
    earlier = _metadata(root).get("previous_submissions")
    return len(earlier) + 1 if isinstance(earlier, list) else None


def _who(root: Path) -> str:
    users = _metadata(root).get("users")
    names = [str(user.get("email") or user.get("name")) for user in users if isinstance(user, dict)] if isinstance(users, list) else []
    return ", ".join(names) or "submission"


# When the image is built ----------------------------------------------------------------------------------------------


def _canaries(exercise: Material, level: str) -> None:
    """The reference gets all points, a file that forges gets none and leaves no trace."""
    name = exercise.assignment.source_name
    with tempfile.TemporaryDirectory() as folder:
        honest = _result_of(exercise, Path(folder, "honest"), name, exercise.reference.pieces[0].text, level)
        if abs(honest["score"] - honest["extra_data"].get("max_score", -1)) > 0.005:
            raise CourseError(f"the reference gets {honest['score']:g} points here: {honest['output'][:2000]}", name)
        root = Path(folder, "hostile")
        defined = "\n".join(f"def {function}(*arguments, **keywords):\n    print(FORGED)\n    os._exit(0)\n" for function in sorted(_graded_names(exercise.reference)))
        text = HOSTILE.read_text(encoding="utf-8").replace("@ROOT@", repr(str(root))).replace("@NAMES@", defined)
        forged = _result_of(exercise, root, name, text, level)
        if forged["score"] or any(test["score"] for test in forged["tests"]) or "FORGED" in json.dumps(forged["tests"]):
            raise SandboxError(f"a hostile file got {forged['score']:g} points or wrote into results.json; marks made here cannot be trusted")
    click.echo(f"canaries: the reference gets {honest['score']:g} points, a hostile file {forged['score']:g}")


def _result_of(exercise: Material, root: Path, name: str, text: str, level: str) -> dict:
    (root / "submission").mkdir(parents=True)
    (root / "results").mkdir()
    (root / "submission" / name).write_text(text, encoding="utf-8")
    mark(exercise, root, level)
    return json.loads((root / "results" / "results.json").read_bytes())


def main() -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        gradescope.main(standalone_mode=False)
    except GradeError as error:
        sys.stderr.write(f"grade: {error}\n")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show(sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
