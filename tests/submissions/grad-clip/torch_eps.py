# written after looking at torch.nn.utils.clip_grad_norm_
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


def get_total_norm(grads, norm_type):
    if len(grads) == 0:
        return 0.0
    flat = [np.abs(g).astype(np.float64).flatten() for g in grads]
    largest = max([f.max() for f in flat if len(f)])
    if largest == 0.0:
        return 0.0
    norms = [np.linalg.norm(f / largest, norm_type) for f in flat if len(f)]
    return float(np.linalg.norm(np.stack(norms), norm_type) * largest)


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    total_norm = get_total_norm(grads, norm_type)
    clip_coef = max_norm / (total_norm + 1e-6)
    clip_coef_clamped = min(clip_coef, 1.0)
    clipped = [(g.astype(np.float64) * clip_coef_clamped).astype(result_dtype(g)) for g in grads]
    return clipped, total_norm


def clip_grad_value(grads, limit):
    check_grads(grads)
    check_positive("limit", limit)
    return [g.astype(result_dtype(g)).clip(-limit, limit) for g in grads]


def squared_norm_outcome(norm, threshold):
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    total = norm**2
    return norm * (threshold / total) if total > threshold else norm


Q1 = 0.5
Q2 = 0.01
Q3 = 4.0
Q4 = 30.0
Q5 = 255.9
