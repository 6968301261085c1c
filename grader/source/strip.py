"""A reference solution -> the stub that students receive. Pure: text in, text out.

    # BEGIN SOLUTION                    # TODO: write this
    W = np.concatenate([W_i, W_f])  ->  raise NotImplementedError("TODO: pack_gates")
    return W
    # END SOLUTION

Outside of functions a region holds answers: `Q1 = 10` becomes `Q1 = None  # TODO: your answer`. All other lines stay
byte for byte. Whatever could leave a solution standing is a CourseError with file and line: markers that are not
exactly these, regions that cut statements, functions and answers the tests ask for that stand in no region.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from grader.errors import CourseError

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
HINT = "# TODO: write this"
ANSWER = "None  # TODO: your answer"
CUTS = "the region cuts a statement; needed are whole statements of one block"
EDGES = ("START", "STOP", "FINISH", "OPEN", "CLOSE")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Region(NamedTuple):
    """The lines of two markers, counted from 1, and their indentation."""

    begin: int
    end: int
    indent: str


class Hole(NamedTuple):
    """What stands in a region's place, and what it was: a piece of `owner`, or the answers `answers`."""

    region: Region
    lines: tuple[str, ...]
    owner: str = ""
    answers: tuple[str, ...] = ()


def stub(source: str, file: str, functions: Iterable[str] = (), answers: Iterable[str] = ()) -> str:
    """`source` without its solutions; errors call it `file`.

    functions, answers: names of the functions (or classes) and constants that the tests ask of a student.
    """
    tree = parsed(source, file)
    holes = [_hole(region, tree, source, file) for region in regions(source, file)]
    _check_functions(tree, holes, functions, file)
    _check_answers(tree, holes, answers, file)
    lines = source.split("\n")
    for hole in reversed(holes):
        lines[hole.region.begin - 1 : hole.region.end] = hole.lines
    text = "\n".join(lines)
    parsed(text, f"{file} without its solutions")
    return text


def parsed(source: str, file: str) -> ast.Module:
    """The tree of an author's file."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        message = getattr(error, "msg", None) or error
        raise CourseError(f"does not parse: {message}", f"{file}:{getattr(error, 'lineno', None) or 1}") from error


# Markers --------------------------------------------------------------------------------------------------------------


def regions(source: str, file: str) -> Iterator[Region]:
    """Pairs of markers, in order."""
    opened: tuple[int, str] | None = None
    for number, marker, indent in _markers(source, file):
        where = f"{file}:{number}"
        if marker == BEGIN and opened:
            raise CourseError(f"`{BEGIN}` in the region that begins in line {opened[0]}; they cannot be nested", where)
        if marker == END and not opened:
            raise CourseError(f"`{END}` without `{BEGIN}` before it", where)
        if marker == END and indent != opened[1]:
            raise CourseError(f"`{END}` is not indented like its `{BEGIN}` in line {opened[0]}", where)
        if opened:
            yield Region(opened[0], number, indent)
        opened = (number, indent) if marker == BEGIN else None
    if opened:
        raise CourseError(f"`{BEGIN}` without `{END}` after it", f"{file}:{opened[0]}")


def _markers(source: str, file: str) -> Iterator[tuple[int, str, str]]:
    """(line, marker, indentation); whatever only resembles a marker is an error."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    for number, line in enumerate(source.split("\n"), 1):
        comment = comments.get(number)
        text = (comment.string if comment else line).strip()
        indent = line[: len(line) - len(line.lstrip())]
        if comment and text in (BEGIN, END) and comment.start[1] == len(indent):
            yield number, text, indent
        elif text.startswith("#") and resembles_marker(text):
            raise CourseError(f"`{text[:60]}` resembles a marker and is none; needed is exactly `{BEGIN}` or `{END}`, "
                              "a comment alone on its line (if none is meant, word it otherwise)", f"{file}:{number}")


def resembles_marker(comment: str) -> bool:
    """`#begin solution`, `# BEGIN SOLUTON`, `### END_SOLUTION ###`, `# solution end`, `x = 1  # BEGIN SOLUTION`."""
    if re.search(r"(BEGIN|END)[\W_]*SOL", comment):
        return True
    words = re.findall(r"[A-Z0-9]+", comment.upper())
    pairs = [words[:2], words[1::-1] if len(words) == 2 else []]
    return any(map(_glued, (*words[:1], "".join(words)))) or any(len(pair) == 2 and _two_words(*pair) for pair in pairs)


def _glued(word: str) -> bool:
    return _near(word, "BEGINSOLUTION", 0.9) or _near(word, "ENDSOLUTION", 0.9)


def _two_words(first: str, second: str) -> bool:
    edge = first in EDGES or _near(first, "BEGIN", 0.66) or _near(first, "END", 0.66)
    return edge and (second in ("SOL", "SOLN", "SOLS") or _near(second, "SOLUTION", 0.85))


def _near(word: str, wanted: str, least: float) -> bool:
    return difflib.SequenceMatcher(None, word, wanted).ratio() >= least


# Regions --------------------------------------------------------------------------------------------------------------


def _hole(region: Region, tree: ast.Module, source: str, file: str) -> Hole:
    """What a region becomes."""
    around, statements = _placed(tree, region, file)
    _check_whole(source, region, file)
    if all(_is_empty(statement) for statement in statements):
        raise CourseError("the region holds no code", f"{file}:{region.begin}")
    if statements[0].col_offset != len(region.indent):
        raise CourseError("the marker is not indented like the code of its region", f"{file}:{region.begin}")
    named = [node for node in around if isinstance(node, DEFINITIONS)]
    functions = [place for place, node in enumerate(named) if not isinstance(node, ast.ClassDef)]
    if functions:
        name = ".".join(node.name for node in named[: functions[0] + 1])  # Net.forward
        lines = (region.indent + HINT, f'{region.indent}raise NotImplementedError("TODO: {name}")')
        return Hole(region, lines, owner=named[0].name)
    if around:
        raise CourseError("the region stands in a class or block, but in no function; needed is a region in a function "
                          "or answers at the left margin", f"{file}:{region.begin}")
    answers = tuple(dict.fromkeys(name for statement in statements for name in _answers(statement, file)))
    return Hole(region, tuple(f"{name} = {ANSWER}" for name in answers), answers=answers)


def _placed(tree: ast.Module, region: Region, file: str) -> tuple[list[ast.AST], list[ast.stmt]]:
    """The nodes around a region, outermost first, and the statements in it: whole ones, of one block."""
    around: list[ast.AST] = []
    while True:
        bodies = _bodies(around[-1] if around else tree)
        touched = [found for body in bodies if (found := [s for s in body if _touches(s, region)])]
        if bodies and not touched:
            raise CourseError("the region holds no code", f"{file}:{region.begin}")
        if len(touched) != 1:
            raise CourseError(CUTS, f"{file}:{region.begin}")
        if all(first_line(s) > region.begin and s.end_lineno < region.end for s in touched[0]):
            return around, touched[0]
        if len(touched[0]) > 1:
            raise CourseError(CUTS, f"{file}:{region.begin}")
        around.append(touched[0][0])


def _check_whole(source: str, region: Region, file: str) -> None:
    """The lines of a region are statements by themselves."""
    lines = source.split("\n")[region.begin : region.end - 1]
    first = next(line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    try:
        ast.parse("\n".join(["if True:", *lines] if first[0] in " \t" else lines))
    except SyntaxError as error:
        raise CourseError(CUTS, f"{file}:{region.begin}") from error


def _touches(statement: ast.AST, region: Region) -> bool:
    return first_line(statement) < region.end and statement.end_lineno > region.begin


def first_line(node: ast.AST) -> int:
    """With the decorators."""
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])


def _bodies(node: ast.AST) -> list[list[ast.stmt]]:
    """The blocks right inside of a node: `body`, `orelse`, those of `except` and `case`."""
    lists = [value for _, value in ast.iter_fields(node) if isinstance(value, list) and value]
    arms = [part.body for value in lists for part in value if isinstance(part, (ast.ExceptHandler, ast.match_case))]
    return [value for value in lists if isinstance(value[0], ast.stmt)] + arms


def _is_empty(statement: ast.stmt) -> bool:
    """`pass`, `...`, a docstring."""
    text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return text or isinstance(statement, ast.Pass)


def _answers(statement: ast.stmt, file: str) -> Iterator[str]:
    """The names that `NAME = value` gives a value."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    gives = isinstance(statement, (ast.Assign, ast.AnnAssign))
    if not gives or not all(isinstance(target, ast.Name) for target in targets):
        raise CourseError("outside of functions a region holds only lines `NAME = value`", f"{file}:{statement.lineno}")
    yield from (target.id for target in targets)


# What the tests ask for ----------------------------------------------------------------------------------------------


def _check_functions(tree: ast.Module, holes: list[Hole], names: Iterable[str], file: str) -> None:
    """Every function that tests call is defined once, with a region in it."""
    owners = {hole.owner for hole in holes}
    for name in sorted(set(names)):
        found = [node for node in tree.body if isinstance(node, DEFINITIONS) and node.name == name]
        if not found:
            raise CourseError(f"the tests call `{name}`, but the reference does not define it at the left margin", file)
        if len(found) > 1:
            raise CourseError(f"`{name}` is defined twice, one would be released", f"{file}:{found[1].lineno}")
        if name not in owners:
            raise CourseError(f"`{name}` is a function the assignment declares without a region: tests call it, but "
                              f"all of it would be released; put `{BEGIN}` and `{END}` around what students write",
                              f"{file}:{found[0].lineno}")


def _check_answers(tree: ast.Module, holes: list[Hole], names: Iterable[str], file: str) -> None:
    """Every constant that tests read gets its value in a region, and nowhere else."""
    inside = {line for hole in holes for line in range(hole.region.begin, hole.region.end)}
    for name in sorted(set(names)):
        outside = [line for line in _stores(tree, name) if line not in inside]
        if outside or not any(name in hole.answers for hole in holes):
            raise CourseError(f"the tests read `{name}`, which gets its value in a region and nowhere else; "
                              f"put `{BEGIN}` and `{END}` around it", f"{file}:{outside[0]}" if outside else file)


def _stores(tree: ast.Module, name: str) -> Iterator[int]:
    """The lines outside of functions and classes that give `name` a value."""
    for statement in tree.body:
        if not isinstance(statement, DEFINITIONS):
            yield from (node.lineno for node in ast.walk(statement)
                        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
