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
    """Number of positions of a window along one axis: floor((size + 2*padding - kernel_size) / stride) + 1.

    size, kernel_size, stride, padding: ints, of this one axis.
    Returns an int.
    Raises ValueError, with the name of the argument in its message, for
        a `size`, `kernel_size`, `stride` or `padding` that is not an integer (2.0 is not one);
        a `size` or `padding` below 0, a `kernel_size` or `stride` below 1;
        a `kernel_size` larger than the padded size.
    """
    # TODO: write this
    raise NotImplementedError("TODO: conv2d_output_size")


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    """How many numbers a layer learns: its kernels and, with `bias`, one bias for each output map.

    c_in, c_out: ints, the numbers of input channels and of output maps.
    kernel_size: an int or a pair (kh, kw).
    Returns an int.
    """
    # TODO: write this
    raise NotImplementedError("TODO: conv2d_num_params")


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    """out[n, o, i, j] = bias[o] + sum over c, u, v of weight[o, c, u, v] * x_padded[n, c, i*sh + u, j*sw + v]

    x (N, C, H, W), weight (O, C, kh, kw), bias (O,) or None for no bias; (sh, sw) is the stride.
    The kernel is not flipped, and no nonlinearity is applied.
    Returns out (N, O, Ho, Wo), where `conv2d_output_size` gives Ho and Wo: pixels at the end of an axis that
    do not fill another window are dropped.
    Raises ValueError, with the name of the argument in its message, for
        `x` or `weight` without exactly 4 axes;
        a `weight` whose number of input channels is not that of x;
        a `bias` that is neither None nor of shape (O,);
        a `stride`, `padding` or `kernel_size` that `conv2d_output_size` refuses for the height or the width.
    """
    # TODO: write this
    raise NotImplementedError("TODO: conv2d_forward")


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """Gradients of a loss L with respect to x, weight and bias, from its gradient with respect to `out`.

    dout (N, O, Ho, Wo) holds dL/dout; x, weight, stride and padding are those of the forward call.
    Returns the tuple (dx, dweight, dbias) of shapes (N, C, H, W), (O, C, kh, kw) and (O,).
    L is already a number for the whole batch: gradients are summed over the images, not averaged.
    Pixels that no window covers have gradient 0; the gradient of the padding is dropped.
    Raises ValueError, with the word `dout` in its message, if dout is not of shape (N, O, Ho, Wo).
    The other arguments have passed the forward call and need no checks.
    """
    # TODO: write this
    raise NotImplementedError("TODO: conv2d_backward")


# Questions: replace None by a number.

# Q1. Some texts give every kernel a bias of its own, one for each pair of output map and input channel, so c_in*c_out
#     biases in all. Only their sum over the input channels reaches an output map. How many of these biases could a
#     layer with c_in = 3 and c_out = 5 lose and still compute the same functions?
Q1 = None  # TODO: your answer

# Q2. A layer has stride 3. By how many pixels must the image move down for the output to move down by exactly 2 rows
#     (away from the borders)?
Q2 = None  # TODO: your answer

# Q3. The kernel is 7 x 7 and the stride is 1. Which padding makes the output as large as the image?
Q3 = None  # TODO: your answer

# Q4. A 1 x 1 convolution with stride 1 turns 256 channels of 14 x 14 pixels into 64 output maps. How many numbers does
#     its output hold for one image?
Q4 = None  # TODO: your answer

# Q5. The row (1, 2, 4) meets the kernel (1, 0, -1): your layer answers 1 - 4 = -3. What does a true convolution,
#     which flips the kernel first, answer at the only position where the kernel fits?
Q5 = None  # TODO: your answer
