"""Two recordings, two trees: do they say the same?

Recordings are compared by meaning: made on another machine, values differ in the last places, and a release keeps the
bytes it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from grader.errors import AlteredError
from grader.fingerprint import Fingerprint, fingerprint
from grader.record.known import Known
from grader.record.recording import Call, ItemRecording, Recording, decode, unpack

TOLERANCE = 1e-9  # of max|y|: what tests ask of float64
TOLD = 1e-7  # of what a mistake answers: it is matched at 1e-6


def difference(old: Recording, new: Recording) -> str:
    """What one of them says otherwise, in a few words; empty if they mean the same."""
    return next(_differences(old, new), "")


def _differences(old: Recording, new: Recording) -> Iterator[str]:
    if (old.format, old.key) != (new.format, new.key):
        yield "made from other files"
    if (old.table, old.signatures) != (new.table, new.signatures):
        yield "other points, titles or parameters"
    if old.items.keys() != new.items.keys():
        yield f"other cases: {sorted(old.items.keys() ^ new.items.keys())[0]}"
    for name in (name for name in old.items if name in new.items):
        if what := _item_difference(old.items[name], new.items[name]):
            yield f"{name}: {what}"
    if [known.names for known in old.known] != [known.names for known in new.known]:
        yield "other mistakes"
    for mine, theirs in zip(old.known, new.known, strict=False):
        if not _same_known(mine, theirs):
            yield f"the mistake {' and '.join(mine.names)}"


def _item_difference(old: ItemRecording, new: ItemRecording) -> str:
    if old.speed != new.speed or [d[0] for d in old.draws] != [d[0] for d in new.draws]:
        return "other draws of rng"
    if not all(_same_value(a[1], b[1]) for a, b in zip(old.draws, new.draws, strict=True)):
        return "rng drew other numbers"
    for side in ("student", "reference"):
        mine, theirs = getattr(old, side), getattr(new, side)
        if len(mine) != len(theirs) or not all(map(_same_call, mine, theirs)):
            return "other calls or results"
    return ""


def _same_call(a: Call, b: Call) -> bool:
    return ((a.function, a.raised) == (b.function, b.raised) and a.arguments.agrees(b.arguments, TOLERANCE)
            and _same_value(a.value, b.value))


def _same_value(a: bytes | None, b: bytes | None) -> bool:
    """Equal, or arrays and numbers within the tolerance of each array, element by element."""
    if a == b or a is None or b is None:
        return a == b
    mine, theirs = unpack(a), unpack(b)
    return fingerprint(mine).agrees(fingerprint(theirs), TOLERANCE) and all(
        x.dtype == y.dtype and _close(x, y) for x, y in zip(_arrays(mine), _arrays(theirs), strict=True))


def _close(x: np.ndarray, y: np.ndarray) -> bool:
    if x.size == 0 or x.dtype.kind not in "fc":
        return bool(np.array_equal(x, y))
    finite = y[np.isfinite(y)]
    return bool(np.allclose(x, y, rtol=0.0, atol=TOLERANCE * float(np.abs(finite).max(initial=0.0)), equal_nan=True))


def _arrays(value: object) -> Iterator[np.ndarray]:
    if isinstance(value, (np.ndarray, np.generic, float)):
        yield np.asarray(value)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arrays(item)


def _same_known(a: Known, b: Known) -> bool:
    words = [(k.names, k.part, k.functions, k.items, k.says, k.hint, k.tie, k.calls.keys()) for k in (a, b)]
    return words[0] == words[1] and all(
        x.agrees(y, TOLD) if isinstance(x, Fingerprint) and isinstance(y, Fingerprint) else x == y
        for x, y in ((a.calls[key], b.calls[key]) for key in a.calls))


# Trees ----------------------------------------------------------------------------------------------------------------


def drift(tree: Mapping[str, bytes], there: Mapping[str, bytes]) -> list[str]:
    """What `there` has otherwise than a release of today would: one line for each file."""
    lines = [f"{path}: missing" for path in tree if path not in there]
    lines += [f"{path}: not of this release" for path in there if path not in tree]
    lines += [f"{path}: {_change(path, there[path], tree[path])}" for path in tree if path in there and there[path] != tree[path]]
    return sorted(lines)


def _change(path: str, old: bytes, new: bytes) -> str:
    if path.endswith(".expected"):
        try:
            return difference(decode(old, path), decode(new, path)) or "the same in meaning, but edited by hand"
        except AlteredError:
            return "no recording of this version"
    try:
        before, after = old.decode().split("\n"), new.decode().split("\n")
    except UnicodeDecodeError:
        return "other bytes"
    pairs = zip([*before, ""], [*after, ""], strict=False)
    number, (was, now) = next(((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1]), (0, ("", "")))
    return f"line {number} is `{was.strip()[:80]}`, released would be `{now.strip()[:80]}`"
