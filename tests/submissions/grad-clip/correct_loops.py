# Gradient clipping, homework. I went through the entries one at a time.
import math

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


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)

    biggest = 0.0
    for array in grads:
        for number in array.flat:
            if abs(float(number)) > biggest:
                biggest = abs(float(number))

    if biggest == 0.0 or math.isinf(norm_type):
        total_norm = biggest
    else:
        total = 0.0
        for array in grads:
            for number in array.flat:
                total += (abs(float(number)) / biggest) ** norm_type
        total_norm = biggest * total ** (1 / norm_type)

    clipped = []
    for array in grads:
        new = np.zeros(array.shape, dtype=result_dtype(array))
        for index in np.ndindex(array.shape):
            value = float(array[index])
            if total_norm > max_norm:
                value = value / total_norm * max_norm
            new[index] = value
        clipped.append(new)
    return clipped, total_norm


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    clipped = []
    for array in grads:
        new = np.zeros(array.shape, dtype=result_dtype(array))
        for index in np.ndindex(array.shape):
            value = float(array[index])
            if value > limit:
                value = limit
            elif value < -limit:
                value = -limit
            new[index] = value
        clipped.append(new)
    return clipped


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    s = norm**2
    if s > threshold:
        # every entry is multiplied by threshold / s, so the norm is too
        return norm * threshold / s
    return norm


Q1 = 0.5
Q2 = 1 / 100
Q3 = 4
Q4 = 30
Q5 = math.sqrt(65504)
