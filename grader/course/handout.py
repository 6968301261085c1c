"""The handout that students receive: the author's page, then what is tested after they hand in. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from grader.course.assignment import Assignment
from grader.record.recording import TestPoints

AFTERWARDS = "## Also tested after you hand in"


def handout(page: str, assignment: Assignment, table: Iterable[TestPoints]) -> str:
    """`page` and titles and points of the hidden tests, unless the assignment keeps these to itself."""
    hidden = [row for row in table if not row.public]
    if not hidden or not assignment.hidden_titles:
        return page
    titles = {part.name: part.title for part in assignment.parts}
    rows = [(row.title, titles[row.part], f"{row.hundredths / 100:g}") for row in hidden]
    return "\n".join([page.rstrip("\n"), "", AFTERWARDS, "", *_markdown_table(("Test", "Part", "Points"), rows), ""])


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns of equal width, so that the source can be read too; the last one holds numbers."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = [*("-" * width for width in widths[:-1]), "-" * (widths[-1] - 1) + ":"]
    return [f"| {' | '.join(_padded(row, widths))} |" for row in (rows[0], rule, *rows[1:])]


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)] + [row[-1].rjust(widths[-1])]


def default_page(assignment: Assignment, stub: str) -> str:
    """A handout for an exercise without one: title, the file's own words, what there is to write."""
    tree = ast.parse(stub)
    todo = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and _is_open(node)]
    lines = [f"# {assignment.title}", ""]
    if words := ast.get_docstring(tree):
        lines += [words, ""]
    lines += [f"## What you write, in `{assignment.source_name}`", ""]
    lines += [f"- `{node.name}`: {(ast.get_docstring(node) or 'see the file').partition(chr(10))[0]}" for node in todo]
    return "\n".join(lines) + "\n"


def _is_open(node: ast.AST) -> bool:
    """Whether something in it is to be written."""
    raised = (inner.exc for inner in ast.walk(node) if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call))
    return any(getattr(call.func, "id", "") == "NotImplementedError" for call in raised)
