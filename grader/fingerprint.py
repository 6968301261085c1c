"""Small, tolerant fingerprints of values: what a recording keeps where the values themselves are not needed.

Of every array: shape, kind (float, int, bool; the exact dtype is a finding of its own), the pattern of non-finite elements, max|y| and three projections with fixed weights of
variance 1, divided by sqrt(n). The weights come from a counter hash, so they are the same on every platform and version.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

PROJECTIONS = 3
ROUNDING = 1e-13  # below this two numbers are equal whatever their scale: zeros that are not quite zero


class Fingerprint(msgspec.Struct, frozen=True, array_like=True):
    """`structure` must be equal, `numbers` (PROJECTIONS + 1 per array or number) close."""

    structure: str
    numbers: tuple[float, ...]

    def agrees(self, other: Fingerprint, tolerance: float) -> bool:
        """Whether all projections agree within `tolerance * max|y|` of their array."""
        if self.structure != other.structure or len(self.numbers) != len(other.numbers):
            return False
        width = PROJECTIONS + 1
        for start in range(0, len(self.numbers), width):
            mine, theirs = self.numbers[start:start + width], other.numbers[start:start + width]
            bound = tolerance * max(mine[-1], theirs[-1]) + ROUNDING
            if any(abs(a - b) > bound for a, b in zip(mine, theirs, strict=True)):
                return False
        return True


def judged(value: Any) -> Any:
    """A result without the caches (NamedTuples) in it: those are the student's own affair."""
    if isinstance(value, (tuple, list)):
        return "cache" if hasattr(value, "_fields") else tuple(judged(v) for v in value)
    return value


def fingerprint(value: Any) -> Fingerprint:
    """The fingerprint of arrays, numbers, texts and their nestings."""
    numbers: list[float] = []
    structure = "".join(_describe(value, numbers))
    return Fingerprint(structure, tuple(numbers))


def _describe(value: Any, numbers: list[float]) -> Iterator[str]:
    if isinstance(value, np.ndarray):
        yield from _describe_array(value, numbers)
    elif isinstance(value, (tuple, list)):
        fields = getattr(value, "_fields", None)
        yield f"{fields}(" if fields else "("
        for item in value:
            yield from _describe(item, numbers)
            yield ","
        yield ")"
    elif isinstance(value, dict):
        yield "{"
        for key in sorted(value, key=str):
            yield f"{key!r}:"
            yield from _describe(value[key], numbers)
            yield ","
        yield "}"
    elif isinstance(value, (float, np.floating)):
        yield from _describe_array(np.asarray(value, dtype=np.float64), numbers)
    else:
        yield repr(int(value)) if isinstance(value, np.integer) else repr(value)


def _describe_array(array: np.ndarray, numbers: list[float]) -> Iterator[str]:
    yield f"{array.dtype.kind}{array.shape}"
    if array.dtype.kind == "O":
        return
    flat = np.ascontiguousarray(array, dtype=np.float64).ravel()
    finite = np.isfinite(flat)
    if not finite.all():
        pattern = np.where(np.isnan(flat), 3, np.where(finite, 0, np.where(flat > 0, 1, 2))).astype(np.uint8)
        yield f"!{zlib.crc32(pattern.tobytes()):08x}"
        flat = np.where(finite, flat, 0.0)
    if flat.size:
        with np.errstate(over="ignore", invalid="ignore"):
            numbers += (_weights(flat.size) @ flat / np.sqrt(flat.size)).tolist()
        numbers.append(float(np.abs(flat).max()))


@lru_cache(maxsize=128)
def _weights(n: int) -> np.ndarray:
    """(PROJECTIONS, n) numbers, uniform with variance 1, from a splitmix64 hash of their position."""
    with np.errstate(over="ignore"):
        z = np.arange(1, PROJECTIONS * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (((z >> np.uint64(11)).astype(np.float64) / 2.0**53 - 0.5) * np.sqrt(12.0)).reshape(PROJECTIONS, n)
