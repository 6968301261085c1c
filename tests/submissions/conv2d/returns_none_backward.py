"""conv2d, group 7"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    ok = {
        "size": isinstance(size, int) and size >= 0,
        "kernel_size": isinstance(kernel_size, int) and kernel_size >= 1,
        "stride": isinstance(stride, int) and stride >= 1,
        "padding": isinstance(padding, int) and padding >= 0,
    }
    for name, fine in ok.items():
        if not fine:
            raise ValueError(f"invalid {name}")
    n, rest = divmod(size + 2 * padding - kernel_size, stride)
    if n < 0:
        raise ValueError("invalid kernel_size, too large")
    return n + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    height, width = _pair(kernel_size)
    return c_out * c_in * height * width + (c_out if bias else 0)


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError("invalid x")
    if weight.ndim != 4:
        raise ValueError("invalid weight")
    if x.shape[1] != weight.shape[1]:
        raise ValueError("invalid weight: channels")
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError("invalid bias")
    stride, padding = _pair(stride), _pair(padding)
    for axis in (0, 1):
        conv2d_output_size(x.shape[2 + axis], weight.shape[2 + axis], stride[axis], padding[axis])
    dtype = _float_dtype(x, weight, bias)
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2]).astype(dtype)
    patches = sliding_window_view(x, weight.shape[2:], axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    out = np.moveaxis(np.tensordot(patches, weight.astype(dtype), axes=[(1, 4, 5), (1, 2, 3)]), 3, 1)
    if bias is not None:
        out = out + bias.reshape(-1, 1, 1)
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    stride, padding = _pair(stride), _pair(padding)
    shape = (x.shape[0], weight.shape[0]) + tuple(
        conv2d_output_size(x.shape[2 + a], weight.shape[2 + a], stride[a], padding[a]) for a in (0, 1)
    )
    if dout.shape != shape:
        raise ValueError("invalid dout")
    dtype = _float_dtype(dout, x, weight)
    dout = dout.astype(dtype)
    xp = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2]).astype(dtype)
    patches = sliding_window_view(xp, weight.shape[2:], axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    dbias = np.einsum("noij->o", dout)
    dweight = np.tensordot(dout, patches, axes=[(0, 2, 3), (0, 2, 3)])
    dxp = np.zeros_like(xp)
    for a in range(weight.shape[2]):
        for b in range(weight.shape[3]):
            part = np.tensordot(dout, weight[:, :, a, b], axes=[(1,), (0,)])
            dxp[
                :,
                :,
                a : a + stride[0] * shape[2] : stride[0],
                b : b + stride[1] * shape[3] : stride[1],
            ] += np.moveaxis(part, 3, 1)
    dx = dxp[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]]
    gradients = (dx, dweight, dbias)


Q1, Q2, Q3, Q4, Q5 = 10, 6, 3, 12544, 3
