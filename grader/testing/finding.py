"""How a case failed, as a value: floor 0, so that verbs, worker, report and renderers share it.

Coordinates are zero-based indices into the output; `message` is one sentence without the numbers that
stand in other fields.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec


class Kind(enum.StrEnum):
    """What went wrong, from the outside: the word a report for students may always show."""

    VALUES = "values"
    SHAPE = "shape"
    DTYPE = "dtype"
    NONFINITE = "nonfinite"
    STRUCTURE = "structure"
    NONE_RETURNED = "none_returned"
    RAISED = "raised"
    NOT_RAISED = "not_raised"
    WRONG_ERROR = "wrong_error"
    CHANGED_ARGUMENT = "changed_argument"
    ALIASED = "aliased"
    GRADIENT = "gradient"
    SLOW = "slow"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    VIOLATION = "violation"
    NOT_ATTEMPTED = "not_attempted"
    NOT_LOADED = "not_loaded"
    BLOCKED = "blocked"
    AUTHOR = "author"
    INFRASTRUCTURE = "infrastructure"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the student's source; columns are zero-based character offsets, None when unknown."""

    file: str
    line: int
    text: str
    column: int | None = None
    end_column: int | None = None
    function: str | None = None
    shapes: dict[str, str] = {}  # arrays named on the line -> "(2, 5, 8) float64"


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """An exception of student code; `message` verbatim but cut; innermost frame last."""

    type: str
    message: str
    bases: tuple[str, ...] = ()  # names of the exception's classes, itself first
    frames: tuple[Line, ...] = ()


class CaseExample(msgspec.Struct, frozen=True, kw_only=True):
    """One failing call, small enough to be read."""

    arguments: str
    expected: str
    actual: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing made of text rows; `kind` names the legend."""

    kind: str
    rows: tuple[str, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One failed verb or call of one case."""

    kind: Kind
    message: str
    output: str | None = None
    axes: tuple[str, ...] = ()
    index: tuple[int, ...] | None = None  # of the first wrong element
    worst_index: tuple[int, ...] | None = None
    n_wrong: int | None = None
    n: int | None = None
    max_abs: float | None = None
    max_rel: float | None = None
    expected_shape: tuple[int, ...] | None = None
    actual_shape: tuple[int, ...] | None = None
    expected: Any = None  # value at `index`, or a short text
    actual: Any = None
    relation: str | None = None  # "2 times the expected", "the expected transposed", ...
    case: CaseExample | None = None
    picture: Picture | None = None
    exception: Raised | None = None
    line: Line | None = None
    means: str | None = None  # what a well-known exception means, in a student's words
