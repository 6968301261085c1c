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


saved = {}


def maxpool2d_forward(x, kernel_size, stride=None, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(kernel_size if stride is None else stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    out = np.zeros((N, C, Ho, Wo), _float_dtype(x))
    argmax = np.zeros((N, C, Ho, Wo), int)
    boxes = []
    for i in range(Ho):
        for j in range(Wo):
            top, bottom = max(0, i * sh - ph), min(H, i * sh - ph + kh)
            left, right = max(0, j * sw - pw), min(W, j * sw - pw + kw)
            patch = x[:, :, top:bottom, left:right]
            m = patch.max(axis=(2, 3), keepdims=True)
            out[:, :, i, j] = m[:, :, 0, 0]
            best = patch.reshape(N, C, (bottom - top) * (right - left)).argmax(axis=2)
            argmax[:, :, i, j] = (best // (right - left) + top) * W + best % (right - left) + left
            boxes.append((i, j, top, bottom, left, right, patch == m))
    # keep the masks like autograd keeps its context
    saved["argmax"], saved["boxes"] = argmax.copy(), boxes
    return out, argmax


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    dx = np.zeros(x_shape, _float_dtype(dout))
    if "argmax" in saved and np.array_equal(saved["argmax"], argmax):
        for i, j, top, bottom, left, right, mask in saved["boxes"]:
            dx[:, :, top:bottom, left:right] += mask * dout[:, :, i, j][:, :, None, None]
    else:  # gradient of some other forward call
        for n, c in np.ndindex(*dout.shape[:2]):
            np.add.at(dx[n, c], np.divmod(argmax[n, c], x_shape[3]), dout[n, c])
    return dx


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(kernel_size if stride is None else stride)
    ph, pw = _pair(padding)
    out = np.zeros(x.shape[:2] + (Ho, Wo), _float_dtype(x))
    for i in range(Ho):
        for j in range(Wo):
            patch = x[:, :, max(0, i * sh - ph):i * sh - ph + kh, max(0, j * sw - pw):j * sw - pw + kw]
            out[:, :, i, j] = patch.sum(axis=(2, 3)) / (kh * kw) if count_include_pad else patch.mean(axis=(2, 3))
    return out


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(kernel_size if stride is None else stride)
    ph, pw = _pair(padding)
    dx = np.zeros(x_shape, _float_dtype(dout))
    for i in range(Ho):
        for j in range(Wo):
            patch = dx[:, :, max(0, i * sh - ph):i * sh - ph + kh, max(0, j * sw - pw):j * sw - pw + kw]
            n = kh * kw if count_include_pad else patch.shape[2] * patch.shape[3]
            patch += dout[:, :, i:i + 1, j:j + 1] / n
    return dx


Q1 = 3
Q2 = 2
Q3 = 9
Q4 = 9.8 / 7**2
Q5 = 16
