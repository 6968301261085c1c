"""Pooling: the largest or the average pixel of every window, and the way of the gradient back to the pixels.

Shapes, everywhere in this file:

    x       (N, C, H, W)      N images with C channels of H x W pixels; each channel is pooled by itself
    out     (N, C, Ho, Wo)    one number for every window
    argmax  (N, C, Ho, Wo)    which pixel of its channel that was, counted row by row: row * W + column

`kernel_size`, `stride` and `padding` are an int, or a pair (for the height, for the width).
Without a stride (`stride=None`) the windows lie side by side: the stride is the kernel size.
Padding adds cells around the image, `padding` of them before the first and after the last pixel of an axis.
Results have the dtype that `_float_dtype` tells; no function changes its arguments.
"""

import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(array):
    """float32 if the array is float32, otherwise float64 (integers too)."""
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def _count_windows(shape, kernel_size, stride, padding):
    """(Ho, Wo), each of them floor((size + 2*padding - kernel_size) / stride) + 1.

    ValueError, with the name of the argument in its message, for
        a `kernel_size` below 1, or one that does not fit into the padded image;
        a `stride` below 1;
        a `padding` below 0, or one above half the kernel size: some windows would hold no pixel.
    """
    counts = []
    sides = _pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding)
    for size, k, s, p in zip(shape[2:], *sides, strict=True):
        if k < 1 or k > size + 2 * p:
            raise ValueError(f"kernel_size must be between 1 and the {size + 2 * p} padded pixels, got {k}")
        if s < 1:
            raise ValueError(f"stride must be at least 1, got {s}")
        if not 0 <= 2 * p <= k:
            raise ValueError(f"padding must be between 0 and half the window's {k} cells, got {p}")
        counts.append((size + 2 * p - k) // s + 1)
    return tuple(counts)


def _best(stretch):
    """The largest entries along the last axis, and where they are."""
    where = np.argmax(stretch, axis=-1)
    return np.take_along_axis(stretch, where[..., None], axis=-1)[..., 0], where


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    """out[n, c, i, j] = the largest pixel x[n, c, r, s] of the window i, j, and argmax[n, c, i, j] = r * W + s.

    Window i, j begins at row i*sh - ph and column j*sw - pw of x and has kh rows and kw columns; (kh, kw) is the
    kernel size, (sh, sw) the stride, (ph, pw) the padding.

    x: (N, C, H, W)
    returns out (N, C, Ho, Wo) and argmax (N, C, Ho, Wo) of int64
    Cells of the padding are no pixels: they never win, and argmax never points to them. So a window whose pixels are
    all -inf still has a winner among its pixels.
    Of equal pixels the first one wins, row by row. A nan wins against every number: errors stay visible.
    ValueError names `x` if it does not have 4 axes; for the others see `_count_windows`.
    """
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    (kh, kw), (sh, sw), (ph, pw) = _pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding)
    N, C, H, W = x.shape
    # first along every row: the best of each stretch of kw pixels and its column
    rowwise = np.empty((N, C, H, Wo), dtype=_float_dtype(x))
    column = np.empty((N, C, H, Wo), dtype=np.int64)
    for j in range(Wo):
        start = max(j * sw - pw, 0)
        rowwise[..., j], column[..., j] = _best(x[..., start : j * sw - pw + kw])
        column[..., j] += start
    # then down the columns: the best of each stretch of kh of these
    out = np.empty((N, C, Ho, Wo), dtype=rowwise.dtype)
    argmax = np.empty((N, C, Ho, Wo), dtype=np.int64)
    for i in range(Ho):
        start = max(i * sh - ph, 0)
        stretch = np.swapaxes(rowwise[:, :, start : i * sh - ph + kh], 2, 3)
        out[:, :, i], row = _best(stretch)
        row += start
        argmax[:, :, i] = row * W + np.take_along_axis(column, row[:, :, None], axis=2)[:, :, 0]
    return out, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    """dx[n, c, r, s] = sum of dout[n, c, i, j] over all windows i, j with argmax[n, c, i, j] = r * W + s.

    Windows may overlap, so the sum can have any number of terms, also none: then the gradient is 0.

    dout: (N, C, Ho, Wo), the gradient of a loss with respect to out
    argmax: (N, C, Ho, Wo) of integers, as `maxpool2d_forward` returns it
    x_shape: (N, C, H, W)
    returns dx (N, C, H, W)
    What this function needs to know about the forward call stands in its arguments; it must work without that call.
    ValueError names `x_shape` unless it has 4 sizes, `dout` unless it is (N, C, any, any), and `argmax` unless it has
    the shape of dout.
    """
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    N, C, H, W = x_shape
    dx = np.zeros((N, C, H * W), dtype=_float_dtype(dout))
    n, c = np.ogrid[:N, :C]
    np.add.at(dx, (n[..., None], c[..., None], argmax.reshape(N, C, dout.shape[2] * dout.shape[3])),
              dout.reshape(N, C, dout.shape[2] * dout.shape[3]))
    return dx.reshape(N, C, H, W)


def _which(shape, Ho, Wo, kernel_size, stride, padding, dtype):
    """Two matrices of 0 and 1, (Ho, H) and (Wo, W): which rows and which columns of the image each window holds."""
    sides = zip(shape[2:], (Ho, Wo), _pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding), strict=True)
    both = []
    for size, count, k, s, p in sides:
        start = np.arange(count)[:, None] * s - p
        pixel = np.arange(size)
        both.append(((pixel >= start) & (pixel < start + k)).astype(dtype))
    return both


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """out[n, c, i, j] = the sum of the pixels x[n, c, r, s] of the window i, j, divided by a number of cells.

    The windows are those of `maxpool2d_forward`. The sum is divided by the kh * kw cells of the window, of which those
    of the padding count as zeros; with `count_include_pad=False` by the number of its pixels alone.

    x: (N, C, H, W)
    returns out (N, C, Ho, Wo)
    ValueError as in `maxpool2d_forward`.
    """
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    down, right = _which(x.shape, Ho, Wo, kernel_size, stride, padding, _float_dtype(x))
    total = np.einsum("ir,ncrs->ncis", down, x) @ right.T
    kh, _ = _pair(kernel_size)
    cells = kh**2 if count_include_pad else np.outer(down.sum(axis=1), right.sum(axis=1))
    return total / np.asarray(cells, dtype=total.dtype)


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    """dx[n, c, r, s] = sum of dout[n, c, i, j] / (what the forward divided by) over all windows i, j with this pixel.

    dout: (N, C, Ho, Wo), the gradient of a loss with respect to out
    x_shape: (N, C, H, W); the other arguments are those of the forward call
    returns dx (N, C, H, W); the gradient of the padding is dropped, a pixel in no window has gradient 0
    ValueError names `x_shape` unless it has 4 sizes, and `dout` unless it has the shape of the forward call's out.
    """
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    (kh, kw), (sh, sw), (ph, pw) = _pair(kernel_size), _pair(kernel_size if stride is None else stride), _pair(padding)
    N, C, H, W = x_shape
    dtype = _float_dtype(dout)
    framed = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype=dtype)
    inside = np.zeros(framed.shape[2:], dtype=dtype)
    inside[ph : ph + H, pw : pw + W] = 1
    places = [(slice(a, a + sh * (Ho - 1) + 1, sh), slice(b, b + sw * (Wo - 1) + 1, sw)) for a in range(kh) for b in range(kw)]
    cells = np.full((Ho, Wo), kh * kw, dtype=dtype) if count_include_pad else sum(inside[place] for place in places)
    share = dout / cells
    for down, right in places:
        framed[:, :, down, right] += share
    return framed[:, :, ph : ph + H, pw : pw + W]


# Questions: replace None by a number.

# Q1. An image is 0 everywhere but for one bright pixel in row 4, column 7, both counted from 0. A 2 x 2 max pool with
#     its default stride reads it. To how many of the 8 neighbouring places could the bright pixel move without any
#     change of the output?
Q1 = None  # TODO: your answer

# Q2. A max pool has kernel_size=3 and no other argument. The image moves down by 6 pixels. By how many rows does the
#     output move (away from the borders)?
Q2 = None  # TODO: your answer

# Q3. A 3 x 3 max pool moves over a large image with stride 1. One pixel, far from the borders, is brighter than all
#     others. The gradient is 1 at every output. What is the gradient of this pixel?
Q3 = None  # TODO: your answer

# Q4. Global average pooling turns each map of 7 x 7 pixels into one number. The gradient of that number is 9.8. What
#     is the gradient of each pixel of the map?
Q4 = None  # TODO: your answer

# Q5. All pixels of an image are 36. A 3 x 3 average pool with stride 1 and padding 1 reads it, and the zeros of the
#     padding count. What is the output in the upper left corner?
Q5 = None  # TODO: your answer
