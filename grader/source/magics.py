"""A notebook cell -> the Python in it, with its line numbers kept.

Lines for the notebook's shell (`%time f()`, `!ls`, `np.dot?`, `files = !ls`) become empty, or `pass` where they are
indented, so that a block stays whole. No Python statement begins with `%`, `!` or `?`, ends in `?`, or holds `= %` or
`= !`; so it is enough to know where statements begin, that is to follow brackets, strings, comments and backslashes.
Inside `(a\\n % b)` or a string nothing is touched.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TRANSPARENT = frozenset({"capture", "grade", "prun", "time", "timeit"})  # cell magics that run the cell where it stands
_CELL_MAGIC = re.compile(r"\s*(%%[\w.!-]{0,30})")
_COMMAND = re.compile(r"\s*(%%?[A-Za-z_]|!|\?)")
_ASSIGNED = re.compile(r"[\w\s.,:'\[\]]*[\w\s'\]]=\s*(%[A-Za-z_]|!)")
_HELP = re.compile(r".*[\w*)\]]\?\??\s*$")
_PLAIN = re.compile(r"""[^"'#()\[\]{}\\]+""")
_STRING_END = {quote: re.compile(rf"(?:\\.|[^\\])*?{quote}") for quote in ("'", '"', "'''", '"""')}


class Cell(NamedTuple):
    """The Python of a cell, or the magic because of which it is none (`%%bash`)."""

    python: str
    magic: str = ""
    unassigned: tuple[int, ...] = ()  # lines, from 1, such as `files = !ls`: the name will be missed


def read_cell(text: str) -> Cell:
    """Take the magics out of a cell whose line ends are "\\n"."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        magic = _CELL_MAGIC.match(line)
        if magic and magic[1][2:] not in TRANSPARENT:
            return Cell("", magic[1])
        if magic:
            lines[number] = ""
        elif line.strip():
            break
    return _without_commands(lines)


class _State(NamedTuple):
    """What a line leaves open: brackets, a string (its quote), a backslash."""

    depth: int = 0
    quote: str = ""
    continued: bool = False


_NOTHING_OPEN = _State()


def _without_commands(lines: list[str]) -> Cell:
    kept, unassigned = [], []
    state, in_command = _NOTHING_OPEN, False
    for number, line in enumerate(lines, 1):
        if in_command:  # it went on after a backslash
            kept.append("")
        else:
            after, code = _read_line(line, state)
            in_command = state == _NOTHING_OPEN and _is_command(code, after)
            kept.append(_blank(line) if in_command else line)
            state = _NOTHING_OPEN if in_command else after
            if in_command and _ASSIGNED.match(code):
                unassigned.append(number)
        in_command = in_command and line.endswith("\\")
    return Cell("\n".join(kept), "", tuple(unassigned))


def _is_command(code: str, after: _State) -> bool:
    """Whether a line that begins a statement is for the notebook's shell; `code` has no strings and comments."""
    begins = _COMMAND.match(code) or _ASSIGNED.match(code)
    return begins is not None or (after == _NOTHING_OPEN and _HELP.match(code) is not None)


def _blank(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return indent + "pass" if indent else ""


def _read_line(line: str, state: _State) -> tuple[_State, str]:
    """What is open after `line`, and its code: strings emptied, comment cut off."""
    depth, quote = state.depth, state.quote
    at, code = 0, []
    while quote or at < len(line):
        if quote:
            end = _STRING_END[quote].match(line, at)
            if not end:
                goes_on = len(quote) == 3 or _ends_in_backslash(line)
                return _State(depth, quote if goes_on else ""), "".join(code)
            at, quote = end.end(), ""
        elif plain := _PLAIN.match(line, at):
            code.append(plain[0])
            at = plain.end()
        elif line[at] == "#":
            break
        elif line[at] in "'\"":
            quote = line[at : at + 3] if line[at : at + 3] in _STRING_END else line[at]
            code.append("''")
            at += len(quote)
        elif line[at] == "\\" and at == len(line) - 1:
            return _State(depth, "", True), "".join(code)
        else:
            depth = max(0, depth + (line[at] in "([{") - (line[at] in ")]}"))
            code.append(line[at])
            at += 1
    return _State(depth), "".join(code)


def _ends_in_backslash(line: str) -> bool:
    """Whether the last character is a backslash that is not itself escaped."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
