import numpy as np

# ---------- given ----------


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


# ---------- mine ----------


def norm_of(values, p):
    """p-norm of a flat array, safe for very large and very small numbers"""
    values = np.abs(np.asarray(values, dtype=np.float64)).ravel()
    if values.size == 0 or values.max() == 0:
        return 0.0
    m = values.max()
    if np.isinf(p):
        return float(m)
    return float(m * ((values / m) ** p).sum() ** (1.0 / p))


def clip_one(grad, max_norm, p):
    n = norm_of(grad, p)
    if n <= max_norm:
        return grad.astype(result_dtype(grad))
    return (grad.astype(np.float64) * (max_norm / n)).astype(result_dtype(grad))


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    norms = [norm_of(grad, norm_type) for grad in grads]
    clipped = [clip_one(grad, max_norm, norm_type) for grad in grads]
    return clipped, norm_of(norms, norm_type)


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    result = []
    for grad in grads:
        new = grad.astype(result_dtype(grad))
        new[new > limit] = limit
        new[new < -limit] = -limit
        result.append(new)
    return result


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    s = norm**2
    g = norm
    if s > threshold:
        g = (threshold / s) * g
    return g


Q1 = 0.5
Q2 = 0.01
Q3 = 4.0
Q4 = 3.0
Q5 = 255.9
