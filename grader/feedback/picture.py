"""Small pictures of a difference, as rows of text: where an array is wrong, and a table of several results. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.testing.finding import Finding, Kind, Picture

SHADES = " .:-=+*#@"  # from equal to the largest difference
MOST_ROWS, MOST_COLUMNS = 12, 30


def picture_of(finding: Finding, value: Any, expected: Any) -> Picture | None:
    """What helps to see the finding: a table when several results were judged, a map when one has planes."""
    if finding.kind not in (Kind.VALUES, Kind.NONFINITE):
        return None
    several = [(a, e) for a, e in _arrays(value, expected)]
    if len(several) >= 3:
        return _table(several)
    for a, e in several:
        if a.shape == e.shape == finding.expected_shape and a.ndim >= 2 and min(a.shape[-2:]) >= 3:
            return _heat_map(a, e, finding)
    return None


def _arrays(value: Any, expected: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of arrays of a reply, caches aside."""
    if isinstance(value, np.ndarray) and isinstance(expected, np.ndarray):
        return [(value, expected)]
    if isinstance(value, (tuple, list)) and isinstance(expected, (tuple, list)) and len(value) == len(expected) and not hasattr(expected, "_fields"):
        return [pair for a, e in zip(value, expected, strict=True) for pair in _arrays(a, e)]
    return []


def _table(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Picture | None:
    rows = []
    for number, (a, e) in enumerate(pairs, 1):
        if a.shape != e.shape:
            rows.append(f"{number}  shape {a.shape} instead of {e.shape}")
            continue
        scale = float(np.abs(e).max(initial=0)) or 1.0
        with np.errstate(all="ignore"):
            error = float(np.abs(a - e).max(initial=0)) / scale
        rows.append(f"{number}  {'right' if error < 1e-9 else f'largest error {error:.1e} of max'}{_ratio(a, e)}")
    return Picture(kind="results in order", rows=tuple(rows))


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
    with np.errstate(all="ignore"):
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
