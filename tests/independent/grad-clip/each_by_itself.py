"""Gradient clipping: by the norm of the whole gradient, and entry by entry.

The gradient of a network is a list `grads` of arrays, one for each of its parameters, of any shapes. Together they are
one long vector; `total_norm` is the norm of this vector, not of one of its arrays:

    total_norm   = (sum of |g|^p over all entries g of all arrays)^(1/p)        p = norm_type, normally 2
    total_norm   = largest |g|                                                  if p is infinite
    clipped[k]   = grads[k]                                                     if total_norm <= max_norm
    clipped[k]   = max_norm / total_norm * grads[k]                             otherwise

Results are new arrays of the shapes of `grads`, in the dtype that `result_dtype` tells. No argument is changed.
"""

import numpy as np

# Given ----------------------------------------------------------------------------------------------------------------


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


# Clipping ------------------------------------------------------------------------------------------------------------


def _norm_of(numbers, p):
    """p-norm of a one-dimensional float64 array, without powers of huge or minute numbers."""
    if len(numbers) == 0:
        return 0.0
    sizes = np.abs(numbers)
    top = np.max(sizes)
    if p == np.inf or top == 0:
        return float(top)
    return float(top * np.power(np.power(sizes / top, p).sum(), 1 / p))


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    """The norm of the norms of the arrays is the norm of the whole."""
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    norms = np.array([_norm_of(grad.reshape(-1).astype(np.float64), norm_type) for grad in grads])
    total_norm = _norm_of(norms, norm_type)
    clipped = []
    for grad, own_norm in zip(grads, norms):
        wide = grad.astype(np.float64)
        if own_norm > max_norm:
            wide = wide / own_norm * max_norm
        clipped.append(wide.astype(result_dtype(grad)))
    return clipped, total_norm


def clip_grad_value(grads, limit):
    """Every entry by itself."""
    check_grads(grads)
    check_positive("limit", limit)
    return [np.minimum(np.maximum(grad.astype(result_dtype(grad)), -limit), limit).astype(result_dtype(grad)) for grad in grads]


# A detective's case ---------------------------------------------------------------------------------------------------


def squared_norm_outcome(norm, threshold):
    """s is the square of the norm; the lines multiply the norm by threshold / s."""
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    s = norm * norm
    factor = threshold / s if s > threshold else 1.0
    return float(factor * norm)


# Questions ------------------------------------------------------------------------------------------------------------
# Put a number in the place of None. Three significant digits are enough. All norms are those with p = 2.

# Q1: The three lines above, with threshold = 0.25. What is the largest norm that a gradient can have after them?
Q1 = 0.5

# Q2: The three lines once more. Two gradients are far above the threshold, the second 100 times as large as the first.
#     By which factor is the second larger after the lines? (After `clip_grad_norm` it is 1: both have norm max_norm.)
Q2 = 0.01

# Q3: Somebody repairs half of it: `if s > threshold: g = (threshold / sqrt(s)) * g`. The threshold is 4, the norm of
#     the gradient 2.5. What is its norm afterwards?
Q3 = 4

# Q4: A network has 100 arrays of parameters, and the gradient of each has a norm above 3. Each is clipped by itself to
#     the norm 3. What is the norm of the whole gradient afterwards?
Q4 = 30

# Q5: Half-precision numbers (float16) end at 65504. What is the largest entry whose square still fits?
Q5 = 255.9
