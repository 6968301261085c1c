"""Which names of a module its top-level statements make and use; of test files, what pytest finds by name too."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from typing import NamedTuple

from grader.source.strip import DEFINITIONS, first_line

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)
SCOPES = (*DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Block(NamedTuple):
    """A top-level statement: its lines (counted from 1, comments of its body included) and names."""

    first: int
    last: int
    nodes: tuple[ast.stmt, ...]  # several, if they share a line
    binds: frozenset[str]
    uses: frozenset[str]


def blocks_of(tree: ast.Module, lines: list[str], file: str) -> list[Block]:
    """The statements of a module, in order."""
    fixtures = frozenset(name for node in tree.body for name in _fixture_names(node))
    spans = _spans(tree)
    ends = [first for first, _, _ in spans[1:]] + [len(lines) + 1]
    found = []
    for (first, last, nodes), end in zip(spans, ends, strict=True):
        asked = fixtures.intersection(name for node in nodes for name in _asks_for(node))
        uses = _uses("\n".join(lines[first - 1 : last]), file)
        binds = frozenset(name for node in nodes for name in _binds(node))
        found.append(Block(first, _end_of_body(lines, last, end), tuple(nodes), binds, uses | asked))
    return found


def _spans(tree: ast.Module) -> list[tuple[int, int, list[ast.stmt]]]:
    """(first line, last line, statements); statements that share a line stay together."""
    spans: list[tuple[int, int, list[ast.stmt]]] = []
    for node in tree.body:
        if spans and first_line(node) <= spans[-1][1]:
            spans[-1] = (spans[-1][0], node.end_lineno, [*spans[-1][2], node])
        else:
            spans.append((first_line(node), node.end_lineno, [node]))
    return spans


def _end_of_body(lines: list[str], last: int, end: int) -> int:
    """The last line before `end` that belongs to a statement: indented comments below it do."""
    for number in range(last + 1, end):
        line = lines[number - 1]
        if line.lstrip().startswith("#") and line[0] in " \t":
            last = number
        elif line.strip():
            break
    return last


# Names ----------------------------------------------------------------------------------------------------------------


def _uses(text: str, file: str) -> frozenset[str]:
    """The module's names that a statement reads, at once or when it is called."""
    return frozenset(_free(symtable.symtable(text, file, "exec")))


def _free(table: symtable.SymbolTable) -> Iterator[str]:
    """A function's own names are no names of the module; a class may read one that it also makes."""
    for symbol in table.get_symbols():
        own = table.get_type() == "function" and not symbol.is_global()
        if not own and (symbol.is_referenced() or (symbol.is_global() and symbol.is_assigned())):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _free(child)


def _binds(node: ast.stmt) -> Iterator[str]:
    """The module's names that a statement makes or acts upon (`TABLE["x"] = 1`, `TABLE.update(...)`)."""
    for inner in _of_module(node):
        if isinstance(inner, IMPORTS):
            yield from (bound(alias) for alias in inner.names)
        elif isinstance(inner, DEFINITIONS):
            yield inner.name
            yield from _fixture_names(inner)
        elif isinstance(inner, ast.Expr):
            yield from _root(inner.value)
        elif isinstance(getattr(inner, "ctx", None), (ast.Store, ast.Del)):
            yield from _root(inner)


def bound(alias: ast.alias) -> str:
    """The name that an import makes."""
    return alias.asname or alias.name.partition(".")[0]


def _of_module(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all in it that has no scope of its own."""
    yield node
    if not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _of_module(child)


def _root(node: ast.expr) -> Iterator[str]:
    """`np.seterr(all="raise")` -> np."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


# Tests and fixtures ---------------------------------------------------------------------------------------------------


def tests_in(tree: ast.Module) -> frozenset[str]:
    """The functions that pytest takes for tests."""
    nodes = (inner for node in tree.body for inner in _of_module(node))
    return frozenset(node.name for node in nodes if isinstance(node, FUNCTIONS) and node.name.startswith("test"))


def is_automatic(node: ast.stmt) -> bool:
    """Whether it is a fixture that pytest uses unasked."""
    stated = [value for decorator in _decorators(node, "fixture") for value in _keyword(decorator, "autouse")]
    return any(getattr(value, "value", True) for value in stated)


def _fixture_names(node: ast.stmt) -> Iterator[str]:
    """The names by which a fixture is asked for."""
    for decorator in _decorators(node, "fixture"):
        stated = [value.value for value in _keyword(decorator, "name") if isinstance(value, ast.Constant)]
        yield from stated or [node.name]


def _asks_for(node: ast.stmt) -> Iterator[str]:
    """Names that may be those of fixtures: parameters of a test or fixture, and the texts of `usefixtures`."""
    if isinstance(node, FUNCTIONS) and (node.name.startswith("test") or any(_decorators(node, "fixture"))):
        arguments = node.args
        yield from (a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])
    for place in [*_decorators(node, "usefixtures"), *([node.value] if isinstance(node, ast.Assign) else [])]:
        yield from (inner.value for inner in ast.walk(place) if isinstance(getattr(inner, "value", None), str))


def _decorators(node: ast.stmt, name: str) -> Iterator[ast.expr]:
    """The decorators called `name`, such as `fixture` in `@pytest.fixture(scope="module")`."""
    for decorator in getattr(node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if getattr(called, "attr", getattr(called, "id", "")) == name:
            yield decorator


def _keyword(call: ast.expr, name: str) -> Iterator[ast.expr]:
    yield from (keyword.value for keyword in getattr(call, "keywords", ()) if keyword.arg == name)
