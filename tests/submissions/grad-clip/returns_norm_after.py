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


def total(grads, p):
    biggest = max((float(np.max(np.abs(g.astype(np.float64)))) for g in grads if g.size > 0), default=0.0)
    if biggest == 0.0 or p == np.inf:
        return biggest
    powers = 0.0
    for g in grads:
        powers += np.sum((np.abs(g.astype(np.float64)) / biggest) ** p)
    return float(biggest * powers ** (1 / p))


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    grads = [g.astype(result_dtype(g)) for g in grads]
    total_norm = total(grads, norm_type)
    if total_norm > max_norm:
        grads = [(g.astype(np.float64) * max_norm / total_norm).astype(g.dtype) for g in grads]
        total_norm = total(grads, norm_type)
    return grads, total_norm


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    return [np.where(g > limit, limit, np.where(g < -limit, -limit, g)).astype(result_dtype(g)) for g in grads]


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    squared = norm * norm
    if squared <= threshold:
        return norm
    return norm / squared * threshold


Q1 = 0.5
Q2 = 0.01
Q3 = 4.0
Q4 = 30.0
Q5 = 255.9
