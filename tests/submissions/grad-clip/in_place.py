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

    flat = np.array([x for g in grads for x in g.ravel().tolist()])
    scale = np.abs(flat).max() if flat.size > 0 else 0.0
    if scale == 0:
        return list(grads), 0.0
    total = float(scale * np.linalg.norm(flat / scale, ord=norm_type))

    c = max_norm / total
    if c < 1:
        for g in grads:
            g *= c
    return list(grads), total


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    return [np.clip(g, -limit, limit).astype(result_dtype(g)) for g in grads]


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    return threshold / norm if norm**2 > threshold else norm


Q1 = 0.5
Q2 = 0.01
Q3 = 4
Q4 = 30
Q5 = 256
