"""Which names of a module its top-level statements make and use; for test files, what pytest finds by name too."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from typing import NamedTuple

from grader.strip import DEFINITIONS, first_line

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Block(NamedTuple):
    """A top-level statement: its lines (counted from 1, comments of its body included) and names."""

    first: int
    last: int
    nodes: tuple[ast.stmt, ...]  # several, if they share a line
    binds: frozenset[str]
    uses: frozenset[str]

    @property
    def imports(self) -> bool:
        """Whether it is an import and nothing else."""
        return all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in self.nodes)

    @property
    def automatic(self) -> bool:
        """Whether it holds a fixture that pytest uses unasked."""
        keywords = [k for node in self.nodes for decorator in _decorators(node, "fixture") for k in getattr(decorator, "keywords", ())]
        return any(k.arg == "autouse" and getattr(k.value, "value", True) for k in keywords)


def blocks_of(tree: ast.Module, lines: list[str], file: str) -> list[Block]:
    """The statements of a module; those that share a line are one block."""
    spans: list[tuple[int, int, list[ast.stmt]]] = []
    for node in tree.body:
        if spans and first_line(node) <= spans[-1][1]:
            spans[-1] = (spans[-1][0], node.end_lineno, [*spans[-1][2], node])
        else:
            spans.append((first_line(node), node.end_lineno, [node]))
    fixtures = frozenset(name for node in tree.body for name in _fixture_names(node))
    found = []
    for (first, last, nodes), following in zip(spans, [first for first, _, _ in spans[1:]] + [len(lines) + 1], strict=True):
        binds = frozenset(name for node in nodes for name in _binds(node))
        uses = _uses("\n".join(lines[first - 1 : last]), file) | (fixtures & {name for node in nodes for name in _asks_for(node)})
        found.append(Block(first, _end_of_body(lines, last, following), tuple(nodes), binds, uses))
    return found


def _uses(text: str, file: str) -> frozenset[str]:
    """The module's names that a statement reads, at once or when it is called."""
    def walk(table: symtable.SymbolTable) -> Iterator[str]:
        anywhere = table.get_type() != "function"
        for symbol in table.get_symbols():
            if (symbol.is_referenced() and anywhere) or symbol.is_global() and (symbol.is_referenced() or symbol.is_assigned()):
                yield symbol.get_name()
        for child in table.get_children():
            yield from walk(child)

    return frozenset(walk(symtable.symtable(text, file, "exec")))


def _binds(node: ast.stmt) -> Iterator[str]:
    """The module's names that a statement makes or acts upon (`TABLE["x"] = 1`, `TABLE.update(...)`)."""
    if isinstance(node, DEFINITIONS):
        yield node.name
        yield from _fixture_names(node)
        return
    for inner in _outside_functions(node):
        if isinstance(inner, (ast.Import, ast.ImportFrom)):
            yield from (bound(alias) for alias in inner.names)
        elif isinstance(inner, ast.Expr) or isinstance(getattr(inner, "ctx", None), (ast.Store, ast.Del)):
            yield from _root(inner.value if isinstance(inner, ast.Expr) else inner)
        elif isinstance(inner, DEFINITIONS):
            yield inner.name


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _root(node: ast.expr) -> Iterator[str]:
    """`np.seterr(all="raise")` -> np."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


# Tests and fixtures ---------------------------------------------------------------------------------------------------


def tests_in(tree: ast.Module) -> frozenset[str]:
    """The functions that pytest takes for tests."""
    functions = (node for statement in tree.body for node in _outside_functions(statement) if isinstance(node, FUNCTIONS))
    return frozenset(node.name for node in functions if node.name.startswith("test"))


def _decorators(node: ast.stmt, name: str) -> Iterator[ast.expr]:
    """The decorators called `name`, such as `fixture` in `@pytest.fixture(scope="module")`."""
    for decorator in getattr(node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if getattr(called, "attr", getattr(called, "id", "")) == name:
            yield decorator


def _fixture_names(node: ast.stmt) -> Iterator[str]:
    """The names by which a fixture is asked for."""
    for decorator in _decorators(node, "fixture"):
        stated = [keyword.value.value for keyword in getattr(decorator, "keywords", ()) if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)]
        yield from stated or [node.name]


def _asks_for(node: ast.stmt) -> Iterator[str]:
    """Names of fixtures, perhaps: the parameters of a test or fixture, and the texts of `usefixtures`."""
    if isinstance(node, FUNCTIONS) and (node.name.startswith("test") or any(_decorators(node, "fixture"))):
        yield from (argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])
    for call in [*_decorators(node, "usefixtures"), *([node.value] if isinstance(node, ast.Assign) else [])]:
        yield from (inner.value for inner in ast.walk(call) if isinstance(inner, ast.Constant) and isinstance(inner.value, str))
