"""Code and prose as rows of words, so that an answer is found however it is wrapped, quoted or commented out. Pure.

Quotes, backticks, `#`, spaces and line ends say nothing here: `# h = f(x,\\n#   w)` has the tokens of `h=f(x, w)`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+|\*\*|//|->|[=!<>:+*/-]=|[^\s\w\"'`#\\]")
BREAK = "\n"  # a token that no text has

Words = tuple[str, ...]


class Token(NamedTuple):
    text: str
    line: int  # from 1


def tokens(text: str, skipped: frozenset[int] = frozenset()) -> list[Token]:
    """All of them; a skipped line is one BREAK."""
    return [token for number, line in enumerate(text.split("\n"), 1)
            for token in ((Token(BREAK, number),) if number in skipped else _of_line(line, number))]


def _of_line(line: str, number: int) -> Iterator[Token]:
    for found in _TOKEN.finditer(line.lstrip(" \t>")):  # a quoted line
        yield Token(found.group(), number)


def words(text: str) -> Words:
    return tuple(token.text for token in tokens(text))


def code_only(source: str) -> str:
    """Python without its comments and docstrings; the lines stay where they are. Other text: all of it."""
    lines = source.split("\n")
    try:
        tree = ast.parse(source)
        comments = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT]
    except (SyntaxError, tokenize.TokenError, ValueError):
        return source
    for comment in comments:
        row, column = comment.start
        lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for number in range(node.lineno, node.end_lineno + 1):
                lines[number - 1] = ""
    return "\n".join(lines)


def comments_in(source: str) -> Iterator[str]:
    """The comments of a Python text, without `#`."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")


def windows(row: Sequence[str], length: int) -> Iterator[Words]:
    """All runs of `length` tokens in a row."""
    for start in range(len(row) - length + 1):
        yield tuple(row[start : start + length])


def says_something(run: Words, least: int) -> bool:
    """Whether it has `least` different names and numbers, and does something with them: `(N, C, H, W)` stands anywhere."""
    named = [word[0].isalnum() or word[0] == "_" for word in run]
    calls = any(name and after == "(" for name, after in zip(named, run[1:], strict=False))
    acts = calls or any(not name and word not in "()[],:" for name, word in zip(named, run, strict=True))
    return acts and len({word for name, word in zip(named, run, strict=True) if name}) >= least


def find(row: Sequence[Token], wanted: Iterable[Words]) -> Iterator[tuple[int, Words]]:
    """(line, run) of every run of `wanted` in `row`; the line is the one that holds most of it."""
    by_length: dict[int, set[Words]] = {}
    for run in wanted:
        by_length.setdefault(len(run), set()).add(run)
    texts = tuple(token.text for token in row)
    for length, runs in sorted(by_length.items()):
        for start in range(len(row) - length + 1):
            if (run := texts[start : start + length]) in runs:
                lines = [token.line for token in row[start : start + length]]
                yield max(sorted(set(lines)), key=lines.count), run

