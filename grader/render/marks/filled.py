"""What filling somebody else's gradebook gives: the file, and what must be said about it."""

from __future__ import annotations

import csv
import io

import msgspec

from grader.errors import UsageError


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """`notices`: one sentence each, for the person who uploads the file."""

    text: str
    filled: int
    notices: tuple[str, ...] = ()


def rows_of(text: str, what: str) -> list[list[str]]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise UsageError(f"{what} is not CSV ({error}); export it again and leave it as it is") from None
    if not rows:
        raise UsageError(f"{what} is empty; export it again")
    return rows


def score_text(score: float) -> str:
    return f"{score:.2f}"
