"""The case that is being judged: where soft verbs note their findings.

Ambient because a verb is called from an author's test without a handle; set by the engine only.
"""

from __future__ import annotations

from contextvars import ContextVar

from grader.errors import CourseError
from grader.testing.finding import Finding


class Notes:
    """Findings of one case, in the order in which they were noted."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.verbs = 0  # how many verbs ran: a case without any judges nothing
        self.measures_speed = False

    def add(self, *findings: Finding) -> None:
        self.findings.extend(findings)


_current: ContextVar[Notes | None] = ContextVar("grader_case", default=None)


def open_notes() -> Notes:
    """Begin a case."""
    notes = Notes()
    _current.set(notes)
    return notes


def notes() -> Notes:
    """The running case's notes; a verb outside of a test is the author's error."""
    current = _current.get()
    if current is None:
        raise CourseError("a verb of grader.testing was used outside of a test marked by grade")
    return current
