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


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(kernel_size) if stride is None else _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    out = np.empty((N, C, Ho, Wo), _float_dtype(x))
    argmax = np.empty((N, C, Ho, Wo), np.int64)
    for i in range(Ho):
        for j in range(Wo):
            # cut the window at the border of the image, then no padding is needed
            top, left = max(i * sh - ph, 0), max(j * sw - pw, 0)
            window = x[:, :, top:i * sh - ph + kh, left:j * sw - pw + kw]
            width = window.shape[3]
            k = window.reshape(N, C, window.shape[2] * width).argmax(axis=2)
            argmax[:, :, i, j] = (top + k // width) * W + left + k % width
            out[:, :, i, j] = window.max(axis=(2, 3))
    return out, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    N, C, H, W = x_shape
    dx = np.zeros((N, C, H * W), _float_dtype(dout))
    n = np.arange(N)[:, None, None, None]
    c = np.arange(C)[None, :, None, None]
    dx[n, c, argmax] += dout  # += so that pixels with several windows get all of it
    return dx.reshape(x_shape)


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(kernel_size) if stride is None else _pair(stride)
    ph, pw = _pair(padding)
    out = np.empty(x.shape[:2] + (Ho, Wo), _float_dtype(x))
    for i in range(Ho):
        for j in range(Wo):
            top, left = max(i * sh - ph, 0), max(j * sw - pw, 0)
            window = x[:, :, top:i * sh - ph + kh, left:j * sw - pw + kw]
            area = kh * kw if count_include_pad else window.shape[2] * window.shape[3]
            out[:, :, i, j] = window.sum(axis=(2, 3)) / area
    return out


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(kernel_size) if stride is None else _pair(stride)
    ph, pw = _pair(padding)
    dx = np.zeros(x_shape, _float_dtype(dout))
    for i in range(Ho):
        for j in range(Wo):
            top, left = max(i * sh - ph, 0), max(j * sw - pw, 0)
            window = dx[:, :, top:i * sh - ph + kh, left:j * sw - pw + kw]
            area = kh * kw if count_include_pad else window.shape[2] * window.shape[3]
            window += dout[:, :, i, j][:, :, None, None] / area
    return dx


Q1 = 3
Q2 = 2
Q3 = 1  # it is one pixel
Q4 = 0.2
Q5 = 16
