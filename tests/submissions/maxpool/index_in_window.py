# Aufgabe Pooling
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


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    if stride is None:
        stride = kernel_size
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    xp = np.pad(x.astype(_float_dtype(x)), ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
    out = np.zeros((N, C, Ho, Wo), dtype=xp.dtype)
    argmax = np.zeros((N, C, Ho, Wo), dtype=np.int64)
    for i in range(Ho):
        for j in range(Wo):
            fenster = xp[:, :, i*sh:i*sh+kh, j*sw:j*sw+kw].reshape(N, C, kh*kw)
            out[:, :, i, j] = np.max(fenster, axis=2)
            argmax[:, :, i, j] = np.argmax(fenster, axis=2)
    return out, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    # argmax comes from the tests as position in the whole plane
    N, C, H, W = x_shape
    dx = np.zeros((N * C, H * W), dtype=_float_dtype(dout))
    zeilen = np.repeat(np.arange(N * C), dout.shape[2] * dout.shape[3])
    np.add.at(dx, (zeilen, argmax.flatten()), dout.flatten())
    return dx.reshape(x_shape)


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    if stride is None:
        stride = kernel_size
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    rand = ((0, 0), (0, 0), (ph, ph), (pw, pw))
    xp = np.pad(x.astype(_float_dtype(x)), rand)
    eins = np.pad(np.ones((1, 1, H, W)), rand)
    out = np.zeros((N, C, Ho, Wo), dtype=xp.dtype)
    for i in range(Ho):
        for j in range(Wo):
            teil = (slice(None), slice(None), slice(i*sh, i*sh+kh), slice(j*sw, j*sw+kw))
            anzahl = kh * kw if count_include_pad else eins[teil].sum()
            out[:, :, i, j] = xp[teil].sum(axis=(2, 3)) / anzahl
    return out


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    kh, kw = _pair(kernel_size)
    if stride is None:
        stride = kernel_size
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x_shape
    eins = np.pad(np.ones((1, 1, H, W)), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    dxp = np.zeros((N, C, H + 2*ph, W + 2*pw), dtype=_float_dtype(dout))
    for i in range(Ho):
        for j in range(Wo):
            teil = (slice(None), slice(None), slice(i*sh, i*sh+kh), slice(j*sw, j*sw+kw))
            anzahl = kh * kw if count_include_pad else eins[teil].sum()
            dxp[teil] += dout[:, :, i, j, None, None] / anzahl
    return dxp[:, :, ph:ph+H, pw:pw+W]


Q1 = 3
Q2 = 2
Q3 = 9
Q4 = 9.8
Q5 = 16
