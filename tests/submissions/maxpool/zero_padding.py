import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


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


def get_windows(x, kernel_size, stride, padding):
    # one helper for both kinds of pooling, padding works as in conv2d
    ph, pw = _pair(padding)
    sh, sw = _pair(stride if stride is not None else kernel_size)
    padded = np.pad(x.astype(_float_dtype(x)), [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    return sliding_window_view(padded, _pair(kernel_size), axis=(2, 3))[:, :, ::sh, ::sw]


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    win = get_windows(x, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    ph, pw = _pair(padding)
    sh, sw = _pair(stride if stride is not None else kernel_size)
    H, W = x.shape[2:]
    out = win.max(axis=(-2, -1))
    k = win.reshape(*win.shape[:4], kh * kw).argmax(axis=-1)
    row = np.arange(Ho).reshape(-1, 1) * sh + k // kw - ph
    col = np.arange(Wo).reshape(1, -1) * sw + k % kw - pw
    # np.clip because sometimes it was outside
    argmax = np.clip(row, 0, H - 1) * W + np.clip(col, 0, W - 1)
    return out, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    N, C, H, W = x_shape
    dx = np.zeros((N, C, H * W), dtype=_float_dtype(dout))
    for n in range(N):
        for c in range(C):
            np.add.at(dx[n, c], argmax[n, c].ravel(), dout[n, c].ravel())
    return dx.reshape(N, C, H, W)


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    win = get_windows(x, kernel_size, stride, padding)
    if count_include_pad:
        return win.mean(axis=(-2, -1))
    real = get_windows(np.ones_like(x), kernel_size, stride, padding)
    return win.sum(axis=(-2, -1)) / real.sum(axis=(-2, -1))


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    N, C, H, W = x_shape
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(stride if stride is not None else kernel_size)
    ph, pw = _pair(padding)
    if count_include_pad:
        n_cells = kh * kw
    else:
        n_cells = get_windows(np.ones((1, 1, H, W)), kernel_size, stride, padding).sum(axis=(-2, -1))
    g = dout / n_cells
    padded = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for i in range(Ho):
        for j in range(Wo):
            padded[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw] += g[:, :, i:i + 1, j:j + 1]
    return padded[:, :, ph:ph + H, pw:pw + W].astype(_float_dtype(dout))


Q1 = 3
Q2 = 2
Q3 = 9
Q4 = 0.2
Q5 = 16
