"""Decorators of a test: which part it belongs to, what it weighs, who sees it.

A test is hidden, counts once in its part and judges values, unless a mark says otherwise.
"""

from __future__ import annotations

from typing import Any

import pytest


def part(name: str) -> pytest.MarkDecorator:
    """The part of the assignment whose points the test shares."""
    return pytest.mark.part(name)


def points(weight: float, *, per_case: bool = False) -> pytest.MarkDecorator:
    """Weight within the part (default 1); all cases must pass, or each carries its share (`per_case`)."""
    return pytest.mark.points(weight, per_case=per_case)


def case(**attributes: Any) -> pytest.MarkDecorator:
    """Attributes of the case, used to find what separates right cases from wrong ones: `case(padding=0)`."""
    return pytest.mark.case(**attributes)


public = pytest.mark.public
"""The test is released to students with its recorded results."""

secondary = pytest.mark.secondary
"""A property, purity, input check, empty or identity case: counts once the values of its functions are right."""

chain = pytest.mark.chain
"""Runs the student's own functions on each other's results: judged once the values of these functions are right."""
