"""Is a reply of the kind the test was written for? Judged before the author's code sees it.

Shapes and values are the verbs' business; here: kinds, lengths, missing returns. A NamedTuple (a cache) is the student's
own affair: whatever stands in its place is accepted, since no points hang on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grader import wire
from grader.testing.compare import describe_kind
from grader.testing.finding import Finding, Kind


def structure_finding(actual: Any, expected: Any, function: str) -> Finding | None:
    """What is wrong with the kind of a reply, or None."""
    problem = _problem(actual, expected)
    if problem is None:
        return None
    kind = Kind.NONE_RETURNED if actual is None else Kind.STRUCTURE
    if actual is None:
        problem = f"{function} returned None; is a `return` missing?"
    counts = {"expected": len(expected), "actual": len(actual)} if _is_sequence(expected) and _is_sequence(actual) else {}
    return Finding(kind=kind, message=problem, output=function, **counts)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (tuple, list))


def _problem(actual: Any, expected: Any) -> str | None:
    if _is_sequence(expected):
        return None if hasattr(expected, "_fields") else _sequence_problem(actual, expected)
    if isinstance(expected, wire.Handle):
        return None if isinstance(actual, wire.Handle) else f"{describe_kind(actual)} where an object is expected"
    if isinstance(expected, np.ndarray):
        ok = isinstance(actual, np.ndarray) or (expected.ndim == 0 and _is_number(actual))
        return None if ok else f"{describe_kind(actual)} where an array of shape {expected.shape} is expected"
    if isinstance(expected, dict):
        return None if isinstance(actual, dict) else f"{describe_kind(actual)} where a dictionary is expected"
    if _is_number(expected):
        ok = _is_number(actual) or (isinstance(actual, np.ndarray) and actual.ndim == 0)
        return None if ok else f"{describe_kind(actual)} where a number is expected"
    if type(expected) is not type(actual):
        return f"{describe_kind(actual)} where {describe_kind(expected)} is expected"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _sequence_problem(actual: Any, expected: Any) -> str | None:
    if not _is_sequence(actual):
        return f"{describe_kind(actual)} where {len(expected)} results are expected"
    if len(actual) != len(expected):
        return f"{len(actual)} results where {len(expected)} are expected"
    for position, (a, e) in enumerate(zip(actual, expected, strict=True)):
        problem = _problem(a, e)
        if problem:
            return f"result {position + 1} of {len(expected)}: {problem}"
    return None
