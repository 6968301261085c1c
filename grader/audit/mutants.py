"""Generic mutants of a reference: small changes no author thought of, each of which the tests should notice.

Deterministic; at most `MOST` per exercise, spread over its functions and the kinds of change. What stands in the text of an error is prose and stays as it is.
"""

from __future__ import annotations

import ast
import copy
import difflib
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

MOST = 400
OTHERS = {ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mult), ast.Mult: (ast.Div, ast.Add, ast.Sub), ast.Div: (ast.Mult, ast.Sub, ast.Add),
          ast.MatMult: (ast.Mult,), ast.FloorDiv: (ast.Mult, ast.Div), ast.Pow: (ast.Mult, ast.Add), ast.Mod: (ast.Mult, ast.FloorDiv),
          ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
          ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.And: (ast.Or,), ast.Or: (ast.And,)}
NO_OPERANDS_SWAPPED = (ast.Add, ast.Mult)  # a + b is b + a
SIBLINGS = {"max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum", "argmax": "argmin", "sum": "mean", "mean": "sum", "prod": "sum",
            "zeros": "ones", "ones": "zeros", "zeros_like": "ones_like", "ones_like": "zeros_like", "float64": "float32", "abs": "square", "tanh": "sin"}


class Change(NamedTuple):
    """`new` stands where `node` stood, in one outermost statement: a function, or the answer to a question."""

    kind: str
    outer: ast.stmt
    node: ast.AST
    new: ast.AST


class Mutant(NamedTuple):
    """The changed source, what kind of change it is, where, and the lines that differ."""

    kind: str
    function: str
    line: int
    source: str
    difference: str


def mutants(reference: str, regions: list[tuple[int, int]], chosen: slice = slice(None), most: int = MOST) -> list[Mutant]:
    """The `chosen` mutants of the lines in `regions` (first, last), those students write; what does not compile is left out."""
    found = [change for outer in ast.parse(reference).body for change in _of(outer, regions)]
    made = [_made(reference, change) for change in _fairly(found, most)[chosen]]
    return list({mutant.source: mutant for mutant in made if mutant is not None}.values())


def _fairly(found: list[Change], most: int) -> list[Change]:
    """At most `most` of them, as they stand: of every kind in every function equally many, as far as there are."""
    rank, seen = [], Counter()
    for change in found:
        rank.append(seen[group := (change.outer, change.kind)])
        seen[group] += 1
    return [found[k] for k in sorted(sorted(range(len(found)), key=rank.__getitem__)[:most])]


def _made(reference: str, change: Change) -> Mutant | None:
    """The reference with one statement printed anew."""
    outer, lines = change.outer, reference.split("\n")
    try:
        text = ast.unparse(copy.deepcopy(outer, {id(change.node): change.new}))
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError, TypeError):
        return None
    source = "\n".join([*lines[: outer.lineno - 1], text, *lines[outer.end_lineno :]])
    return Mutant(change.kind, getattr(outer, "name", "the questions"), change.node.lineno, source, _difference(ast.unparse(outer), text))


def _difference(before: str, after: str) -> str:
    """The changed lines, as a small diff of two statements printed alike."""
    lines = [line for line in difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0) if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return " / ".join(line[:1] + " " + line[1:].strip() for line in lines[:4])


def _of(outer: ast.stmt, regions: list[tuple[int, int]]) -> Iterator[Change]:
    names = _names(outer)
    prose = {id(part) for text in ast.walk(outer) if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
    for node in ast.walk(outer):
        if id(node) in prose or not any(first <= getattr(node, "lineno", 0) <= last for first, last in regions):
            continue
        yield from (Change(kind, outer, node, new) for kind, new in _changes(node, names))


def _changes(node: ast.AST, names: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """What may stand in the place of one node; `names` are those of the function."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (("operator", ast.BinOp(left, other(), right)) for other in OTHERS.get(type(op), ()))
            if not isinstance(op, NO_OPERANDS_SWAPPED):
                yield "operands", ast.BinOp(right, op, left)
            yield "operand", left
            yield "operand", right
        case ast.AugAssign(target, op, value):
            yield from (("operator", ast.AugAssign(target, other(), value)) for other in OTHERS.get(type(op), ()))
            yield "operator", ast.Assign([target], value, lineno=0)
            yield "dropped", ast.Pass()
        case ast.Compare(left, [op, *more], right):
            yield from (("comparison", ast.Compare(left, [other(), *more], right)) for other in OTHERS.get(type(op), ()))
        case ast.BoolOp(op, values):
            yield from (("boolean", ast.BoolOp(other(), values)) for other in OTHERS[type(op)])
            yield from (("boolean", value) for value in values)
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield "sign", operand
        case ast.Constant(bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield from (("constant", ast.Constant(other)) for other in (value + 1, value - 1))
        case ast.Call():
            yield from _calls(node, names)
        case ast.IfExp(test, body, orelse):
            yield from (("branches", other) for other in (ast.IfExp(test, orelse, body), body, orelse))
        case ast.If(test, body, orelse):
            yield from (("condition", ast.If(other, body, orelse)) for other in (ast.UnaryOp(ast.Not(), test), ast.Constant(True), ast.Constant(False)))
        case ast.Slice(lower, upper, step):
            yield from (("slice", ast.Slice(*ends)) for ends in ((None, upper, step), (lower, None, step), (lower, upper, None)) if ends != (lower, upper, step))
        case ast.Attribute(value, "T"):
            yield "transposed", value
        case ast.Attribute(value, name) if name in SIBLINGS:
            yield "function", ast.Attribute(value, SIBLINGS[name], ast.Load())
        case ast.Name(name) if name in SIBLINGS:
            yield "function", ast.Name(SIBLINGS[name], ast.Load())
        case ast.Name(name, ast.Load()) if name in names:
            yield from (("name", ast.Name(other, ast.Load())) for other in names if other != name)
        case ast.Return(ast.Tuple([first, second, *more])):
            yield "results", ast.Return(ast.Tuple([second, first, *more], ast.Load()))
        case ast.Assign(targets, value):
            if isinstance(value, (ast.BinOp, ast.Call, ast.Name)):
                yield "sign", ast.Assign(targets, ast.UnaryOp(ast.USub(), value), lineno=0)
            if all(isinstance(t, ast.Subscript) or (isinstance(t, ast.Name) and _reads(value, t.id)) for t in targets):  # without it there still is a value
                yield "dropped", ast.Pass()
        case ast.Return(ast.BinOp() | ast.Call() | ast.Name() as value):
            yield "sign", ast.Return(ast.UnaryOp(ast.USub(), value))
        case ast.Raise() | ast.Expr():
            yield "dropped", ast.Pass()


def _calls(call: ast.Call, names: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """Two arguments swapped; a named argument forgotten; the call left out, so that what goes in comes out."""
    arguments, named = call.args, call.keywords
    if isinstance(call.func, ast.Attribute) and _is_value(call.func.value, names):
        yield "call", call.func.value
    if any(isinstance(a, (ast.Starred, ast.GeneratorExp)) for a in arguments):
        return
    if len(arguments) >= 2:
        yield "arguments", ast.Call(call.func, [arguments[1], arguments[0], *arguments[2:]], named)
    for k, keyword in enumerate(named):
        if not (isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool)):  # those are turned around as constants
            yield "arguments", ast.Call(call.func, arguments, named[:k] + named[k + 1 :])
    if len(arguments) == 1 and not named:
        yield "call", arguments[0]


def _is_value(node: ast.AST, names: list[str]) -> bool:
    """Whether the owner of a method is a value, not a module."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return not isinstance(node, ast.Name) or node.id in names


def _names(outer: ast.stmt) -> list[str]:
    """What a function takes and assigns, in the order in which it stands there."""
    met = [(n.lineno, n.col_offset, n.arg if isinstance(n, ast.arg) else n.id) for n in ast.walk(outer)
           if isinstance(n, ast.arg) or (isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))]
    return list(dict.fromkeys(name for *_, name in sorted(met) if name != "_"))


def _reads(expression: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(expression))
