"""Source text -> blocks that can be judged one by one.

Where a whole file parses, its blocks are its top-level statements. Where it does not, the text is cut at lines that
begin in column 0 and glued again until a piece parses; what never parses is left out with its line.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

MAX_GLUED = 400  # pieces glued to find the end of one statement
_CONTINUES = re.compile(r"(else|elif|except|finally)\b")
_DEFINES = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
PARSE_BUDGET = 16 << 20  # characters parsed in all while salvaging one file


class Block(NamedTuple):
    """One statement (`tree`, with the file's line numbers), or a piece that does not parse (`error`, `text`)."""

    line: int
    tree: ast.Module | None
    error: SyntaxError | None = None
    text: str = ""

    @property
    def last_line(self) -> int:
        """Where the block ends."""
        return max((getattr(n, "end_lineno", 0) or 0 for n in self.tree.body), default=self.line) if self.tree else self.line + self.text.count("\n")

    def names(self) -> list[str]:
        """The module-level names the block binds, or would have bound."""
        if self.tree is None:
            return _DEFINES.findall(self.text)
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                found.append(node.name)
            elif isinstance(node, ast.alias):
                found.append((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.append(node.id)
        return found


def blocks(text: str, label: str) -> list[Block]:
    """The statements of `text` in order. Never raises on any text."""
    tree, _ = _parse(text, label)
    return _statements(tree) if tree is not None else _salvage(text, label)


def _parse(text: str, label: str) -> tuple[ast.Module | None, SyntaxError | None]:
    try:
        return ast.parse(text, label), None
    except SyntaxError as error:
        return None, error
    except (ValueError, RecursionError, MemoryError) as error:
        return None, SyntaxError(f"{type(error).__name__}: {error}"[:200], (label, 1, 0, ""))


def _statements(tree: ast.Module) -> list[Block]:
    """One block a statement; `import a, b` becomes two, so that one missing name does not take the other along."""
    found = []
    for node in tree.body:
        nodes = [ast.copy_location(ast.Import([alias]), node) for alias in node.names] if isinstance(node, ast.Import) else [node]
        found += [Block(node.lineno, ast.Module([n], [])) for n in nodes]
    return found


def _salvage(text: str, label: str) -> list[Block]:
    lines = text.split("\n")
    starts = _starts(lines)
    found: list[Block] = []
    budget, k = PARSE_BUDGET, 0
    while k < len(starts):
        end, tree, error, used = _longest_statement(lines, starts, k, label, budget)
        budget -= used
        if tree is None:
            stop = starts[k + 1] if k + 1 < len(starts) else len(lines)
            found.append(Block(error.lineno or starts[k] + 1, None, error, "\n".join(lines[starts[k]:stop])))
            k += 1
        else:
            found += _statements(tree)
            k = end
    return found


def _starts(lines: list[str]) -> list[int]:
    """Lines at which a top-level piece may begin: column 0, not a continuation word, decorators kept with what follows."""
    starts, decorated = [], False
    for number, line in enumerate(lines):
        if not line.strip() or (starts and (line[0] in " \t#)]}" or _CONTINUES.match(line))):
            continue
        if not decorated:
            starts.append(number)
        decorated = line.startswith("@")
    return starts


def _longest_statement(lines, starts, k, label, budget):
    """`(end, tree, error, characters parsed)`: the fewest pieces from `k` on that parse together."""
    first_error, used = None, 0
    for end in range(k + 1, min(len(starts), k + MAX_GLUED) + 1):
        stop = starts[end] if end < len(starts) else len(lines)
        piece = "\n".join(lines[starts[k]:stop])
        used += len(piece)
        tree, error = _parse("\n" * starts[k] + piece, label)
        if tree is not None:
            return end, tree, None, used
        first_error = first_error or error
        if used > budget or not _unfinished(error):
            break
    return k + 1, None, first_error, used


def _unfinished(error: SyntaxError) -> bool:
    """Whether more lines could mend the error: an open bracket or an open text."""
    message = str(error.msg)
    return any(words in message for words in ("was never closed", "unterminated triple-quoted", "unexpected EOF"))
