"""Small pictures of a difference, as rows of text: where an array is wrong, when it goes wrong, and a table of several results. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from grader.testing.compare import parse_name
from grader.testing.finding import Finding, Kind, Picture

SHADES = " .:-=+*#@"  # from equal to the largest difference
MOST_ROWS, MOST_COLUMNS = 12, 30
TIME = "T"
RIGHT = "right"

Pair = tuple[str, np.ndarray, np.ndarray]  # label with axes, yours, expected


def picture_of(finding: Finding, actual: Any, expected: Any, names: tuple[str, ...] | str) -> Picture | None:
    """What helps to see the finding: norms over time, a table where several results are wrong, a map of one plane."""
    if finding.kind not in (Kind.VALUES, Kind.NONFINITE):
        return None
    pairs = [(name, a.astype(np.float64), e.astype(np.float64)) for name, a, e in _named(actual, expected, names)]
    with np.errstate(all="ignore"):
        return _drawn(finding, pairs)


def _drawn(finding: Finding, pairs: list[Pair]) -> Picture | None:
    mine = next(((name, a, e) for name, a, e in pairs if parse_name(name)[0] == finding.output and a.shape == e.shape), None)
    if mine is not None and TIME in finding.axes and mine[1].ndim == len(finding.axes) and mine[1].shape[finding.axes.index(TIME)] >= 3:
        return _over_time(*mine[1:], finding)
    if len(pairs) >= 3 and sum(_row(a, e) != RIGHT for _, a, e in pairs) > 1:
        return _table(pairs)
    for _, a, e in [mine] if mine else pairs:
        if a.shape == e.shape == finding.expected_shape and a.ndim >= 2 and min(a.shape[-2:]) >= 3:
            return _heat_map(a, e, finding)
    return None


def _named(actual: Any, expected: Any, names: tuple[str, ...] | str) -> Iterator[Pair]:
    """Arrays with their names, as the test compared them; caches aside."""
    if isinstance(actual, np.ndarray) and isinstance(expected, np.ndarray):
        yield (names if isinstance(names, str) else "".join(names[:1])), actual, expected
    elif isinstance(actual, (tuple, list)) and isinstance(expected, (tuple, list)) and len(actual) == len(expected) and not hasattr(expected, "_fields"):
        label = parse_name(names)[0] if isinstance(names, str) and names else None
        for k, (a, e) in enumerate(zip(actual, expected, strict=True)):
            yield from _named(a, e, f"{label}[{k}]" if label else names[k] if k < len(names) else f"result {k + 1}")


def _over_time(a: np.ndarray, e: np.ndarray, finding: Finding) -> Picture:
    """The Euclidean norm of each step, yours and expected."""
    axis = finding.axes.index(TIME)
    mine, theirs = (np.sqrt((np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) ** 2).sum(axis=1)) for x in (a, e))
    wrong = np.abs(np.moveaxis(a - e, axis, 0)).reshape(a.shape[axis], -1).max(axis=1) > 1e-9 * max(float(np.abs(e).max(initial=0)), 1e-300)
    steps = list(range(len(mine)))
    shown = steps if len(steps) <= MOST_ROWS else steps[: MOST_ROWS // 2] + steps[-MOST_ROWS // 2:]
    rows = [f"t={t:<3} yours {mine[t]:<10.4g} expected {theirs[t]:<10.4g} {'differs' if wrong[t] else 'right'}" for t in shown]
    if len(shown) < len(steps):
        rows.insert(MOST_ROWS // 2, f"({len(steps) - len(shown)} steps between)")
    return Picture(kind=f"norm of {finding.output or 'the result'} over time", rows=tuple(rows))


def _table(pairs: list[Pair]) -> Picture:
    labels = [parse_name(name)[0] or f"result {k}" for k, (name, _, _) in enumerate(pairs, 1)]
    width = max(map(len, labels))
    return Picture(kind="result by result", rows=tuple(f"{label:<{width}}  {_row(a, e)}" for label, (_, a, e) in zip(labels, pairs, strict=True)))


def _row(a: np.ndarray, e: np.ndarray) -> str:
    if a.shape != e.shape:
        return f"shape {a.shape} instead of {e.shape}"
    scale = float(np.abs(e).max(initial=0)) or 1.0
    error = float(np.abs(a - e).max(initial=0)) / scale
    return f"{RIGHT if error < 1e-9 else f'largest error {error:.1e} of the largest number'}{_ratio(a, e)}"


def _ratio(a: np.ndarray, e: np.ndarray) -> str:
    """", 2 times" when one factor fits all elements."""
    pivot = int(np.argmax(np.abs(e))) if e.size else 0
    if e.size < 2 or not e.flat[pivot] or not np.isfinite(a).all():
        return ""
    factor = float(a.flat[pivot] / e.flat[pivot])
    same = np.abs(a - factor * e).max() <= 1e-6 * np.abs(e).max()
    return f", {factor:.4g} times the expected" if same and factor and abs(factor - 1) > 1e-9 else ""


def _heat_map(a: np.ndarray, e: np.ndarray, finding: Finding) -> Picture:
    """|yours - expected| of the plane that holds the first wrong element."""
    where = finding.index[:-2] if finding.index else (0,) * (a.ndim - 2)
    plane = np.abs(a[where] - e[where])
    plane = np.where(np.isfinite(plane), plane, np.inf)
    finite = plane[np.isfinite(plane)]
    top = float(finite.max(initial=0)) or 1.0
    shades = np.where(np.isfinite(plane), np.ceil(np.clip(plane / top, 0, 1) * (len(SHADES) - 1)), len(SHADES) - 1).astype(int)
    shades[plane <= 1e-9 * max(float(np.abs(e[where]).max(initial=0)), 1e-300)] = 0
    rows = ["|" + "".join(SHADES[s] * 2 for s in row[:MOST_COLUMNS]) + "|" for row in shades[:MOST_ROWS]]
    if plane.shape[0] > MOST_ROWS or plane.shape[1] > MOST_COLUMNS:
        rows.append(f"(the first {min(plane.shape[0], MOST_ROWS)} of {plane.shape[0]} rows, {min(plane.shape[1], MOST_COLUMNS)} of {plane.shape[1]} columns)")
    return Picture(kind=f"difference in {finding.output or 'the result'}[{', '.join(map(str, (*where, ':', ':')))}]: blank is right, @ the largest", rows=tuple(rows))
