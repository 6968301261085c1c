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
    if bias:
        per_map += 1
    return c_out * per_map


def _check_forward(x, weight, bias):
    if x.ndim != 4:
        raise ValueError("x needs four axes")
    if weight.ndim != 4:
        raise ValueError("weight needs four axes")
    if weight.shape[1] != x.shape[1]:
        raise ValueError("weight and x differ in the number of channels")
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError("bias must have one number for each output map")


def _window_indices(Ho, Wo, kh, kw, sh, sw):
    """rows, cols of shape (kh*kw, Ho*Wo): where entry k of the window meets the padded image at place l."""
    place_r = sh * np.repeat(np.arange(Ho), Wo)
    place_c = sw * np.tile(np.arange(Wo), Ho)
    entry_r = np.repeat(np.arange(kh), kw)
    entry_c = np.tile(np.arange(kw), kh)
    return entry_r[:, None] + place_r[None, :], entry_c[:, None] + place_c[None, :]


def _surround(image, ph, pw, dtype):
    C, H, W = image.shape
    framed = np.zeros((C, H + 2 * ph, W + 2 * pw), dtype=dtype)
    framed[:, ph : ph + H, pw : pw + W] = image
    return framed


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """One matrix product for each image: kernels as rows times windows as columns."""
    _check_forward(x, weight, bias)
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    dtype = _float_dtype(x, weight, bias)
    rows, cols = _window_indices(Ho, Wo, kh, kw, sh, sw)
    kernels = weight.reshape(O, C * kh * kw).astype(dtype)
    out = np.empty((N, O, Ho, Wo), dtype=dtype)
    for n in range(N):
        framed = _surround(x[n], ph, pw, dtype)
        columns = framed[:, rows, cols].reshape(C * kh * kw, Ho * Wo)
        maps = kernels @ columns
        out[n] = np.maximum(maps, 0).reshape(O, Ho, Wo)
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """The transposed products, image by image; columns go back to the pixels with np.add.at."""
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError(f"dout must have shape {(N, O, Ho, Wo)}")
    dtype = _float_dtype(dout, x, weight)
    rows, cols = _window_indices(Ho, Wo, kh, kw, sh, sw)
    kernels = weight.reshape(O, C * kh * kw).astype(dtype)
    dx = np.zeros((N, C, H, W), dtype=dtype)
    dkernels = np.zeros((O, C * kh * kw), dtype=dtype)
    dbias = np.zeros(O, dtype=dtype)
    for n in range(N):
        framed = _surround(x[n], ph, pw, dtype)
        columns = framed[:, rows, cols].reshape(C * kh * kw, Ho * Wo)
        dmaps = dout[n].astype(dtype).reshape(O, Ho * Wo)
        dkernels += dmaps @ columns.T
        dbias += dmaps.sum(axis=1)
        dcolumns = (kernels.T @ dmaps).reshape(C, kh * kw, Ho * Wo)
        dframed = np.zeros_like(framed)
        np.add.at(dframed, (slice(None), rows, cols), dcolumns)
        dx[n] = dframed[:, ph : ph + H, pw : pw + W]
    return dx, dkernels.reshape(O, C, kh, kw), dbias


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
