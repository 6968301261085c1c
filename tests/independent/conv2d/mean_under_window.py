"""Convolution by hand: the layer, its sizes and its gradients.

Shapes, everywhere in this file:

    x       (N, C, H, W)      N images with C channels of H x W pixels
    weight  (O, C, kh, kw)    one kernel of kh x kw numbers for each of O output maps and each of C input channels
    bias    (O,)              one number for each output map
    out     (N, O, Ho, Wo)    O output maps of Ho x Wo pixels

`stride` and `padding` of the layer are an int, or a pair (for the height, for the width).
Padding is made of zeros: `padding` of them before the first and after the last pixel of an axis.
Results have the dtype that `_float_dtype` tells; no function changes its arguments.
"""

import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    """float32 if every array is float32, otherwise float64 (integers too); None is skipped."""
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    """Number of positions of a window along one axis."""
    arguments = dict(size=size, kernel_size=kernel_size, stride=stride, padding=padding)
    for name in arguments:
        if not isinstance(arguments[name], (int, np.integer)):
            raise ValueError(f"{name} has to be an integer")
    if size < 0:
        raise ValueError("size is negative")
    if padding < 0:
        raise ValueError("padding is negative")
    if kernel_size < 1:
        raise ValueError("kernel_size is not positive")
    if stride < 1:
        raise ValueError("stride is not positive")
    if size + padding + padding < kernel_size:
        raise ValueError("kernel_size exceeds the padded size")
    steps, left_over = divmod(size + padding + padding - kernel_size, stride)
    return int(1 + steps)


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    """How many numbers a layer learns."""
    shape = (c_out, c_in) + _pair(kernel_size)
    count = 1
    for length in shape:
        count *= int(length)
    return count + (c_out if bias else 0)


def _check_forward(x, weight, bias):
    if x.ndim != 4:
        raise ValueError("x needs four axes")
    if weight.ndim != 4:
        raise ValueError("weight needs four axes")
    if weight.shape[1] != x.shape[1]:
        raise ValueError("weight and x differ in the number of channels")
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError("bias must have one number for each output map")


def _selector(places, kernel, stride, padding, size):
    """S[u, i, r] = 1 where entry u of window i stands on pixel r of the unpadded axis; padding simply has no column."""
    S = np.zeros((kernel, places, size))
    for u in range(kernel):
        for i in range(places):
            r = i * stride + u - padding
            if 0 <= r < size:
                S[u, i, r] = 1.0
    return S


def _layout(x, weight, stride, padding):
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    H, W = x.shape[2:]
    kh, kw = weight.shape[2:]
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    return _selector(Ho, kh, sh, ph, H), _selector(Wo, kw, sw, pw, W)


def _windows(x, S_rows, S_cols):
    """P[n, c, u, v, i, j]: the pixel under entry (u, v) of window (i, j)."""
    halfway = np.einsum("uir,ncrs->ncuis", S_rows, x)
    return np.einsum("vjs,ncuis->ncuvij", S_cols, halfway)


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """Row and column selectors cut the windows out, two sums use them."""
    _check_forward(x, weight, bias)
    S_rows, S_cols = _layout(x, weight, stride, padding)
    patches = _windows(x.astype(np.float64), S_rows, S_cols)
    kernels = weight.astype(np.float64)
    out = np.einsum("ocuv,ncuvij->noij", kernels, patches) / kernels[0].size
    if bias is not None:
        for o in range(len(bias)):
            out[:, o] += bias[o]
    return out.astype(_float_dtype(x, weight, bias))


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """Everything is linear, so the same selectors serve transposed."""
    S_rows, S_cols = _layout(x, weight, stride, padding)
    N, O = x.shape[0], weight.shape[0]
    Ho, Wo = S_rows.shape[1], S_cols.shape[1]
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError("dout has another shape than the output")
    g = dout.astype(np.float64)
    kernels = weight.astype(np.float64)
    patches = _windows(x.astype(np.float64), S_rows, S_cols)
    dbias = np.einsum("noij->o", g)
    dweight = np.einsum("noij,ncuvij->ocuv", g, patches)
    dpatches = np.einsum("ocuv,noij->ncuvij", kernels, g)
    halfway = np.einsum("vjs,ncuvij->ncuis", S_cols, dpatches)
    dx = np.einsum("uir,ncuis->ncrs", S_rows, halfway)
    kind = _float_dtype(dout, x, weight)
    return dx.astype(kind), dweight.astype(kind), dbias.astype(kind)


# Questions: replace None by a number.

# Q1. Some texts give every kernel a bias of its own, one for each pair of output map and input channel, so c_in*c_out
#     biases in all. Only their sum over the input channels reaches an output map. How many of these biases could a
#     layer with c_in = 3 and c_out = 5 lose and still compute the same functions?
Q1 = 10

# Q2. A layer has stride 3. By how many pixels must the image move down for the output to move down by exactly 2 rows
#     (away from the borders)?
Q2 = 6

# Q3. The kernel is 7 x 7 and the stride is 1. Which padding makes the output as large as the image?
Q3 = 3

# Q4. A 1 x 1 convolution with stride 1 turns 256 channels of 14 x 14 pixels into 64 output maps. How many numbers does
#     its output hold for one image?
Q4 = 12544

# Q5. The row (1, 2, 4) meets the kernel (1, 0, -1): your layer answers 1 - 4 = -3. What does a true convolution,
#     which flips the kernel first, answer at the only position where the kernel fits?
Q5 = 3
