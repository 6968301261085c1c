"""The safe-text boundary: escaping, columns, cutting, wrapping, colour.

Text of students, and of files they name, reaches a page only through `visible`, `cut`, `clip`, `fold` or `wrap`.
What they return holds printable characters alone: control characters, ANSI escapes, bidi marks, line
separators and lone surrogates are shown as `\\x1b`, `\\u202e`. Columns, not characters, are counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

import click
import msgspec

MIN_WIDTH = 40
MOST_LINES = 100  # of one text, even where a page has no limit
NOTE = 32  # columns of "... (1234567 more characters)"
MARKS = 2  # accents stacked on one character; more would climb over the lines above

PLAIN = str.maketrans({
    "…": "...", "·": "-", "–": "-", "—": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "→": "->", "←": "<-",
    "×": "x", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "✓": "+", "✗": "x", "○": ".", "◷": "!", "┄": "-",
    "▁": "1", "▂": "2", "▃": "3", "▄": "4", "▅": "5", "▆": "6", "▇": "7", "█": "8",
})  # fmt: skip
"""What `--ascii` writes for our own signs and for those usual in handouts; any other character is escaped."""

COLOURS = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "odd": {"fg": "magenta"},
    "quiet": {"dim": True},
    "strong": {"bold": True},
}


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How a page is drawn. `hidden_details` opens hidden tests too (with `verbose`; never for students)."""

    width: int = 88
    color: bool = False
    ascii: bool = False
    verbose: bool = False
    hidden_details: bool = False
    stuck: bool = False  # the same failure as in the last runs: offer the hint

    @property
    def columns(self) -> int:
        return max(self.width, MIN_WIDTH)


def visible(text: str, style: Style) -> str:
    """One line that holds printable characters only (ASCII ones if the style says so)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_pieces(text, style.ascii))


def _pieces(text: str, ascii_only: bool) -> Iterator[str]:
    """What is printed for each character."""
    marks = 0
    for char in text:
        marks = marks + 1 if _is_mark(char) else 0
        yield _escape(char) if marks > MARKS else _shown(char, ascii_only)


def _shown(char: str, ascii_only: bool) -> str:
    if char == "\t":
        return "    "
    if not char.isprintable():
        return _escape(char)
    if not ascii_only or char.isascii():
        return char
    plain = char.translate(PLAIN)
    return plain if plain.isascii() else _escape(char)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _is_mark(char: str) -> bool:
    return not char.isascii() and unicodedata.category(char) in ("Mn", "Me")


def columns(shown: str) -> int:
    """Width on a terminal: wide characters count two, accents none."""
    return len(shown) if shown.isascii() else sum(map(_char_columns, shown))


def _char_columns(char: str) -> int:
    if _is_mark(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, room: int, style: Style) -> tuple[str, int]:
    """The beginning of `text` that fits into `room` columns, as shown, and how many of its characters that is."""
    shown, taken, used = [], 0, 0
    for piece in _pieces(text, style.ascii):
        taken += columns(piece)
        if taken > room:
            break
        shown.append(piece)
        used += 1
    return "".join(shown), used


def cut(text: str, room: int, style: Style) -> str:
    """One line of at most `room` columns; an ellipsis says that something is missing."""
    shown, used = fit(text, room, style)
    if used == len(text):
        return shown
    mark = visible("…", style)
    return fit(text, room - len(mark), style)[0] + mark


def cut_left(text: str, room: int, style: Style) -> str:
    """As `cut`, keeping the end: for paths."""
    shown, mark = visible(text, style), visible("…", style)
    if columns(shown) <= room:
        return shown
    start, left = len(shown), room - len(mark)
    while left >= _char_columns(shown[start - 1]):
        start -= 1
        left -= _char_columns(shown[start])
    return mark + shown[start:]


def clip(text: str, room: int, style: Style) -> str:
    """As `cut`, but says how much is missing where there is room for that."""
    shown, used = fit(text, room, style)
    if used == len(text):
        return shown
    if room < 2 * NOTE:
        return cut(text, room, style)
    shown, used = fit(text, room - NOTE, style)
    return visible(f"{shown}… ({len(text) - used} more characters)", style)


def fold(text: str, room: int, style: Style, most: int = MOST_LINES) -> tuple[str, ...]:
    """One line of text on as many lines as it needs (at most `most`), verbatim but for the spaces at the breaks."""
    lines, rest = [], clip(text, most * room, style)
    while True:
        head, used = fit(rest, room, style)
        if used == len(rest):
            return (*lines, head)
        space = rest.rfind(" ", 1, used + 1)
        at = space if space > used // 2 else max(used, 1)
        lines.append(rest[:at].rstrip(" "))
        rest = rest[at:].lstrip(" ")


def verbatim(text: str, room: int, style: Style) -> tuple[str, ...]:
    """All lines of a text, folded where they are too long; many lines are cut and counted."""
    lines = text.split("\n")
    more = (f"({len(lines) - MOST_LINES} more lines)",) if len(lines) > MOST_LINES else ()
    return (*(piece for line in lines[:MOST_LINES] for piece in fold(line, room, style)), *more)


def wrap(prose: str, room: int, style: Style) -> tuple[str, ...]:
    """A paragraph: line breaks and runs of blanks in it mean one space."""
    return fold(" ".join(re.split(r"[ \t\r\n]+", prose.strip(" \t\r\n"))), room, style)


def listing(items: Iterable[str], room: int, style: Style, between: str = ", ") -> str:
    """As many items as fit into `room` columns, and how many more there are; their number, if not one fits."""
    items = [visible(item, style) for item in items]
    for count in range(len(items), 0, -1):
        tail = f" and {len(items) - count} more" if count < len(items) else ""
        text = between.join(items[:count]) + tail
        if columns(text) <= room:
            return text
    long = f"{len(items)} (-v names them)"
    return long if len(long) <= room else str(len(items))


def pad(shown: str, room: int) -> str:
    """Fill up with spaces on the right."""
    return shown + " " * (room - columns(shown))


def paint(shown: str, colour: str, style: Style) -> str:
    """Colour a piece that is already cut; never the only carrier of a meaning."""
    return click.style(shown, **COLOURS[colour]) if style.color and shown else shown
