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


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """Strided view of the windows and one einsum."""
    _check_forward(x, weight, bias)
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    kh, kw = weight.shape[2:]
    Ho = conv2d_output_size(x.shape[2], kh, sh, ph)
    Wo = conv2d_output_size(x.shape[3], kw, sw, pw)
    dtype = _float_dtype(x, weight, bias)
    X = np.pad(x.astype(dtype), [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    out = np.zeros((x.shape[0], weight.shape[0], Ho, Wo), dtype=dtype)
    for u in range(kh):
        for v in range(kw):
            seen = X[:, :, u : u + sh * Ho : sh, v : v + sw * Wo : sw][:, :, :Ho, :Wo]
            out += np.einsum("ncij,oc->noij", seen, weight[:, :, u, v].astype(dtype))
    if bias is not None:
        out += bias.reshape(1, -1, 1, 1).astype(dtype)
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """Loop over the entries of the kernel."""
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError("dout has a wrong shape")
    dtype = _float_dtype(dout, x, weight)
    X = np.pad(x.astype(dtype), [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    g = dout.astype(dtype)
    dX = np.zeros_like(X)
    dweight = np.zeros(weight.shape, dtype=dtype)
    for u in range(kh):
        for v in range(kw):
            rows = slice(u, u + sh * (Ho - 1) + 1, sh)
            cols = slice(v, v + sw * (Wo - 1) + 1, sw)
            dweight[:, :, u, v] = np.einsum("noij,ncij->oc", g, X[:, :, rows, cols])
            dX[:, :, rows, cols] += np.einsum("noij,oc->ncij", g, weight[:, :, u, v].astype(dtype))
    dbias = g.sum(axis=(0, 2, 3))
    return dX[:, :, ph:-ph, pw:-pw], dweight, dbias


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
