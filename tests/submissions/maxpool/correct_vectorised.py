"""Pooling without a loop over images, channels or windows."""

import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(array):
    """float32 if the array is float32, otherwise float64 (integers too)."""
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def _count_windows(shape, kernel_size, stride, padding):
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


def axis_table(size, kernel, stride, pad, n_windows):
    """table[i, u] = coordinate that cell u of window i meets on one axis (negative or >= size: padding)"""
    return stride * np.arange(n_windows)[:, None] + np.arange(kernel) - pad


def membership(size, kernel, stride, pad, n_windows):
    """0/1 matrix (windows, pixels) of one axis"""
    first = stride * np.arange(n_windows)[:, None] - pad
    pixel = np.arange(size)
    return ((pixel >= first) & (pixel < first + kernel)).astype(float)


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kernel, step, pad = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)
    H, W = x.shape[2:]
    r = axis_table(H, kernel[0], step[0], pad[0], Ho)
    c = axis_table(W, kernel[1], step[1], pad[1], Wo)
    # (Ho, Wo, kh*kw): flat positions, and which of them are really in the image
    flat = (r[:, None, :, None] * W + c[None, :, None, :]).reshape(Ho, Wo, -1)
    inside = (((r >= 0) & (r < H))[:, None, :, None] & ((c >= 0) & (c < W))[None, :, None, :]).reshape(Ho, Wo, -1)
    # fold cells outside onto the first cell inside: it is in the window anyway and never loses a tie to itself
    first = np.take_along_axis(flat, inside.argmax(-1)[..., None], -1)
    flat = np.where(inside, flat, first)
    values = x.reshape(x.shape[:2] + (H * W,)).astype(_float_dtype(x))[:, :, flat]
    best = values.argmax(-1)
    out = np.take_along_axis(values, best[..., None], -1).squeeze(-1)
    argmax = np.take_along_axis(np.broadcast_to(flat, values.shape), best[..., None], -1).squeeze(-1)
    return out, argmax.astype(np.int64)


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    N, C, H, W = x_shape
    offset = H * W * np.arange(N * C)[:, None]
    target = (argmax.reshape(N * C, dout.shape[2] * dout.shape[3]) + offset).ravel()
    total = np.bincount(target, weights=dout.ravel(), minlength=N * C * H * W)
    return total.reshape(x_shape).astype(_float_dtype(dout))


def _matrices(H, W, Ho, Wo, kernel_size, stride, padding):
    kernel, step, pad = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)
    return membership(H, kernel[0], step[0], pad[0], Ho), membership(W, kernel[1], step[1], pad[1], Wo)


def _cells(A, B, kernel_size, count_include_pad):
    kh, kw = _pair(kernel_size)
    return kh * kw if count_include_pad else np.outer(A.sum(1), B.sum(1))


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    A, B = _matrices(x.shape[2], x.shape[3], Ho, Wo, kernel_size, stride, padding)
    out = A @ x @ B.T / _cells(A, B, kernel_size, count_include_pad)
    return out.astype(_float_dtype(x))


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    A, B = _matrices(x_shape[2], x_shape[3], Ho, Wo, kernel_size, stride, padding)
    dx = A.T @ (dout / _cells(A, B, kernel_size, count_include_pad)) @ B
    return dx.astype(_float_dtype(dout))


Q1 = 3
Q2 = 2
Q3 = 9
Q4 = 0.2
Q5 = 16
