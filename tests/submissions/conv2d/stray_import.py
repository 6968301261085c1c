#!/usr/bin/env python3
# Assignment conv2d
import matplotlib.pyplot as plt
import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    """float32 if every array is float32, otherwise float64 (integers too); None is skipped."""
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def show(image):
    plt.imshow(image, cmap="gray")
    plt.colorbar()
    plt.show()


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    numbers = dict(size=size, kernel_size=kernel_size, stride=stride, padding=padding)
    lowest = dict(size=0, kernel_size=1, stride=1, padding=0)
    for name, number in numbers.items():
        if not isinstance(number, (int, np.integer)):
            raise ValueError(f"{name} should be an integer")
        if number < lowest[name]:
            raise ValueError(f"{name} should be {lowest[name]} or more")
    last = size + 2 * padding - kernel_size  # the last place where a window can begin
    if last < 0:
        raise ValueError("kernel_size is larger than image plus padding")
    return len(range(0, last + 1, stride))


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    kh, kw = _pair(kernel_size)
    count = c_out * c_in * kh * kw
    if bias:
        count = count + c_out
    return count


def columns(x, kh, kw, stride, padding, dtype):
    """All windows as rows of a matrix: (N*Ho*Wo, C*kh*kw)."""
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    N, C, H, W = x.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype)
    padded[:, :, ph : ph + H, pw : pw + W] = x
    rows = np.arange(Ho)[:, None] * sh + np.arange(kh)  # (Ho, kh)
    cols = np.arange(Wo)[:, None] * sw + np.arange(kw)  # (Wo, kw)
    windows = padded[:, :, rows[:, None, :, None], cols[None, :, None, :]]  # (N, C, Ho, Wo, kh, kw)
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * Ho * Wo, C * kh * kw), Ho, Wo


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if np.ndim(x) != 4:
        raise ValueError(f"x should have 4 axes, has {np.ndim(x)}")
    if np.ndim(weight) != 4:
        raise ValueError(f"weight should have 4 axes, has {np.ndim(weight)}")
    O, C, kh, kw = weight.shape
    if x.shape[1] != C:
        raise ValueError(f"weight should have {x.shape[1]} input channels, has {C}")
    if bias is not None and np.shape(bias) != (O,):
        raise ValueError(f"bias should have shape ({O},)")
    matrix, Ho, Wo = columns(x, kh, kw, stride, padding, _float_dtype(x, weight, bias))
    out = matrix @ weight.reshape(O, -1).T
    if bias is not None:
        out = out + bias
    return out.reshape(len(x), Ho, Wo, O).transpose(0, 3, 1, 2)


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    O, C, kh, kw = weight.shape
    N, _, H, W = x.shape
    dtype = _float_dtype(dout, x, weight)
    matrix, Ho, Wo = columns(x, kh, kw, stride, padding, dtype)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError(f"dout should have shape {(N, O, Ho, Wo)}, has {dout.shape}")
    rows_of_dout = dout.transpose(0, 2, 3, 1).reshape(-1, O).astype(dtype)
    dweight = (rows_of_dout.T @ matrix).reshape(weight.shape)
    dbias = rows_of_dout.sum(axis=0)
    dwindows = (rows_of_dout @ weight.reshape(O, -1)).reshape(N, Ho, Wo, C, kh, kw)
    dpadded = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype)
    for i in range(Ho):
        for j in range(Wo):
            dpadded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += dwindows[:, i, j]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dweight, dbias


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3

# demo: edges of a white square
picture = np.zeros((1, 1, 32, 32))
picture[0, 0, 8:24, 8:24] = 1.0
sobel = np.array([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])
edges = conv2d_forward(picture, sobel, padding=1)
print("edges", edges.shape, edges.min(), edges.max())
show(edges[0, 0])
