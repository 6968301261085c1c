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
    """Walks the window along the axis and counts the places."""
    for name, value, low in (("size", size, 0), ("kernel_size", kernel_size, 1), ("stride", stride, 1), ("padding", padding, 0)):
        if not isinstance(value, (int, np.integer)) or value < low:
            raise ValueError("bad " + name + ": " + repr(value))
    axis_length = size + 2 * padding
    if kernel_size > axis_length:
        raise ValueError("kernel_size %d does not fit in %d pixels" % (kernel_size, axis_length))
    starts = range(0, axis_length - kernel_size + 1, stride)
    return len(starts)


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    """Counts map by map."""
    kernel = _pair(kernel_size)
    total = 0
    for _ in range(c_out):
        for _ in range(c_in):
            total += kernel[0] * kernel[1]
        total += 1 if bias else 0
    return total


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """The formula, one output number after the other."""
    if len(x.shape) != 4:
        raise ValueError("x must be (N, C, H, W)")
    if len(weight.shape) != 4:
        raise ValueError("weight must be (O, C, kh, kw)")
    N, C, H, W = x.shape
    O, C2, kh, kw = weight.shape
    if C2 != C:
        raise ValueError(f"weight has {C2} input channels and x has {C}")
    if bias is not None and bias.shape != (O,):
        raise ValueError("bias must be (O,)")
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    kind = _float_dtype(x, weight, bias)
    padded = np.pad(x.astype(kind), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kernels = weight.astype(kind)
    out = np.zeros((N, O, Ho, Wo), dtype=kind)
    for n in range(N):
        for o in range(O):
            for i in range(Ho):
                top = i
                for j in range(Wo):
                    left = j
                    window = padded[n, :, top : top + kh, left : left + kw]
                    value = np.mean([np.sum(window[c] * kernels[o, c]) for c in range(C)])
                    if bias is not None:
                        value = value + bias[o]
                    out[n, o, i, j] = value
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """Each number of dout sends its share to the window, to the kernel and to the bias."""
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    N, C, H, W = x.shape
    O, C2, kh, kw = weight.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError("dout does not have the shape of the output")
    kind = _float_dtype(dout, x, weight)
    padded = np.pad(x.astype(kind), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    kernels = weight.astype(kind)
    dpadded = np.zeros(padded.shape, dtype=kind)
    dweight = np.zeros(kernels.shape, dtype=kind)
    dbias = np.zeros((O,), dtype=kind)
    for n in range(N):
        for o in range(O):
            for i in range(Ho):
                top = i * sh
                for j in range(Wo):
                    left = j * sw
                    g = kind.type(dout[n, o, i, j])
                    dbias[o] += g
                    dweight[o] += g * padded[n, :, top : top + kh, left : left + kw]
                    dpadded[n, :, top : top + kh, left : left + kw] += g * kernels[o]
    dx = dpadded[:, :, ph : ph + H, pw : pw + W].copy()
    return dx, dweight, dbias


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
