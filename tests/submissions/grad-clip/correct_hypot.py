"""Gradient clipping with the standard library's hypot, which does not overflow."""

from math import hypot, inf

import numpy as np


def result_dtype(array):
    """float32 stays float32, everything else becomes float64 (integers too)."""
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def check_grads(grads):
    """ValueError that names `grads` unless it is a list or a tuple of arrays of finite real numbers."""
    if not isinstance(grads, (list, tuple)):
        raise ValueError(f"grads must be a list of arrays, got a {type(grads).__name__}")
    for k, grad in enumerate(grads):
        if not isinstance(grad, np.ndarray) or grad.dtype.kind not in "fiub":
            raise ValueError(f"grads[{k}] must be an array of real numbers")
        if not np.isfinite(grad).all():
            raise ValueError(f"grads[{k}] has non-finite entries")


def check_positive(name, value, finite=True):
    """ValueError that names the argument unless it is above 0 and, where nothing else is said, finite."""
    if not value > 0 or (finite and value == np.inf):
        raise ValueError(f"{name} must be a positive number, got {value}")


class Vector:
    """The list of arrays seen as one float64 vector; `like` cuts it up again."""

    def __init__(self, arrays):
        self.arrays = arrays
        self.data = np.zeros(sum(a.size for a in arrays))
        start = 0
        for a in arrays:
            self.data[start : start + a.size] = a.reshape(-1)
            start += a.size

    def norm(self, p):
        if p == 2:
            return hypot(*self.data)
        top = np.max(np.absolute(self.data), initial=0.0)
        if top == 0 or p == inf:
            return float(top)
        return float(np.power(np.power(np.absolute(self.data / top), p).sum(), 1 / p) * top)

    def cut(self, data):
        ends = np.cumsum([a.size for a in self.arrays])
        return [data[end - a.size : end].reshape(a.shape).astype(result_dtype(a)) for a, end in zip(self.arrays, ends)]


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    v = Vector(grads)
    before = v.norm(norm_type)
    return v.cut(v.data if before <= max_norm else v.data * (max_norm / before)), before


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    v = Vector(grads)
    return v.cut(np.minimum(limit, np.maximum(-limit, v.data)))


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    # below sqrt(threshold) nothing happens, above it the norm becomes its own reciprocal times the threshold
    return min(norm, threshold / norm)


Q1 = 0.5
Q2 = 0.01
Q3 = 4.0
Q4 = 30.0
Q5 = 256.0
