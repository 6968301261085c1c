"""My conv layer: one matrix product per kernel entry, no loop over pixels."""

import numbers

import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    """float32 if every array is float32, otherwise float64 (integers too); None is skipped."""
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def _need_int(value, name, at_least):
    if not (isinstance(value, numbers.Integral) and value >= at_least):
        raise ValueError("%s: expected an integer >= %d but got %r" % (name, at_least, value))


def _slices(u, v, Ho, Wo, sh, sw):
    # the pixels that kernel entry (u, v) meets
    return slice(u, u + (Ho - 1) * sh + 1, sh), slice(v, v + (Wo - 1) * sw + 1, sw)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    _need_int(size, "size", 0)
    _need_int(kernel_size, "kernel_size", 1)
    _need_int(stride, "stride", 1)
    _need_int(padding, "padding", 0)
    free = size + 2 * padding - kernel_size
    if free < 0:
        raise ValueError("kernel_size: the window is larger than the padded axis")
    return 1 + free // stride


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    return c_out * (c_in * int(np.prod(_pair(kernel_size))) + int(bias))


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    for name, array in (("x", x), ("weight", weight)):
        if array.ndim != 4:
            raise ValueError(f"{name}: expected 4 axes, got {array.ndim}")
    n_out, n_in, kh, kw = weight.shape
    if x.shape[1] != n_in:
        raise ValueError(f"weight: made for {n_in} channels, not for {x.shape[1]}")
    if bias is not None and bias.shape != (n_out,):
        raise ValueError(f"bias: expected shape ({n_out},), got {bias.shape}")
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    Ho = conv2d_output_size(x.shape[2], kh, sh, ph)
    Wo = conv2d_output_size(x.shape[3], kw, sw, pw)

    dtype = _float_dtype(x, weight, bias)
    weight = weight.astype(dtype)
    # channels last, so that every kernel entry is a plain matrix product
    image = np.pad(x.astype(dtype).transpose(0, 2, 3, 1), [(0, 0), (ph, ph), (pw, pw), (0, 0)])
    result = np.zeros((x.shape[0], Ho, Wo, n_out), dtype)
    if bias is not None:
        result += bias
    for u in range(kh):
        for v in range(kw):
            rows, cols = _slices(u, v, Ho, Wo, sh, sw)
            result += image[:, rows, cols, :] @ weight[:, :, u, v].T
    return np.ascontiguousarray(result.transpose(0, 3, 1, 2))


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    n_out, n_in, kh, kw = weight.shape
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    Ho = conv2d_output_size(x.shape[2], kh, sh, ph)
    Wo = conv2d_output_size(x.shape[3], kw, sw, pw)
    if dout.shape != (x.shape[0], n_out, Ho, Wo):
        raise ValueError(f"dout: expected shape {(x.shape[0], n_out, Ho, Wo)}, got {dout.shape}")

    dtype = _float_dtype(dout, x, weight)
    g = dout.astype(dtype).transpose(0, 2, 3, 1)
    weight = weight.astype(dtype)
    image = np.pad(x.astype(dtype).transpose(0, 2, 3, 1), [(0, 0), (ph, ph), (pw, pw), (0, 0)])
    dimage = np.zeros_like(image)
    dweight = np.zeros_like(weight)
    for u in range(kh):
        for v in range(kw):
            rows, cols = _slices(u, v, Ho, Wo, sh, sw)
            dweight[:, :, u, v] = np.tensordot(g, image[:, rows, cols, :], axes=([0, 1, 2], [0, 1, 2]))
            dimage[:, rows, cols, :] += g @ weight[:, :, u, v]
    dimage = dimage[:, ph:dimage.shape[1] - ph, pw:dimage.shape[2] - pw, :]
    return dimage.transpose(0, 3, 1, 2).copy(), dweight, g.sum(axis=(0, 1, 2))


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
