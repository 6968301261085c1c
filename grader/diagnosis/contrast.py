"""What separates right cases from wrong ones: the shortest condition on one attribute, or on a pair. Pure.

In real student work nearly every error of a layer is one such contrast: padding > 0, H != W, stride > 1, N = 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from grader.record.report import Contrast


class Outcome(NamedTuple):
    """One case: its attributes and whether it passed."""

    id: str
    attributes: Mapping[str, Any]
    passed: bool


class Condition(NamedTuple):
    text: str
    opposite: str
    holds: Any


def contrast(cases: Iterable[Outcome]) -> Contrast | None:
    """The first condition that holds for all failing cases and no passing one; needs two cases on some side."""
    cases = tuple(cases)
    passes, fails = [c for c in cases if c.passed], [c for c in cases if not c.passed]
    if not passes or not fails or len(cases) < 3:
        return None
    for condition in _conditions(cases):
        if all(condition.holds(c.attributes) for c in fails) and not any(condition.holds(c.attributes) for c in passes):
            return Contrast(text=f"Passes when {condition.opposite}, fails when {condition.text}.",
                            passes=tuple(c.id for c in passes), fails=tuple(c.id for c in fails))
    return None


def _conditions(cases: tuple[Outcome, ...]) -> Iterator[Condition]:
    names = [n for n in dict.fromkeys(n for c in cases for n in c.attributes) if all(n in c.attributes for c in cases)]
    for name in names:
        yield from _of_one(name, [c.attributes[name] for c in cases])
    for a, b in combinations(names, 2):
        if all(_is_size(c.attributes[a]) and _is_size(c.attributes[b]) for c in cases):
            yield Condition(f"{a} != {b}", f"{a} = {b}", lambda x, a=a, b=b: x[a] != x[b])
            yield Condition(f"{a} = {b}", f"{a} != {b}", lambda x, a=a, b=b: x[a] == x[b])
            yield Condition(f"{a} < {b}", f"{a} >= {b}", lambda x, a=a, b=b: x[a] < x[b])
            yield Condition(f"{a} > {b}", f"{a} <= {b}", lambda x, a=a, b=b: x[a] > x[b])


def _of_one(name: str, values: list[Any]) -> Iterator[Condition]:
    if all(isinstance(v, bool) for v in values):
        words = name.replace("_", " ")
        yield Condition(words, f"not {words}", lambda x: x[name])
        yield Condition(f"not {words}", words, lambda x: not x[name])
        return
    if all(_is_size(v) for v in values):
        for bound in sorted(set(values))[:-1]:
            above = f"{name} > {bound:g}"
            below = f"{name} = {bound:g}" if min(values) == bound else f"{name} <= {bound:g}"
            yield Condition(above, below, lambda x, b=bound: x[name] > b)
            yield Condition(below, above, lambda x, b=bound: x[name] <= b)
    for value in dict.fromkeys(values):
        yield Condition(f"{name} = {value}", f"{name} != {value}", lambda x, v=value: x[name] == v)


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
