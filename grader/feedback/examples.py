"""The failing call of a case as text, when it is small enough to be followed by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from grader.record.recording import Recording, unpack
from grader.testing.finding import CaseExample, Finding

MOST_ELEMENTS = 16  # in one array
MOST_TEXT = 240


def example_of(asked: Iterable[Any], finding: Finding, recording: Recording) -> CaseExample | None:
    """The last call's arguments, expected and actual result, or None when they do not fit a few lines."""
    asked = list(asked)
    if not asked or not asked[-1].key.isidentifier() or finding.exception is not None:
        return None
    call = asked[-1]
    arguments = call.arguments if not (len(call.arguments) == 2 and isinstance(call.arguments[1], dict)) else call.arguments[0]
    names = recording.signatures.get(call.key, ())
    try:
        shown = [f"{names[k]} = {show(a)}" if k < len(names) else show(a) for k, a in enumerate(arguments)]
        expected = show(unpack(call.expected.value)) if call.expected and call.expected.value else ""
        actual = show(call.reply.value)
    except _TooLarge:
        return None
    text = ", ".join(shown)
    if len(text) > MOST_TEXT or len(expected) > MOST_TEXT or len(actual) > MOST_TEXT or not expected:
        return None
    return CaseExample(arguments=text, expected=expected, actual=actual)


class _TooLarge(Exception):
    pass


def show(value: Any) -> str:
    """A value in few characters; raises when an array has more than MOST_ELEMENTS."""
    if isinstance(value, np.ndarray):
        if value.size > MOST_ELEMENTS:
            raise _TooLarge
        return _brackets(value)
    if isinstance(value, (tuple, list)):
        if hasattr(value, "_fields"):
            return f"{type(value).__name__}(...)"
        return "(" + ", ".join(show(v) for v in value) + ")"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.6g}"
    return str(value)[:80]


def _brackets(array: np.ndarray) -> str:
    if array.ndim == 0:
        return f"{float(array):.6g}" if array.dtype.kind == "f" else str(array[()])
    return "[" + ", ".join(_brackets(row) for row in array) + "]"
