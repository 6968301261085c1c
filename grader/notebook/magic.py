"""The IPython extension: `%grade SLUG` and, at the head of a cell, `%%grade SLUG`.

    cells that were run -> what the kernel holds -> marked by the command -> a page, or text where no page can be shown
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from grader.errors import GradeError
from grader.notebook import held, marking
from grader.notebook.held import Cell, Statement
from grader.source.magics import read_cell

EXPLAIN = "what to mark is missing; say, for example, `%grade {}`"


def register(shell: Any) -> None:
    """Make the two commands known to a shell of IPython."""
    def line_magic(line: str) -> None:
        """Mark what this kernel holds: `%grade SLUG [--part NAME] [-v]`, options as of the command `grade`."""
        _tell(shell, line)

    def cell_magic(line: str, cell: str) -> None:
        """Run this cell, then mark what this kernel holds."""
        if shell.run_cell(cell, store_history=False).error_before_exec is None:
            _tell(shell, line)

    shell.register_magic_function(line_magic, "line", "grade")
    shell.register_magic_function(cell_magic, "cell", "grade")


def _tell(shell: Any, line: str) -> None:
    """Mark and show; what goes wrong is said in one line, and the notebook runs on."""
    try:
        report, said = _marked(shell, shlex.split(line))
    except (GradeError, ValueError) as error:  # ValueError: quotes that do not match
        report, said = None, f"grade: {error}"
    if said:
        print(said, file=sys.stderr)
    if report is not None:
        from grader.render.html import to_html
        from grader.render.terminal import to_terminal

        shell.display_pub.publish({"text/html": to_html(report), "text/plain": to_terminal(report)})


def _marked(shell: Any, words: list[str]) -> marking.Marked:
    """What the command says to what the kernel holds."""
    from grader.course.course import CourseFolder, find_course, load_course
    from grader.starting import packaged_course

    folder = find_course(Path.cwd()) or CourseFolder(root=(place := packaged_course()), solutions=None, assignments=place)
    course = load_course(folder)
    slug = next((word for word in words if word in course.slugs), "")
    if not words:
        return marking.Marked(None, f"grade: {EXPLAIN.format(' or '.join(course.slugs[:2]))}")
    names = _names(folder.source / slug) if slug else frozenset()
    run = held.statements(_history(shell))
    there = {name for name in names | held.answers(run) if name in shell.user_ns}
    kept = held.held(run, there)
    report, said = marking.marked(folder.root, words, held.written(kept))
    if report is not None and (unsaved := _unsaved(shell, slug, kept, there)):
        report = replace(report, remarks=(unsaved, *report.remarks))
    return marking.Marked(report, said)


def _history(shell: Any) -> Iterator[Cell]:
    """The Python of all cells that were run in this session, the one that asks included."""
    for number, text in enumerate(shell.history_manager.input_hist_raw):
        yield Cell(number, read_cell(text.replace("\r\n", "\n")).python)


def _names(folder: Path) -> frozenset[str]:
    """What the exercise's own file defines; nothing if it cannot be read."""
    from grader.course.assignment import stem

    try:
        text = (folder / f"{stem(folder.name)}.py").read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return frozenset()
    return frozenset(name for statement in held.statements([Cell(0, text)]) for name in statement.binds)


# The saved notebook ---------------------------------------------------------------------------------------------------


def _unsaved(shell: Any, slug: str, kept: list[Statement], names: set[str]):
    """A remark if the file on disk would be marked otherwise."""
    from grader.errors import SubmissionRefused
    from grader.record.report import Remark
    from grader.source.submission import read_submission

    file = _saved_notebook(shell, slug)
    if file is None:
        return None
    try:
        pieces = read_submission(file).pieces
    except SubmissionRefused:
        return None
    saved = held.held(held.statements(Cell(number, piece.text) for number, piece in enumerate(pieces)), names)
    if not (others := held.differing(kept, saved)):
        return None
    shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    return Remark(kind="unsaved", text=f"Save before you hand in: {file.name} on disk has another {shown}.")


def _saved_notebook(shell: Any, slug: str) -> Path | None:
    """The file of this notebook: as VS Code or Jupyter tell it, else the exercise's in this folder."""
    from grader.course.assignment import stem

    told = (shell.user_ns.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"), f"{stem(slug)}.ipynb")
    places = (Path(str(name)) for name in told if name and str(name).endswith(".ipynb"))
    return next((place for place in places if place.is_file()), None)
