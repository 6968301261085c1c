"""Values a test hands to the student's code that are not plain data: they become objects in the worker only."""

from __future__ import annotations

from typing import Any

from grader.wire import Leaf, Seed, Source

__all__ = ["Leaf", "Seed", "Source", "leaf"]


def leaf(array: Any) -> Leaf:
    """Mark `array` as a leaf of the student's autograd graph (framework = "torch": a tensor with `requires_grad`)."""
    return Leaf(array)
