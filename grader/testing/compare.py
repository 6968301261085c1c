"""Compare what a student's function returned with what was expected: values in, findings out.

Order of judgement: structure, shape, finiteness, values, dtype. Nothing here raises on an unexpected value:
whatever a worker sent is compared by plain numpy operations on arrays rebuilt from bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from grader.testing.finding import Finding, Kind
from grader.testing.relations import relation

RTOL = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}
"""Default tolerance relative to max|expected|, by dtype of the expected array."""


class Tolerance:
    """`|actual - expected| <= rtol * max|expected| + atol`; `rtol=None` takes the dtype's default."""

    def __init__(self, rtol: float | None = None, atol: float = 0.0, strictness: float = 1.0):
        self.rtol, self.atol, self.strictness = rtol, atol, strictness

    def bound(self, expected: np.ndarray, dtype: str | None = None) -> float:
        """The allowed difference; `dtype` names the coarser of the two, if it is not that of `expected`."""
        finite = np.abs(expected[np.isfinite(expected)], dtype=np.float64) if expected.size else np.zeros(0)
        scale = float(finite.max()) if finite.size else 0.0
        rtol = RTOL.get(dtype or expected.dtype.name, 0.0) if self.rtol is None else self.rtol
        return (rtol * scale + self.atol) / self.strictness


def compare(actual: Any, expected: Any, names: tuple[str, ...] | str = (), tolerance: Tolerance | None = None) -> tuple[Finding, ...]:
    """Findings of `actual` against `expected`; empty when they agree. Names may carry axes: "h (N, H)"."""
    with np.errstate(all="ignore"):
        return tuple(_compare(actual, expected, names, tolerance or Tolerance()))


def parse_name(name: str) -> tuple[str | None, tuple[str, ...]]:
    """`"h (N, H)"` -> `("h", ("N", "H"))`."""
    label, _, axes = name.partition("(")
    return label.strip() or None, tuple(a.strip() for a in axes.rstrip(") ").split(",") if a.strip())


def _compare(actual, expected, names, tolerance):
    if isinstance(expected, (tuple, list)):
        yield from _compare_sequence(actual, expected, names, tolerance)
    elif isinstance(expected, dict):
        yield from _compare_dict(actual, expected, tolerance)
    elif isinstance(expected, np.ndarray):
        yield from _compare_array(actual, expected, _single(names), tolerance)
    elif isinstance(expected, (bool, str, type(None))) or not isinstance(expected, (int, float, np.generic)):
        yield from _compare_exact(actual, expected, _single(names))
    else:
        yield from _compare_number(actual, expected, _single(names), tolerance)


def _single(names) -> str:
    return names if isinstance(names, str) else (names[0] if names else "")


def _compare_sequence(actual, expected, names, tolerance):
    if isinstance(names, str) and names:
        label, _ = parse_name(names)
        names = tuple(f"{label}[{k}]" for k in range(len(expected)))
    if not isinstance(actual, (tuple, list)):
        yield Finding(kind=Kind.STRUCTURE, message=f"{describe_kind(actual)} where {len(expected)} results are expected")
        return
    if len(actual) != len(expected):
        yield Finding(kind=Kind.STRUCTURE, message=f"{len(actual)} results where {len(expected)} are expected",
                      expected=len(expected), actual=len(actual))
        return
    fields = getattr(expected, "_fields", None)
    if fields and set(getattr(actual, "_fields", ())) == set(fields):
        actual = [getattr(actual, name) for name in fields]  # a NamedTuple is known by its names, whatever their order
    for k, (a, e) in enumerate(zip(actual, expected, strict=True)):
        name = names[k] if k < len(names) else (fields[k] if fields else f"result {k}" if len(expected) > 1 else "")
        yield from _compare(a, e, name, tolerance)


def _compare_dict(actual, expected, tolerance):
    if not isinstance(actual, dict) or set(actual) != set(expected):
        seen = sorted(map(str, actual)) if isinstance(actual, dict) else describe_kind(actual)
        yield Finding(kind=Kind.STRUCTURE, message=f"a dictionary with the keys {sorted(map(str, expected))} is expected, yours: {seen}")
        return
    for key, value in expected.items():
        yield from _compare(actual[key], value, str(key), tolerance)


def _compare_exact(actual, expected, name):
    label, _ = parse_name(name)
    if type(actual) is not type(expected) or actual != expected:
        yield Finding(kind=Kind.VALUES, message="another value", output=label, expected=expected, actual=_short(actual))


def _compare_number(actual, expected, name, tolerance):
    label, _ = parse_name(name)
    if isinstance(actual, np.ndarray) and actual.ndim == 0:
        actual = actual[()]
    if isinstance(actual, (bool, np.bool_)) or not isinstance(actual, (int, float, np.number)):
        yield Finding(kind=Kind.STRUCTURE, message=f"{describe_kind(actual)} where a number is expected", output=label)
    elif isinstance(expected, (int, np.integer)):
        yield from _compare_integer(actual, expected, label)
    else:
        value, want = float(actual), float(expected)
        if not _close_number(value, want, tolerance.bound(np.asarray(expected, dtype=np.float64))):
            ratio = relation(np.array([value]), np.array([want])) if math.isfinite(value) and math.isfinite(want) else None
            yield Finding(kind=Kind.VALUES if math.isfinite(value) else Kind.NONFINITE, message="another number", output=label,
                          expected=want, actual=value, max_abs=abs(value - want), relation=ratio, n_wrong=1, n=1)


def _compare_integer(actual, expected, label):
    if isinstance(actual, (float, np.floating)):
        yield Finding(kind=Kind.DTYPE, message="a float where an integer is expected", output=label,
                      expected=int(expected), actual=float(actual))
    elif int(actual) != int(expected):
        yield Finding(kind=Kind.VALUES, message="another number", output=label, expected=int(expected), actual=int(actual))


def _close_number(value: float, want: float, bound: float) -> bool:
    if math.isnan(want) or math.isinf(want):
        return value == want or (math.isnan(value) and math.isnan(want))
    return math.isfinite(value) and abs(value - want) <= bound


def _compare_array(actual, expected, name, tolerance):
    label, axes = parse_name(name)
    if isinstance(actual, (int, float, np.generic)) and not isinstance(actual, bool) and expected.ndim == 0:
        actual = np.asarray(actual)
    if not isinstance(actual, np.ndarray):
        kind = Kind.NONE_RETURNED if actual is None else Kind.STRUCTURE
        yield Finding(kind=kind, message=f"{describe_kind(actual)} where an array is expected", output=label,
                      axes=axes, expected_shape=expected.shape)
        return
    if actual.shape != expected.shape:
        same = actual.ndim == 2 and actual.T.shape == expected.shape and _agree(actual.T, expected, tolerance)
        yield Finding(kind=Kind.SHAPE, message="another shape", output=label, axes=axes, expected_shape=expected.shape,
                      actual_shape=actual.shape, relation="the expected values, transposed" if same else None)
        return
    yield from _compare_values(actual, expected, label, axes, tolerance)


def _plainly_close(actual: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> bool:
    """The usual case, cheaply: same float dtype, all finite, all within the tolerance."""
    if actual.dtype != expected.dtype or expected.dtype.kind != "f" or not expected.size:
        return False
    rtol = RTOL[expected.dtype.name] if tolerance.rtol is None else tolerance.rtol
    scale = float(np.abs(expected).max())
    return math.isfinite(scale) and float(np.abs(actual - expected).max()) <= (rtol * scale + tolerance.atol) / tolerance.strictness


def _agree(actual, expected, tolerance) -> bool:
    return not wrong_elements(actual, expected, tolerance).any()


def wrong_elements(actual: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """Mask of elements outside the tolerance; non-finite elements must be equal (nan to nan)."""
    a, e = _wide(actual), _wide(expected)
    if _is_float(expected) and not _is_float(actual) and actual.dtype != bool:
        a = a.astype(np.float64)
    coarser = actual if _is_float(actual) and actual.dtype.itemsize < expected.dtype.itemsize else expected  # dtype: a finding of its own
    bound = tolerance.bound(expected, coarser.dtype.name) if _is_float(expected) else tolerance.atol
    close = np.abs(a - e) <= bound if a.dtype != bool else a == e
    return ~(close | (a == e) | (np.isnan(a) & np.isnan(e)))


def _wide(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "fiu":
        return array.astype(np.float64) if array.dtype.kind == "f" or array.dtype.itemsize < 8 else array.astype(np.longdouble)
    return array.astype(np.float64)


def _is_float(array: np.ndarray) -> bool:
    return array.dtype.kind == "f"


def _compare_values(actual, expected, label, axes, tolerance):
    if _plainly_close(actual, expected, tolerance):
        return
    wrong = wrong_elements(actual, expected, tolerance)
    n_wrong = int(wrong.sum())
    if n_wrong:
        yield _value_finding(actual, expected, wrong, n_wrong, label, axes)
    if actual.dtype != expected.dtype:
        yield Finding(kind=Kind.DTYPE, message=f"dtype {actual.dtype} where {expected.dtype} is expected", output=label,
                      axes=axes, expected=str(expected.dtype), actual=str(actual.dtype))


def _value_finding(actual, expected, wrong, n_wrong, label, axes) -> Finding:
    difference = np.where(wrong, np.abs(_wide(actual) - _wide(expected)), -1.0)
    unequal_finite = np.isfinite(_wide(actual)) != np.isfinite(_wide(expected))
    worst = np.unravel_index(int(np.nanargmax(np.where(np.isnan(difference), np.inf, difference))), wrong.shape)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    scale = np.abs(_wide(expected)[np.isfinite(_wide(expected))])
    max_abs = float(np.nanmax(difference)) if not np.isnan(difference).all() else math.nan
    return Finding(
        kind=Kind.NONFINITE if bool((unequal_finite & wrong).any()) else Kind.VALUES,
        message="values that are not finite" if bool((unequal_finite & wrong).any()) else "other values",
        output=label, axes=axes, index=first, worst_index=tuple(int(i) for i in worst), n_wrong=n_wrong, n=int(wrong.size),
        max_abs=max_abs, max_rel=max_abs / float(scale.max()) if scale.size and scale.max() > 0 else math.inf,
        expected_shape=expected.shape, actual_shape=actual.shape,
        expected=expected[first].item(), actual=actual[first].item(), relation=relation(actual, expected, axes),
    )


def describe_kind(value: Any) -> str:
    """A few words for the kind of a value: "None", "a tuple of 2", "an array of shape (3, 4)"."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (tuple, list)) and not hasattr(value, "description"):  # what could not travel has one
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, (bool, np.bool_)):
        return "a bool"
    if isinstance(value, (int, np.integer)):
        return "an integer"
    if isinstance(value, (float, np.floating)):
        return "a float"
    if isinstance(value, str):
        return "a text"
    return str(getattr(value, "description", f"a {type(value).__name__}"))


def _short(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool, type(None))) else describe_kind(value)
