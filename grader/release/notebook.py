"""An exercise as a notebook: the handout, the stub cut into cells, and after each part a cell that marks it.

    handout        its sections, one cell each
    setting up     the grader, what the stub imports, helpers that are given
    each part      what it is about, the stub's functions or questions, `%grade SLUG --part NAME`
    at the end     `%grade SLUG`, how to hand in, what is tested afterwards

Pure, and the same bytes every time: cells are named by what is in them, nothing was run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import nbformat

from grader import __version__
from grader.course import manifest
from grader.course.assignment import Assignment, Part
from grader.course.handout import AFTERWARDS
from grader.record.recording import Recording, TestPoints
from grader.source import begun
from grader.source.strip import ANSWER, DEFINITIONS, HINT, first_line
from grader.source.submission import submission_from_bytes

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
RULE = re.compile(r"\s*[-=_~#]{4,}\s*$")  # at the end of a comment that divides a file
LATER = "They count once the functions they call are right, so they are marked with everything else, at the end."
HAND_IN = "Run `%grade {slug}` once more, save the notebook, and hand in `{file}`."


class Piece(NamedTuple):
    """Lines of the stub, from `start` up to `end`: code that binds `names`, or a comment that stands by itself."""

    start: int
    end: int
    text: str
    names: tuple[str, ...] = ()
    summary: str = ""
    is_code: bool = True


def parts_of(record: Recording) -> dict[str, str]:
    """Function or answer -> the first part whose tests ask for it."""
    part_of_test = {row.test: row.part for row in record.table}
    order = list(dict.fromkeys(row.part for row in record.table))
    asked = sorted((order.index(part), call.function.removeprefix("value:")) for item, answers in record.items.items()
                   if (part := part_of_test.get(item.partition("[")[0])) for call in answers.student)  # omitted parts have no tests
    return {name: order[place] for place, name in reversed(asked)}


def notebook(page: str, stub: str, tests: str, assignment: Assignment, table: Sequence[TestPoints], parts: Mapping[str, str], submit: str = "") -> bytes:
    """The notebook as bytes.

    page: the handout   stub, tests: what students receive as `.py`   table: points of the tests   parts: see `parts_of`
    submit: how the course wants things handed in
    """
    given, sections = _sorted(stub.split("\n"), list(_pieces(stub)), parts)
    sheet = _Sheet()
    before, _, after = page.partition(f"{AFTERWARDS}\n")
    for number, section in enumerate(_chapters(before)):
        sheet.say(f"handout-{number}", section)
    _set_up(sheet, given)
    for part in assignment.parts:
        _section(sheet, assignment, part, sections.get(part.name, []), [row for row in table if row.part == part.name], _secondary(tests))
    hand_in = submit.replace("{file}", assignment.notebook_name) or HAND_IN.format(slug=assignment.slug, file=assignment.notebook_name)
    sheet.say("all", f"## All of it\n\n{hand_in}")
    sheet.run("all-grade", f"%grade {assignment.slug}")
    if after.strip():
        sheet.say("afterwards", f"{AFTERWARDS}\n{after}")
    return _written(sheet.cells)


class _Sheet:
    """The cells so far."""

    def __init__(self) -> None:
        self.cells: list[nbformat.NotebookNode] = []

    def say(self, name: str, text: str) -> None:
        self.cells.append(nbformat.v4.new_markdown_cell(text.strip("\n"), id=self._id(name)))

    def run(self, name: str, code: str) -> None:
        self.cells.append(nbformat.v4.new_code_cell(code.strip("\n"), id=self._id(name)))

    def _id(self, name: str) -> str:
        """Letters, digits and hyphens, at most 64; no two the same."""
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:56] or "cell"
        taken = {cell.id for cell in self.cells}
        return next(found for found in (plain, *(f"{plain}-{n}" for n in range(2, len(taken) + 3))) if found not in taken)


def _written(cells: list[nbformat.NotebookNode]) -> bytes:
    made = nbformat.v4.new_notebook(cells=cells, metadata={**METADATA})
    made.nbformat_minor = 5
    code = submission_from_bytes(nbformat.writes(made).encode(), file="notebook", kind="ipynb", name="notebook")
    made.metadata[begun.KEY] = {"code": begun.code_digest(code)}
    nbformat.validate(made)
    return (nbformat.writes(made) + "\n").encode()


# What the cells say ---------------------------------------------------------------------------------------------------


def _chapters(page: str) -> Iterator[str]:
    """The page cut before its headings of the second level (those in code are none)."""
    found: list[str] = []
    fenced = False
    for line in page.strip("\n").split("\n"):
        if line.startswith("## ") and not fenced and found:
            yield "\n".join(found)
            found = []
        fenced ^= line.startswith("```")
        found.append(line)
    yield "\n".join(found)


def _set_up(sheet: _Sheet, given: list[Piece]) -> None:
    """The extension, imports, what the exercise brings along."""
    wanted = f"{manifest.PACKAGE}{manifest.requires(__version__)}"
    sheet.say("set-up", "## Setting up\n\nRun these cells first.")
    sheet.run("load-grader", f'# If this fails: %pip install "{wanted}"\n%load_ext grader')
    _pour(sheet, "given", given, headings=True)


def _section(sheet: _Sheet, assignment: Assignment, part: Part, pieces: list[Piece], rows: list[TestPoints],
             secondary: frozenset[str]) -> None:
    """One part: heading, cells to fill in, a cell that marks them."""
    visible = [row.title.rstrip(".") for row in rows if row.public]
    by_itself = any(row.public and row.test not in secondary for row in rows)
    lines = [f"## {part.title}", "", f"{part.hundredths / 100:g} points."]
    lines += ["", *(f"- `{piece.names[0]}`: {piece.summary}" for piece in pieces if piece.summary)]
    lines += ["", *(["Tested here:", "", *(f"- {title}" for title in visible), ""] if visible else [])]
    lines += [LATER] if visible and not by_itself else []
    lines += ["More tests follow after you hand in." if visible else "Tested after you hand in."] if len(visible) < len(rows) else []
    sheet.say(part.name, re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))
    _pour(sheet, part.name, pieces, headings=False)
    if by_itself:
        sheet.run(f"{part.name}-grade", f"%grade {assignment.slug} --part {part.name}")


def _secondary(tests: str) -> frozenset[str]:
    """Tests that count only if others pass."""
    return frozenset(node.name for node in ast.parse(tests).body if isinstance(node, ast.FunctionDef)
                     if any(isinstance(mark, ast.Name) and mark.id == "secondary" for mark in node.decorator_list))


def _pour(sheet: _Sheet, name: str, pieces: list[Piece], headings: bool) -> None:
    for piece in pieces:
        if piece.is_code:
            sheet.run(f"{name}-{piece.names[0]}" if piece.names else name, piece.text)
        elif text := _prose(piece.text, headings):
            sheet.say(f"{name}-note", text)


def _prose(comment: str, headings: bool) -> str:
    """A comment as a paragraph; a line that ends in a rule is a heading, and only as such worth showing."""
    lines = [line.removeprefix("#").strip() for line in comment.split("\n")]
    told = [f"### {RULE.sub('', line)}\n" if RULE.search(line) else line for line in lines if RULE.sub("", line) and (headings or not RULE.search(line))]
    return "\n".join(told)


# The stub in pieces ----------------------------------------------------------------------------------------------------


def _pieces(stub: str) -> Iterator[Piece]:
    """All of the stub but blank lines, in order; a comment directly above code belongs to it."""
    lines = stub.split("\n")
    done = 0
    for node in ast.parse(stub).body:
        start, end = first_line(node) - 1, node.end_lineno or node.lineno
        if start < done:  # behind a semicolon
            continue
        while start > done and lines[start - 1].startswith("#"):
            start -= 1
        yield from _comments(lines, done, start)
        yield Piece(start, end, "\n".join(lines[start:end]), _bound(node), _summary(node))
        done = end
    yield from _comments(lines, done, len(lines))


def _comments(lines: list[str], start: int, end: int) -> Iterator[Piece]:
    """Those between two lines, one piece for those without a blank line between them."""
    for at in range(start, end):
        if lines[at].strip() and (at == start or not lines[at - 1].strip()):
            stop = next((k for k in range(at, end) if not lines[k].strip()), end)
            yield Piece(at, stop, "\n".join(lines[at:stop]), is_code=False)


def _bound(node: ast.stmt) -> tuple[str, ...]:
    """Names of functions, classes and answers; of imports none."""
    if isinstance(node, DEFINITIONS):
        return (node.name,)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return tuple(inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name))


def _summary(node: ast.stmt) -> str:
    """The first line of its docstring."""
    return ((ast.get_docstring(node) if isinstance(node, DEFINITIONS) else None) or "").partition("\n")[0].strip()


def _sorted(lines: list[str], pieces: list[Piece], parts: Mapping[str, str]) -> tuple[list[Piece], dict[str, list[Piece]]]:
    """(given before anything is to be written, part -> its pieces); what is given in between goes with what follows it."""
    given: list[Piece] = []
    sections: dict[str, list[Piece]] = {}
    waiting: list[Piece] = []
    for piece in pieces:
        part = next((parts[name] for name in piece.names if name in parts), None) if _is_open(piece) else None
        if part is None:
            waiting.append(piece)
            continue
        if not sections:
            first = next((k for k in range(len(waiting), 0, -1) if waiting[k - 1].is_code), 0)
            given, waiting = _joined(lines, waiting[:first]), waiting[first:]
        sections.setdefault(part, []).extend([*_joined(lines, waiting), piece])
        waiting = []
    last = sections[next(reversed(sections))] if sections else given
    last.extend(_joined(lines, waiting))
    return given, sections


def _is_open(piece: Piece) -> bool:
    return HINT in piece.text or ANSWER in piece.text


def _joined(lines: list[str], pieces: list[Piece]) -> list[Piece]:
    """Code between two comments is one piece."""
    found: list[Piece] = []
    for piece in pieces:
        if found and piece.is_code and found[-1].is_code:
            start, names = found[-1].start, found[-1].names or piece.names
            found[-1] = Piece(start, piece.end, "\n".join(lines[start : piece.end]), names)
        else:
            found.append(piece._replace(summary=""))
    return found
