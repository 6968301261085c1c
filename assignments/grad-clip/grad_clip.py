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


# Clipping -------------------------------------------------------------------------------------------------------------


def clip_grad_norm(grads, max_norm, norm_type=2.0):
    """One factor for all arrays, so that their norm together is at most max_norm: the formulas at the top of this file.

    grads: list or tuple of arrays   max_norm: positive number   norm_type: positive number, or np.inf
    returns clipped, a list of arrays, and total_norm, a float: the norm *before* clipping
    There may be no array at all (the norm is 0), empty arrays, and arrays of zeros.
    Where total_norm fits into a float64, it comes out right: entries of 1e25 in float32 and of 1e200 or 1e-200 in
    float64 do occur, and their squares do not fit. Nothing is added to the norm before it divides.
    ValueError names the argument that is bad, grads also if an entry is nan or infinite.
    """
    check_grads(grads)
    check_positive("max_norm", max_norm)
    check_positive("norm_type", norm_type, finite=False)
    # TODO: write this
    raise NotImplementedError("TODO: clip_grad_norm")


def clip_grad_value(grads, limit):
    """clipped[k] = grads[k], with every entry above limit set to limit and every entry below -limit to -limit.

    grads: list or tuple of arrays   limit: positive number
    returns clipped, a list of arrays
    ValueError names the argument that is bad, grads also if an entry is nan or infinite.
    """
    check_grads(grads)
    check_positive("limit", limit)
    # TODO: write this
    raise NotImplementedError("TODO: clip_grad_value")


# A detective's case ---------------------------------------------------------------------------------------------------


def squared_norm_outcome(norm, threshold):
    """The norm of a gradient g after these three lines, which are often copied. They look right: do they clip?

        s = the sum of g * g over all entries
        if s > threshold:
            g = (threshold / s) * g

    norm: the norm (p = 2) of g before, a positive float   threshold: positive float
    returns the norm of g after the three lines, a float
    ValueError names the argument that is bad.
    """
    check_positive("norm", norm)
    check_positive("threshold", threshold)
    # TODO: write this
    raise NotImplementedError("TODO: squared_norm_outcome")


# Questions ------------------------------------------------------------------------------------------------------------
# Put a number in the place of None. Three significant digits are enough. All norms are those with p = 2.

# Q1: The three lines above, with threshold = 0.25. What is the largest norm that a gradient can have after them?
Q1 = None  # TODO: your answer

# Q2: The three lines once more. Two gradients are far above the threshold, the second 100 times as large as the first.
#     By which factor is the second larger after the lines? (After `clip_grad_norm` it is 1: both have norm max_norm.)
Q2 = None  # TODO: your answer

# Q3: Somebody repairs half of it: `if s > threshold: g = (threshold / sqrt(s)) * g`. The threshold is 4, the norm of
#     the gradient 2.5. What is its norm afterwards?
Q3 = None  # TODO: your answer

# Q4: A network has 100 arrays of parameters, and the gradient of each has a norm above 3. Each is clipped by itself to
#     the norm 3. What is the norm of the whole gradient afterwards?
Q4 = None  # TODO: your answer

# Q5: Half-precision numbers (float16) end at 65504. What is the largest entry whose square still fits?
Q5 = None  # TODO: your answer
