"""Say how a wrong array relates to the expected one: a factor, a shift, a transposition, another order.

Only relations that hold for every element are said; arrays above `LARGEST` elements are not searched.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

LARGEST = 100_000
TOLERANCE = 1e-6  # of max|expected|


def relation(actual: np.ndarray, expected: np.ndarray, axes: tuple[str, ...] = ()) -> str | None:
    """One phrase such as "-1 times the expected", or None."""
    if actual.size == 0 or actual.size > LARGEST or not (np.isfinite(actual).all() and np.isfinite(expected).all()):
        return None
    a, e = actual.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):  # what overflows or divides by zero equals nothing
        if actual.size == 1:
            return _simple_factor(a, e)
        for describe in (_all_zero, _factor, _offset, _transposed, _flipped, _block_order, _shifted):
            phrase = describe(a, e, axes) if describe in (_flipped, _block_order, _shifted) else describe(a, e)
            if phrase:
                return phrase
    return None


def _same(a: np.ndarray, e: np.ndarray) -> bool:
    return bool((np.abs(a - e) <= TOLERANCE * np.abs(e).max()).all())


def _all_zero(a, e):
    return "all zero" if not a.any() else None


def _factor(a, e):
    pivot = np.argmax(np.abs(e))
    if e.flat[pivot] == 0:
        return None
    factor = a.flat[pivot] / e.flat[pivot]
    if factor in (0.0, 1.0) or not _same(a, factor * e) or (a.size > 1 and np.ptp(e) == 0 and np.ptp(a) == 0 and a.size < 3):
        return None
    return f"{_readable(factor)} times the expected"


def _simple_factor(a, e):
    """Of one number any factor "fits": only 2, 3, ..., their inverses and negatives are worth saying."""
    factors = (a.flat[0] / e.flat[0], e.flat[0] / a.flat[0])
    return _factor(a, e) if any(abs(k - np.rint(k)) < 1e-9 and 1 <= abs(k) <= 64 for k in factors) else None


def _readable(factor: float) -> str:
    for k in range(2, 65):
        if abs(abs(factor) * k - 1) < 1e-9:
            return f"{'-' if factor < 0 else ''}1/{k}"
    return f"{factor:.7g}"


def _offset(a, e):
    difference = a - e
    if np.ptp(e) > 0 and np.ptp(difference) <= TOLERANCE * np.abs(e).max() and difference.flat[0] != 0:
        return f"the expected {'plus' if difference.flat[0] > 0 else 'minus'} the constant {abs(difference.flat[0]):.7g}"
    return None


def _transposed(a, e):
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and a.shape[-1] > 1 and _same(np.swapaxes(a, -1, -2), e):
        return "the expected with its last two axes exchanged"
    return None


def _axis(axes: tuple[str, ...], axis: int) -> str:
    return axes[axis] if axis < len(axes) else str(axis)


def _flipped(a, e, axes):
    turned = [k for k in range(a.ndim) if a.shape[k] > 1]
    for choice in ([k] for k in turned):
        if _same(np.flip(a, choice), e):
            return f"the expected in reversed order along axis {_axis(axes, choice[0])}"
    if len(turned) > 1 and _same(np.flip(a, turned[-2:]), e):
        return "the expected turned by 180 degrees in its last two axes"
    return None


def _block_order(a, e, axes):
    """2 to 4 equal blocks along an axis in another order (gates, halves)."""
    for axis in range(a.ndim):
        for blocks in (2, 3, 4):
            if a.shape[axis] % blocks:
                continue
            parts = np.split(a, blocks, axis)
            for order in permutations(range(blocks)):
                if list(order) != sorted(order) and _same(np.concatenate([parts[k] for k in order], axis), e):
                    return f"the expected with its {blocks} blocks along axis {_axis(axes, axis)} in another order"
    return None


def _shifted(a, e, axes):
    """The expected moved by one place along an axis, whatever entered at the border."""
    for axis in range(a.ndim):
        if a.shape[axis] < 3:
            continue
        head, tail = (slice(None),) * axis + (slice(None, -1),), (slice(None),) * axis + (slice(1, None),)
        if np.ptp(e) == 0:
            return None
        if _same(a[tail], e[head]):
            return f"the expected moved by one place along axis {_axis(axes, axis)}"
        if _same(a[head], e[tail]):
            return f"the expected moved back by one place along axis {_axis(axes, axis)}"
    return None
