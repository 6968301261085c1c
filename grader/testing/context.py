"""The case that is being judged: where soft verbs note their findings.

Ambient because a verb is called from an author's test without a handle; set by the engine only.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from grader.errors import CourseError
from grader.testing.finding import Finding


class Notes:
    """Findings of one case, in the order in which they were noted."""

    def __init__(self, strictness: float = 1.0) -> None:
        self.findings: list[Finding] = []
        self.strictness = strictness  # tolerances of values are divided by it (the audit's rounding margin)
        self.compared: tuple[Any, Any, Any] | None = None  # (actual, expected, names) of the first comparison that failed
        self.measures_speed = False
        self.speed: tuple[float, float] | None = None  # (ratio to the reference, limit)

    def add(self, *findings: Finding) -> None:
        self.findings.extend(findings)


_current: ContextVar[Notes | None] = ContextVar("grader_case", default=None)


def open_notes(strictness: float = 1.0) -> Notes:
    """Begin a case."""
    notes = Notes(strictness)
    _current.set(notes)
    return notes


def notes() -> Notes:
    """The running case's notes; a verb outside of a test is the author's error."""
    current = _current.get()
    if current is None:
        raise CourseError("a verb of grader.testing was used outside of a test marked by grade")
    return current
