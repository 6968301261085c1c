"""Generic mutants of a reference: small changes no author thought of, each of which the tests should notice.

Deterministic; at most `MOST` per exercise, spread evenly over the functions and kinds of change.
"""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Iterator
from typing import NamedTuple

MOST = 400
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.Mod: ast.Mult,
         ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And}


class Mutant(NamedTuple):
    """The changed source, what kind of change it is and the line it stands on."""

    kind: str
    function: str
    line: int
    source: str


def mutants(reference: str, regions: list[tuple[int, int]], most: int = MOST) -> list[Mutant]:
    """Mutants of the lines in `regions` (first, last), those students write; at most `most`, evenly spread."""
    tree = ast.parse(reference)
    found = [m for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for m in _of_function(tree, function, regions)]
    found = list({m.source: m for m in found}.values())
    if len(found) <= most:
        return found
    return [found[k * len(found) // most] for k in range(most)]


def _of_function(tree: ast.Module, function: ast.FunctionDef, regions) -> Iterator[Mutant]:
    for node in ast.walk(function):
        line = getattr(node, "lineno", 0)
        if not any(first <= line <= last for first, last in regions):
            continue
        for kind, change in (*_changes(node), *_renamed(node, function)):
            source = _changed(tree, node, change)
            if source is not None:
                yield Mutant(kind, function.name, line, source)


def _changed(tree: ast.Module, node: ast.AST, change) -> str | None:
    """The whole source with `change` made to a copy of `node`; None when that makes no Python."""
    place = next(k for k, n in enumerate(ast.walk(tree)) if n is node)
    twin = copy.deepcopy(tree)
    target = next(n for k, n in enumerate(ast.walk(twin)) if k == place)
    try:
        change(target)
        source = ast.unparse(ast.fix_missing_locations(twin))
        compile(source, "mutant", "exec")
        return source
    except (SyntaxError, ValueError, TypeError):
        return None


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The changes that can be made to one node."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield "operator", lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult)):
        yield "operands", _swap_operands
    if isinstance(node, ast.AugAssign) and type(node.op) in SWAPS:
        yield "operator", lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield "comparison", lambda n: n.ops.__setitem__(0, SWAPS[type(n.ops[0])]())
    if isinstance(node, ast.BoolOp):
        yield "boolean", lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "sign", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "constant", lambda n: setattr(n, "value", n.value + 1)
        if node.value:
            yield "constant", lambda n: setattr(n, "value", n.value - 1)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "constant", lambda n: setattr(n, "value", not n.value)
    if isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args):
        yield "arguments", lambda n: n.args.__setitem__(slice(0, 2), [n.args[1], n.args[0]])
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], (ast.Starred, ast.GeneratorExp)):
        yield "call", lambda n: setattr(n, "func", ast.parse("(lambda it: it)", mode="eval").body)
    if isinstance(node, ast.IfExp):
        yield "branches", _swap_branches
    if isinstance(node, ast.If):
        yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) >= 2:
        yield "results", lambda n: n.value.elts.__setitem__(slice(0, 2), [n.value.elts[1], n.value.elts[0]])
    if isinstance(node, (ast.Assign, ast.Return)) and isinstance(node.value, (ast.BinOp, ast.Call, ast.Name)):
        yield "sign", lambda n: setattr(n, "value", ast.UnaryOp(ast.USub(), n.value))
    yield from _dropped(node)


def _renamed(node: ast.AST, function: ast.FunctionDef) -> Iterator[tuple[str, object]]:
    """A parameter taken for the next one."""
    names = [a.arg for a in function.args.args]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names and len(names) > 1:
        other = names[(names.index(node.id) + 1) % len(names)]
        yield "name", lambda n: setattr(n, "id", other)


def _swap_operands(node: ast.BinOp) -> None:
    node.left, node.right = node.right, node.left


def _swap_branches(node: ast.IfExp) -> None:
    node.body, node.orelse = node.orelse, node.body


def _dropped(node: ast.AST) -> Iterator[tuple[str, object]]:
    """A statement left out (where something remains to be run)."""
    body = getattr(node, "body", None)
    if isinstance(node, ast.AugAssign):
        yield "dropped", lambda n: (setattr(n, "op", ast.Add()), setattr(n, "value", ast.Constant(0)))
    if isinstance(node, (ast.For, ast.If, ast.While)) and isinstance(body, list):
        for k, statement in enumerate(body):
            if isinstance(statement, (ast.Expr, ast.Assign)):
                yield "dropped", lambda n, k=k: n.body.__setitem__(k, ast.Pass())
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transposed", lambda n: (setattr(n, "attr", "real"))


def difference(reference: str, mutant: str) -> str:
    """The changed lines, as a small diff of the two sources printed alike."""
    before, after = ast.unparse(ast.parse(reference)).split("\n"), mutant.split("\n")
    lines = [line for line in difflib.unified_diff(before, after, lineterm="", n=0) if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return " / ".join(line[:1] + " " + line[1:].strip() for line in lines[:4])
