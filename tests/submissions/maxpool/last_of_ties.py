import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(array):
    """float32 if the array is float32, otherwise float64 (integers too)."""
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


def _count_windows(shape, kernel_size, stride, padding):
    """(Ho, Wo), each of them floor((size + 2*padding - kernel_size) / stride) + 1."""
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


def _hits(shape, Ho, Wo, kernel_size, stride, padding):
    """window (i, j) sees pixel (r, c)"""
    (kh, kw), (sh, sw), (ph, pw) = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)
    for i in range(Ho):
        for j in range(Wo):
            for r in range(max(0, i * sh - ph), min(shape[2], i * sh - ph + kh)):
                for c in range(max(0, j * sw - pw), min(shape[3], j * sw - pw + kw)):
                    yield i, j, r, c


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    N, C, H, W = x.shape
    (kh, kw), (sh, sw), (ph, pw) = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)
    big = np.full((N, C, H + 2 * ph, W + 2 * pw), -np.inf, dtype=_float_dtype(x))
    big[:, :, ph:ph + H, pw:pw + W] = x
    # position of every cell, -1 for the border
    number = np.full((H + 2 * ph, W + 2 * pw), -1)
    number[ph:ph + H, pw:pw + W] = np.arange(H * W).reshape(H, W)

    best = np.full((N, C, Ho, Wo), -np.inf, dtype=big.dtype)
    argmax = np.full((N, C, Ho, Wo), -1)
    for a in range(kh):
        for b in range(kw):
            rows, cols = slice(a, a + (Ho - 1) * sh + 1, sh), slice(b, b + (Wo - 1) * sw + 1, sw)
            v = big[:, :, rows, cols]
            k = np.broadcast_to(number[rows, cols], v.shape)
            better = (k >= 0) & ((v >= best) | np.isnan(v))
            best = np.where(better, v, best)
            argmax = np.where(better, k, argmax)
    return best, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    dx = np.zeros(x_shape, dtype=_float_dtype(dout))
    rows, cols = argmax // x_shape[3], argmax % x_shape[3]
    n, c = np.indices(argmax.shape)[:2]
    np.add.at(dx, (n, c, rows, cols), dout)
    return dx


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    out = np.zeros(x.shape[:2] + (Ho, Wo), dtype=_float_dtype(x))
    count = np.zeros((Ho, Wo))
    for i, j, r, c in _hits(x.shape, Ho, Wo, kernel_size, stride, padding):
        out[:, :, i, j] += x[:, :, r, c]
        count[i, j] += 1
    kh, kw = _pair(kernel_size)
    return (out / (kh * kw if count_include_pad else count)).astype(out.dtype)


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    dx = np.zeros(x_shape)
    hits = list(_hits(x_shape, Ho, Wo, kernel_size, stride, padding))
    count = np.zeros((Ho, Wo))
    for i, j, r, c in hits:
        count[i, j] += 1
    if count_include_pad:
        count[:] = np.prod(_pair(kernel_size))
    for i, j, r, c in hits:
        dx[:, :, r, c] += dout[:, :, i, j] / count[i, j]
    return dx.astype(_float_dtype(dout))


Q1 = 3
Q2 = 2
Q3 = 9
Q4 = 0.2
Q5 = 16
