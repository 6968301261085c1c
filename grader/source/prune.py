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
from grader.source.names import IMPORTS, Block, blocks_of, bound, is_automatic, tests_in
from grader.source.strip import parsed

ALWAYS = ("pytestmark", "pytest_generate_tests")  # pytest finds these by name
_HEADING = re.compile(r"-{3,}|={3,}|~{3,}|\*{3,}|#{3,}|[─━═]{3,}")


class Piece(NamedTuple):
    """Lines to keep, and the text that replaces them, if any does."""

    first: int
    last: int
    text: str | None = None


def public_tests(source: str, public: Iterable[str], hidden: Iterable[str] = (), file: str = "tests") -> str:
    """`source` with the test functions `public` and what they need; the name of no other test is left in it."""
    public = frozenset(public)
    tree = parsed(source, file)
    lines = source.split("\n")
    blocks = blocks_of(tree, lines, file)
    _check_defined(blocks, public, file)
    _check_imports(tree, file)
    pieces = _kept(blocks, _needed(blocks, public), lines)
    _check_silent(pieces, lines, (tests_in(tree) | frozenset(hidden)) - public, file)
    text = _joined(pieces, blocks, lines)
    parsed(text, f"{file} without its hidden tests")
    return text


def _needed(blocks: Sequence[Block], public: frozenset[str]) -> frozenset[str]:
    """All names that the public tests use, and those that these use, and so on."""
    needed = set(public).union(ALWAYS, *(block.binds for block in blocks if any(map(is_automatic, block.nodes))))
    waiting = list(blocks)
    while reached := [block for block in waiting if block.binds & needed]:
        waiting = [block for block in waiting if block not in reached]
        needed.update(*(block.uses for block in reached))
    return frozenset(needed)


# What is kept ---------------------------------------------------------------------------------------------------------


def _kept(blocks: Sequence[Block], needed: frozenset[str], lines: list[str]) -> list[Piece]:
    """The blocks that bind what is needed, with their comments and headings, in order."""
    kept: list[Piece] = []
    heading: list[Piece] = []
    above = 0
    for block in blocks:
        comments = list(_comments(lines, above + 1, block.first))
        headings = [group for group in comments if _is_heading(lines[group.first - 1 : group.last])]
        heading = headings[-1:] or heading
        if block.binds & needed or _is_docstring(block, blocks) or _is_future(block):
            kept += [*heading, *(group for group in comments if group not in headings), _trimmed(block, needed)]
            heading = []
        above = block.last
    return kept


def _comments(lines: list[str], first: int, end: int) -> Iterator[Piece]:
    """The groups of comments from line `first` to the block that begins in line `end`."""
    start = None
    for number in range(first, end + 1):
        is_comment = number < end and lines[number - 1].lstrip().startswith("#")
        if is_comment and start is None:
            start = number
        if not is_comment and start is not None:
            yield Piece(start, number - 1)
            start = None


def _is_heading(comment: list[str]) -> bool:
    return any(_HEADING.search(line) for line in comment)


def _is_docstring(block: Block, blocks: Sequence[Block]) -> bool:
    value = getattr(block.nodes[0], "value", None) if isinstance(block.nodes[0], ast.Expr) else None
    return block is blocks[0] and isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_future(block: Block) -> bool:
    return getattr(block.nodes[0], "module", None) == "__future__"


def _trimmed(block: Block, needed: frozenset[str]) -> Piece:
    """A block, or of an import what is needed."""
    node = block.nodes[0]
    if len(block.nodes) > 1 or not isinstance(node, IMPORTS) or _is_future(block) or block.binds <= needed:
        return Piece(block.first, block.last)
    names = [f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names if bound(a) in needed]
    lead = f"from {'.' * node.level}{node.module or ''} import " if isinstance(node, ast.ImportFrom) else "import "
    if block.last > block.first and len(names) > 1:
        return Piece(block.first, block.last, "\n".join([f"{lead}(", *(f"    {name}," for name in names), ")"]))
    return Piece(block.first, block.last, lead + ", ".join(names))


# The text -------------------------------------------------------------------------------------------------------------


def _joined(pieces: Sequence[Piece], blocks: Sequence[Block], lines: list[str]) -> str:
    """The pieces, with as many blank lines between them as stood together anywhere there."""
    inside = {number for block in blocks for number in range(block.first, block.last + 1)}
    text, above = "", 0
    for piece in pieces:
        blank = _blanks(lines, range(above + 1, piece.first), inside) if above else 0
        own = "\n".join(lines[piece.first - 1 : piece.last])
        text += "\n" * blank + (own if piece.text is None else piece.text) + "\n"
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


def _check_defined(blocks: Sequence[Block], public: frozenset[str], file: str) -> None:
    """Every public test is there once: a second definition could be a hidden one."""
    for name in sorted(public):
        lines = [block.nodes[0].lineno for block in blocks if name in block.binds]
        if len(lines) != 1:
            where = f"{file}:{lines[1]}" if lines else file
            raise CourseError(f"{name} is defined {len(lines)} times at the left margin, needed is once", where)


def _check_imports(tree: ast.Module, file: str) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            what = f"`from {node.module} import *` does not say what is used; name it"
            raise CourseError(what, f"{file}:{node.lineno}")


def _check_silent(pieces: Sequence[Piece], lines: list[str], others: frozenset[str], file: str) -> None:
    """No kept line names a hidden test."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted(others)))})\b")
    for number in (n for piece in pieces for n in range(piece.first, piece.last + 1) if others and piece.text is None):
        if found := pattern.search(lines[number - 1]):
            raise CourseError(f"the tests of a release would name the hidden test {found.group()}", f"{file}:{number}")
