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


def _enlarge(plane, top, bottom, left, right):
    """The plane with zeros around it."""
    h, w = plane.shape
    bigger = np.zeros((top + h + bottom, left + w + right), dtype=plane.dtype)
    bigger[top : top + h, left : left + w] = plane
    return bigger


def _slide(plane, kernel):
    """A plane seen through a kernel at every place, stride 1."""
    rows = plane.shape[0] - kernel.shape[0] + 1
    cols = plane.shape[1] - kernel.shape[1] + 1
    total = np.zeros((rows, cols), dtype=plane.dtype)
    for (u, v), k in np.ndenumerate(kernel):
        total += k * plane[u : u + rows, v : v + cols]
    return total


def _spread(plane, sh, sw, rows, cols):
    """The numbers of a plane, put sh and sw apart on a plane of rows x cols zeros."""
    wide = np.zeros((rows, cols), dtype=plane.dtype)
    wide[: (plane.shape[0] - 1) * sh + 1 : sh, : (plane.shape[1] - 1) * sw + 1 : sw] = plane
    return wide


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """Every image, map and channel by itself: correlate with stride 1, then keep the places of the stride."""
    if x.ndim != 4:
        raise ValueError("x must have 4 axes")
    if weight.ndim != 4:
        raise ValueError("weight must have 4 axes")
    if x.shape[1] != weight.shape[1]:
        raise ValueError("the channels of weight are not those of x")
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError("bias must have shape (O,)")
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    Ho = conv2d_output_size(x.shape[2], weight.shape[2], sh, ph) - 1
    Wo = conv2d_output_size(x.shape[3], weight.shape[3], sw, pw) - 1
    dtype = _float_dtype(x, weight, bias)
    x, weight = x.astype(dtype), weight.astype(dtype)
    images = []
    for image in x:
        planes = [_enlarge(plane, ph, ph, pw, pw) for plane in image]
        maps = []
        for o, kernels in enumerate(weight):
            answer = _slide(planes[0], kernels[0])[::sh, ::sw][:Ho, :Wo]
            if bias is not None:
                answer += bias[o]
            maps.append(answer)
        images.append(maps)
    return np.array(images, dtype=dtype).reshape(len(x), len(weight), Ho, Wo)


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """dout is spread out to stride 1; then dweight and dx are correlations themselves."""
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError("dout does not fit the output")
    dtype = _float_dtype(dout, x, weight)
    dout, x, weight = dout.astype(dtype), x.astype(dtype), weight.astype(dtype)
    full_h, full_w = H + 2 * ph, W + 2 * pw
    dx = np.zeros((N, C, H, W), dtype=dtype)
    dweight = np.zeros((O, C, kh, kw), dtype=dtype)
    dbias = np.zeros(O, dtype=dtype)
    for n in range(N):
        for o in range(O):
            wide = _spread(dout[n, o], sh, sw, full_h - kh + 1, full_w - kw + 1)
            dbias[o] += wide.sum()
            framed = _enlarge(wide, kh - 1, kh - 1, kw - 1, kw - 1)
            for c in range(C):
                plane = _enlarge(x[n, c], ph, ph, pw, pw)
                dweight[o, c] += _slide(plane, wide)
                dplane = _slide(framed, weight[o, c, ::-1, ::-1])
                dx[n, c] += dplane[ph : ph + H, pw : pw + W]
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
