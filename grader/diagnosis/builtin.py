"""Wrong ideas that any exercise knows: seen from a result and the expected one alone."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = 1e-6


class BuiltIn(NamedTuple):
    name: str
    says: str
    hint: str


def holds_float32(value: Any) -> bool:
    """Whether an array or number among the results is float32."""
    if isinstance(value, (tuple, list)):
        return any(holds_float32(v) for v in value)
    return getattr(value, "dtype", None) == np.float32


def explain(pairs: list[tuple[Any, Any]]) -> BuiltIn | None:
    """What turns every expected result into the student's, the simplest first; None when nothing does."""
    if not pairs:
        return None
    for built_in, test in _TESTS:
        if all(_holds(test, mine, theirs) for mine, theirs in pairs):
            return built_in
    return _factor(pairs)


def _holds(test, mine: Any, theirs: Any) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(test(mine, theirs))
    except (TypeError, ValueError, AttributeError):
        return False


def _close(a: Any, b: Any) -> bool:
    """Equal values, whatever the dtype."""
    if isinstance(b, (tuple, list)):
        if hasattr(b, "_fields"):
            return True
        return isinstance(a, (tuple, list)) and len(a) == len(b) and all(_close(x, y) for x, y in zip(a, b, strict=True))
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return a.shape == b.shape and bool((np.abs(a - b) <= TOLERANCE * max(np.abs(b).max(initial=0), 1e-12)).all())


def _parts(value: Any) -> list[np.ndarray]:
    """The arrays of a result, caches aside."""
    if isinstance(value, (tuple, list)):
        return [] if hasattr(value, "_fields") else [p for v in value for p in _parts(v)]
    return [np.asarray(value, dtype=np.float64)]


def _each(test):
    """A test of arrays that holds for at least one wrong array and every wrong array."""
    def holds(mine: Any, theirs: Any) -> bool:
        mine, theirs = _parts(mine), _parts(theirs)
        wrong = [(a, b) for a, b in zip(mine, theirs, strict=True) if not _close(a, b)]
        return bool(wrong) and all(test(a, b) for a, b in wrong)
    return holds


def _swapped(mine: Any, theirs: Any) -> bool:
    if not isinstance(theirs, (tuple, list)) or len(theirs) < 2 or len(theirs) > 6:
        return False
    return any(_close(tuple(mine), tuple(theirs[k] for k in order)) for order in permutations(range(len(theirs))) if list(order) != sorted(order))


def _transposed(a: np.ndarray, b: np.ndarray) -> bool:
    return a.ndim >= 2 and not _close(a, b) and (_close(np.swapaxes(a, -1, -2), b) or _close(a.T, b))


def _missing_batch(a: np.ndarray, b: np.ndarray) -> bool:
    return b.ndim == a.ndim + 1 and b.shape[0] == 1 and _close(a, b[0])


def _only_dtype(mine: Any, theirs: Any) -> bool:
    return _close(mine, theirs)


def _shorter(a: np.ndarray, b: np.ndarray) -> bool:
    """One row or column missing at an end, the rest right."""
    differing = [k for k in range(b.ndim) if k < a.ndim and a.shape[k] == b.shape[k] - 1]
    if a.ndim != b.ndim or not differing or any(a.shape[k] not in (b.shape[k], b.shape[k] - 1) for k in range(b.ndim)):
        return False
    first = tuple(slice(None, -1) if k in differing else slice(None) for k in range(b.ndim))
    last = tuple(slice(1, None) if k in differing else slice(None) for k in range(b.ndim))
    return _close(a, b[first]) or _close(a, b[last])


CHANGED = BuiltIn("changed_argument", "`{function}` changes an array it was given: the caller's own numbers are different afterwards.",
                  "Which line writes into an argument (`+=`, `*=`, `x[...] =`), and what could it write into instead?")

_TESTS = (
    (BuiltIn("returned_none", "`{function}` returns None.", "Which line hands the result back to the caller?"), lambda a, b: a is None),
    (BuiltIn("wrong_dtype", "The values of `{function}` are right, but not their dtype.", "Which dtype has each array on the way?"), _only_dtype),
    (BuiltIn("swapped_outputs", "The results of `{function}` are right, but in another order.", "In which order does the docstring name them?"), _swapped),
    (BuiltIn("negated", "The result of `{function}` has the opposite sign.", "Where does a minus enter, and should it?"), _each(lambda a, b: _close(-a, b))),
    (BuiltIn("transposed", "The result of `{function}` is transposed.", "Write the shape of every factor beside your line: which axis comes first?"), _each(_transposed)),
    (BuiltIn("missing_batch_axis", "With a batch of one, `{function}` loses the batch axis.", "What is the shape of your result when N = 1?"), _each(_missing_batch)),
    (BuiltIn("off_by_one", "One row or column is missing at an end of the result of `{function}`.", "How many positions are there from the first to the last, both counted?"),
     _each(_shorter)),
)


def _factor(pairs: list[tuple[Any, Any]]) -> BuiltIn | None:
    """One constant between every wrong array and the expected one."""
    factors = set()
    for mine, theirs in pairs:
        try:
            mine, theirs = _parts(mine), _parts(theirs)
        except (TypeError, ValueError):
            return None
        for a, b in zip(mine, theirs, strict=False):
            if a.shape != b.shape or b.size < 2:
                return None
            if not _close(a, b):
                pivot = int(np.argmax(np.abs(b)))
                factor = float(a.flat[pivot] / b.flat[pivot]) if b.flat[pivot] else 0.0
                if not factor or not np.isfinite(factor) or not _close(a, factor * b):
                    return None
                factors.add(round(factor, 6))
    if len(factors) != 1 or len(pairs) < 2:
        return None
    return BuiltIn("constant_factor", f"The result of `{{function}}` is {factors.pop():g} times the right one, everywhere.",
                   "Which sum became a mean, or which constant is missing or twice?")
