import numpy as np


def result_dtype(array):
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def check_grads(grads):
    if not isinstance(grads, (list, tuple)):
        raise ValueError(f"grads must be a list of arrays, got a {type(grads).__name__}")
    for k, grad in enumerate(grads):
        if not isinstance(grad, np.ndarray) or grad.dtype.kind not in "fiub":
            raise ValueError(f"grads[{k}] must be an array of real numbers")
        if not np.isfinite(grad).all():
            raise ValueError(f"grads[{k}] has non-finite entries")


def check_positive(name, value, finite=True):
    if not value > 0 or (finite and value == np.inf):
        raise ValueError(f"{name} must be a positive number, got {value}")


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    if norm_type == np.inf:
        grad_norm = max([np.abs(grad).max() for grad in grads if grad.size], default=0.0)
    elif norm_type == 2:
        grad_norm = sum(np.sum(grad.astype(float) * grad) for grad in grads)
    else:
        grad_norm = sum(np.sum(np.abs(grad) ** norm_type) for grad in grads) ** (1 / norm_type)
    grad_norm = float(grad_norm)
    scale = 1.0
    if grad_norm > max_norm:
        scale = max_norm / grad_norm
    return [(grad * scale).astype(result_dtype(grad)) for grad in grads], grad_norm


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    return [np.clip(grad, -limit, limit).astype(result_dtype(grad)) for grad in grads]


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    if norm * norm > threshold:
        return threshold / norm
    else:
        return norm


Q1 = 0.5
Q2 = 0.01
Q3 = 4
Q4 = 30
Q5 = 255.9
