"""Pytest items -> `Case`s: what the marks of a test say, as values, with author's errors told as "what @ file:line"."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from grader.errors import CourseError


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One item: one case of one test."""

    id: str  # "test_step[2]": the key in recordings
    test: str  # "test_step"
    part: str
    title: str
    weight: float
    per_case: bool
    public: bool
    secondary: bool
    chain: bool
    attributes: dict[str, Any]
    where: str  # file:line of the test function


def case_of(item: Any) -> Case:
    """Read the marks of a pytest item; CourseError when they contradict the rules."""
    where = f"{item.location[0]}:{(item.location[1] or 0) + 1}"
    if getattr(item, "cls", None) is not None:
        raise CourseError(f"{item.name} stands in a class; tests are plain functions, so that nothing is kept between submissions", where)
    if item.get_closest_marker("part") is None:
        raise CourseError(f"{item.originalname} has no @part", where)
    title = (item.function.__doc__ or "").strip().split("\n")[0].strip()
    if not title:
        raise CourseError(f"{item.originalname} has no docstring; it is the title students read", where)
    points = item.get_closest_marker("points")
    weight = float(points.args[0]) if points else 1.0
    if weight <= 0:
        raise CourseError(f"@points({weight:g}) of {item.originalname} must be positive", where)
    return Case(
        id=item.name, test=item.originalname, part=str(item.get_closest_marker("part").args[0]), title=title.rstrip("."), weight=weight,
        per_case=bool(points and points.kwargs.get("per_case")), public=item.get_closest_marker("public") is not None,
        secondary=item.get_closest_marker("secondary") is not None, chain=item.get_closest_marker("chain") is not None,
        attributes=_attributes(item), where=where)


def _attributes(item: Any) -> dict[str, Any]:
    """Scalars of `parametrize` and whatever `@case` gives; the nearest mark wins."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    found = {k: v for k, v in parameters.items() if isinstance(v, (bool, int, float, str))}
    for mark in reversed(list(item.iter_markers("case"))):
        found |= mark.kwargs
    return found


def freeze_module(module: Any) -> None:
    """Constants of a test module become read-only, so that nothing can be carried from one submission to the next."""
    for name, value in list(vars(module).items()):
        if not name.startswith(("__", "@")) and name != "pytestmark":
            setattr(module, name, _frozen(value))


def _frozen(value: Any) -> Any:
    kind = type(value)
    if kind is np.ndarray:
        value.setflags(write=False)
    if kind is list or kind is tuple:
        return tuple(_frozen(v) for v in value)
    if kind is set:
        return frozenset(value)
    return MappingProxyType({k: _frozen(v) for k, v in value.items()}) if kind is dict else value
