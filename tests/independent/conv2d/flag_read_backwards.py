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


def _whole(name, value, least):
    if not isinstance(value, (int, np.integer)):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    """Number of positions of a window along one axis."""
    size = _whole("size", size, 0)
    kernel_size = _whole("kernel_size", kernel_size, 1)
    stride = _whole("stride", stride, 1)
    padding = _whole("padding", padding, 0)
    room = size + 2 * padding - kernel_size
    if room < 0:
        raise ValueError("kernel_size is larger than the padded size")
    return room // stride + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    """How many numbers a layer learns."""
    kh, kw = _pair(kernel_size)
    per_map = c_in * kh * kw
    if not bias:
        per_map += 1
    return c_out * per_map


def _geometry(x, weight, stride, padding):
    strides, paddings = _pair(stride), _pair(padding)
    places = [conv2d_output_size(x.shape[2 + a], weight.shape[2 + a], strides[a], paddings[a]) for a in (0, 1)]
    return strides, paddings, places


def _cuts(places, strides, kernel):
    """All output places, each with the two slices of its window."""
    for i in range(places[0]):
        for j in range(places[1]):
            r, s = i * strides[0], j * strides[1]
            yield i, j, slice(r, r + kernel[0]), slice(s, s + kernel[1])


def _with_border(x, paddings, dtype):
    ph, pw = paddings
    N, C, H, W = x.shape
    big = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=dtype)
    big[:, :, ph : H + ph, pw : W + pw] = x
    return big


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """All images and maps of one place at a time."""
    for name, array in (("x", x), ("weight", weight)):
        if array.ndim != 4:
            raise ValueError(f"{name} has {array.ndim} axes, not 4")
    if x.shape[1] != weight.shape[1]:
        raise ValueError("weight has the wrong number of input channels")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError("bias has the wrong shape")
    strides, paddings, places = _geometry(x, weight, stride, padding)
    dtype = _float_dtype(x, weight, bias)
    X = _with_border(x, paddings, dtype)
    K = weight.astype(dtype)
    out = np.zeros((len(x), len(weight), places[0], places[1]), dtype=dtype)
    for i, j, rows, cols in _cuts(places, strides, weight.shape[2:]):
        out[:, :, i, j] = np.tensordot(X[:, :, rows, cols], K, axes=([1, 2, 3], [1, 2, 3]))
        if bias is not None:
            out[:, :, i, j] += bias
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """The same walk; every place adds what it sends back."""
    strides, paddings, places = _geometry(x, weight, stride, padding)
    expected = (len(x), len(weight), places[0], places[1])
    if dout.shape != expected:
        raise ValueError(f"dout is {dout.shape}, not {expected}")
    dtype = _float_dtype(dout, x, weight)
    X = _with_border(x, paddings, dtype)
    K = weight.astype(dtype)
    G = dout.astype(dtype)
    dX = np.zeros_like(X)
    dK = np.zeros_like(K)
    db = np.zeros(len(K), dtype=dtype)
    for i, j, rows, cols in _cuts(places, strides, weight.shape[2:]):
        g = G[:, :, i, j]
        db += g.sum(axis=0)
        dK += np.tensordot(g, X[:, :, rows, cols], axes=(0, 0))
        dX[:, :, rows, cols] += np.tensordot(g, K, axes=(1, 0))
    (ph, pw), (H, W) = paddings, x.shape[2:]
    dx = dX[:, :, ph : ph + H, pw : pw + W]
    return dx.copy(), dK, db


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
