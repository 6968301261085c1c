"""The test file of an exercise -> the one that students receive. Pure: text in, text out.

The public tests remain, and of the module what they need, found name by name: imports, constants, helpers, fixtures.
What remains stays byte for byte; an import loses the names that nothing uses any more. Comments go with the code they
stand on; a section's heading (`# ---- backward`) stays if something of its section does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from grader.errors import CourseError
from grader.names import Block, blocks_of, bound, tests_in
from grader.strip import parsed

ALWAYS = ("pytestmark", "pytest_generate_tests")  # pytest finds these by name
_HEADING = re.compile(r"-{3,}|={3,}|~{3,}|\*{3,}|#{3,}|[─━═]{3,}")


class Lines(NamedTuple):
    """Lines to keep, and the text that replaces them, if any does."""

    first: int
    last: int
    text: str | None = None


def public_tests(source: str, public: Iterable[str], hidden: Iterable[str] = (), file: str = "tests") -> str:
    """`source` with the test functions `public` and what they need; no name of any other test is left."""
    public = frozenset(public)
    tree = parsed(source, file)
    lines = source.split("\n")
    blocks = blocks_of(tree, lines, file)
    others = (frozenset(hidden) | tests_in(tree)) - public
    _check_defined(tree, blocks, public, file)
    needed = _needed(blocks, public)
    kept = _lines_to_keep(blocks, needed, lines)
    _check_silent(kept, lines, others, file)
    text = _joined(kept, blocks, lines)
    parsed(text, f"{file} without its hidden tests")
    return text


# What the tests need --------------------------------------------------------------------------------------------------


def _needed(blocks: Sequence[Block], public: frozenset[str]) -> frozenset[str]:
    """All names that the public tests use, and those these use, and so on."""
    needed = set(public).union(ALWAYS, *(block.binds for block in blocks if block.automatic))
    reached: set[Block] = set()
    while more := [block for block in blocks if block not in reached and block.binds & needed]:
        reached.update(more)
        needed.update(*(block.uses for block in more if not block.imports))
    return frozenset(needed)


# Lines ----------------------------------------------------------------------------------------------------------------


def _lines_to_keep(blocks: Sequence[Block], needed: frozenset[str], lines: list[str]) -> list[Lines]:
    """The kept blocks with their comments and headings, in order."""
    kept: list[Lines] = []
    heading: Lines | None = None
    above = 0
    for number, block in enumerate(blocks):
        comments = list(_comments(lines, above + 1, block.first - 1))
        headings = [group for group in comments if any(_HEADING.search(line) for line in lines[group.first - 1 : group.last])]
        heading = headings[-1] if headings else heading
        above = block.last
        if number == 0 and _is_docstring(block.nodes[0]) or block.binds & needed or _is_future(block.nodes[0]):
            kept += [heading] if heading else []
            kept += [group for group in comments if group not in headings]
            kept += [_trimmed(block, needed)]
            heading = None
    return kept


def _comments(lines: list[str], first: int, last: int) -> Iterator[Lines]:
    """The groups of comments between two blocks."""
    start = None
    for number in range(first, last + 2):
        is_comment = number <= last and lines[number - 1].lstrip().startswith("#")
        if is_comment and start is None:
            start = number
        if not is_comment and start is not None:
            yield Lines(start, number - 1)
            start = None


def _end_of_body(lines: list[str], last: int, following: int) -> int:
    """Indented comments below a statement belong to it."""
    end = last
    for number in range(last + 1, following):
        line = lines[number - 1]
        if line.lstrip().startswith("#") and line[0] in " \t":
            end = number
        elif line.strip():
            break
    return end


def _trimmed(block: Block, needed: frozenset[str]) -> Lines:
    """A block, or of an import what is needed."""
    node = block.nodes[0]
    if len(block.nodes) > 1 or not block.imports or _is_future(node) or block.binds <= needed:
        return Lines(block.first, block.last)
    names = [f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in node.names if bound(alias) in needed]
    lead = f"from {'.' * node.level}{node.module or ''} import " if isinstance(node, ast.ImportFrom) else "import "
    if block.last > block.first and len(names) > 1:
        return Lines(block.first, block.last, f"{lead}(\n" + "".join(f"    {name},\n" for name in names) + ")")
    return Lines(block.first, block.last, lead + ", ".join(names))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _joined(kept: Sequence[Lines], blocks: Sequence[Block], lines: list[str]) -> str:
    """The kept lines, with as many blank lines between them as stood anywhere there."""
    inside = {number for block in blocks for number in range(block.first, block.last + 1)}
    text, above = "", None
    for piece in kept:
        if above is not None:
            text += "\n" * max(_blanks(lines, range(above + 1, piece.first), inside), 0)
        text += ("\n".join(lines[piece.first - 1 : piece.last]) if piece.text is None else piece.text) + "\n"
        above = piece.last
    return text


def _blanks(lines: list[str], between: range, inside: set[int]) -> int:
    """The longest run of blank lines outside of statements."""
    longest = run = 0
    for number in between:
        run = run + 1 if number not in inside and not lines[number - 1].strip() else 0
        longest = max(longest, run)
    return longest


# Author's errors ------------------------------------------------------------------------------------------------------


def _check_defined(tree: ast.Module, blocks: Sequence[Block], public: frozenset[str], file: str) -> None:
    """Every public test is there once; no import hides what it brings."""
    for name in sorted(public):
        places = [block.first for block in blocks if name in block.binds]
        if len(places) != 1:
            where = f"{file}:{places[1]}" if places else file
            raise CourseError(f"the test {name} is defined {len(places)} times; needed is once", where)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            raise CourseError(f"`from {node.module} import *` does not say what is used; name it", f"{file}:{node.lineno}")


def _check_silent(kept: Sequence[Lines], lines: list[str], others: frozenset[str], file: str) -> None:
    """No line of a release names a hidden test."""
    if not others:
        return
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted(others)))})\b")
    for piece in kept:
        for number in range(piece.first, piece.last + 1):
            if piece.text is None and (found := pattern.search(lines[number - 1])):
                raise CourseError(f"students' tests would name the hidden test {found.group()}", f"{file}:{number}")
