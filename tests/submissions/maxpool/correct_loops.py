# pooling homework. slow but I checked every index on paper
import math

import numpy as np


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(array):
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


def pixels_of_window(i, j, H, W, kernel_size, stride, padding):
    """all (row, col) of the image that window (i, j) sees, in reading order"""
    kh, kw = _pair(kernel_size)
    if stride is None:
        stride = kernel_size
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    found = []
    for a in range(kh):
        for b in range(kw):
            row = i * sh + a - ph
            col = j * sw + b - pw
            if 0 <= row < H and 0 <= col < W:
                found.append((row, col))
    return found


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    N, C, H, W = x.shape
    out = np.zeros((N, C, Ho, Wo), dtype=_float_dtype(x))
    argmax = np.zeros((N, C, Ho, Wo), dtype=np.int64)
    for n in range(N):
        for c in range(C):
            for i in range(Ho):
                for j in range(Wo):
                    best = None
                    for row, col in pixels_of_window(i, j, H, W, kernel_size, stride, padding):
                        value = x[n, c, row, col]
                        if best is None or value > best or (math.isnan(value) and not math.isnan(best)):
                            best = value
                            argmax[n, c, i, j] = row * W + col
                    out[n, c, i, j] = best
    return out, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    dx = np.zeros(x_shape, dtype=_float_dtype(dout))
    W = x_shape[3]
    N, C, Ho, Wo = dout.shape
    for n in range(N):
        for c in range(C):
            for i in range(Ho):
                for j in range(Wo):
                    where = argmax[n, c, i, j]
                    dx[n, c, where // W, where % W] += dout[n, c, i, j]
    return dx


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    N, C, H, W = x.shape
    kh, kw = _pair(kernel_size)
    out = np.zeros((N, C, Ho, Wo), dtype=_float_dtype(x))
    for n in range(N):
        for c in range(C):
            for i in range(Ho):
                for j in range(Wo):
                    pixels = pixels_of_window(i, j, H, W, kernel_size, stride, padding)
                    total = 0.0
                    for row, col in pixels:
                        total += float(x[n, c, row, col])
                    if count_include_pad:
                        out[n, c, i, j] = total / (kh * kw)
                    else:
                        out[n, c, i, j] = total / len(pixels)
    return out


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    N, C, H, W = x_shape
    kh, kw = _pair(kernel_size)
    dx = np.zeros(x_shape, dtype=_float_dtype(dout))
    for n in range(N):
        for c in range(C):
            for i in range(Ho):
                for j in range(Wo):
                    pixels = pixels_of_window(i, j, H, W, kernel_size, stride, padding)
                    divide_by = kh * kw if count_include_pad else len(pixels)
                    for row, col in pixels:
                        dx[n, c, row, col] += dout[n, c, i, j] / divide_by
    return dx


Q1 = 3
Q2 = 2
Q3 = 9
Q4 = 9.8 / 49
Q5 = 4 * 36 / 9
