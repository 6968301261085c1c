"""What the terminal can show: width, colour, characters."""

from __future__ import annotations

import os
import shutil
import sys

from grader.render.text import Style

WIDEST = 88


def style_of(options, stuck: bool = False) -> Style:
    """From options, environment and terminal, in this order."""
    width = options["width"] or min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    return Style(width=max(40, width), color=_colored(options["color"]), ascii=options["ascii_"] or not _can_unicode(), verbose=options["verbose"],
                 hidden_details=options["verbose"] and options.get("audience") == "staff", stuck=stuck)


def _colored(asked: str) -> bool:
    """--color, then NO_COLOR, then FORCE_COLOR, then the terminal."""
    if asked != "auto":
        return asked == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _can_unicode() -> bool:
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") in ("utf8", "utf16", "cp65001")
