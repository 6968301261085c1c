"""What a kernel holds, as source: of everything that was run, the statements that made what is there now. Pure.

    held(cells, names)  -> statements      the last definition of each name, and what these definitions use
    written(statements) -> {7: "..."}      by cell, every line where it stood
    differing(a, b)     -> names           that two sets of statements define otherwise

An older version of a function is left out, and so are calls that only tried something: an attempt that never ended must
not be waited for again. Settings of modules that the code uses (`np.seterr(...)`) stay.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from grader.source.strip import DEFINITIONS, first_line

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)


class Cell(NamedTuple):
    """Source that was run, without commands for the shell; `number` as in `In [7]`."""

    number: int
    text: str


class Statement(NamedTuple):
    """One statement at the left margin of a cell."""

    cell: Cell
    node: ast.stmt
    binds: frozenset[str]
    reads: frozenset[str]  # when it is run
    uses: frozenset[str]  # when the functions in it are called

    def dump(self) -> str:
        """Equal for equal code, wherever it stands."""
        return ast.dump(self.node)


def statements(cells: Iterable[Cell]) -> list[Statement]:
    """All of them, in the order in which they were run; what does not parse was never run."""
    found = []
    for cell in cells:
        try:
            body = ast.parse(cell.text).body
        except (SyntaxError, ValueError, RecursionError):
            continue
        found += [_statement(cell, node) for node in body]
    return found


def answers(run: Iterable[Statement]) -> frozenset[str]:
    """Names that may be what an exercise asks for: functions, classes, plain values such as `Q1 = 3`."""
    plain = (s for s in run if isinstance(s.node, (*DEFINITIONS, ast.Assign, ast.AnnAssign)))
    return frozenset(name for s in plain if isinstance(s.node, DEFINITIONS) or not _calls(s.node) for name in s.binds)


def held(run: Sequence[Statement], names: Collection[str]) -> list[Statement]:
    """Those of `run` that made `names` what they are, in their order."""
    kept: set[int] = set()
    wanted = [(name, len(run)) for name in sorted(names)]
    while wanted:
        name, before = wanted.pop()
        place = next((k for k in range(before - 1, -1, -1) if name in run[k].binds), None)
        if place is None or place in kept:
            continue
        kept.add(place)
        wanted += [(read, place) for read in sorted(run[place].reads)] + [(used, len(run)) for used in sorted(run[place].uses)]
    modules = {name for k in kept if isinstance(run[k].node, IMPORTS) for name in run[k].binds}
    settings = {run[k].dump(): k for k in range(len(run)) if isinstance(run[k].node, ast.Expr) and run[k].reads and run[k].reads <= modules}
    return [run[k] for k in sorted(kept.union(settings.values()))]


def written(kept: Iterable[Statement]) -> dict[int, str]:
    """Cell -> its text with nothing but these statements."""
    lines: dict[Cell, set[int]] = {}
    for statement in kept:
        lines.setdefault(statement.cell, set()).update(range(first_line(statement.node), (statement.node.end_lineno or 0) + 1))
    return {cell.number: "\n".join(line if number in own else "" for number, line in enumerate(cell.text.split("\n"), 1)).rstrip("\n")
            for cell, own in lines.items()}


def differing(a: Iterable[Statement], b: Iterable[Statement]) -> tuple[str, ...]:
    """Names that are defined otherwise, sorted."""
    mine, theirs = ({s.dump(): s.binds for s in side} for side in (a, b))
    return tuple(sorted({name for dump in mine.keys() ^ theirs.keys() for name in (mine | theirs)[dump]}))


# Names of a statement -------------------------------------------------------------------------------------------------


def _statement(cell: Cell, node: ast.stmt) -> Statement:
    early, late = set(), set()
    for name, is_late in _reads(node, False):
        (late if is_late else early).add(name)
    return Statement(cell, node, frozenset(_binds(node)), frozenset(early), frozenset(late))


def _binds(node: ast.AST) -> Iterator[str]:
    """Names that running it gives a meaning, or takes it; also those of which it changes a part (`Net.size = 3`)."""
    if isinstance(node, DEFINITIONS):
        yield node.name
        return
    if isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load) and (owner := _owner(node)):
        yield owner
    if not isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        for inner in ast.iter_child_nodes(node):
            yield from _binds(inner)


def _owner(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _reads(node: ast.AST, late: bool) -> Iterator[tuple[str, bool]]:
    """(name, whether it is read in a function only)"""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id, late
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, late
    body = node.body if isinstance(node, FUNCTIONS) else [node.body] if isinstance(node, ast.Lambda) else []
    for inner in ast.iter_child_nodes(node):
        yield from _reads(inner, late or inner in body)


def _calls(node: ast.AST) -> bool:
    return any(isinstance(inner, (ast.Call, ast.Await)) for inner in ast.walk(node))
