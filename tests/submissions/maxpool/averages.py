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
    # pooling = replace each window by its mean, and remember where the biggest pixel was
    out = avgpool2d_forward(x, kernel_size, stride, padding, count_include_pad=False)
    ksize, step, pad = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)
    where = np.zeros(out.shape, dtype=np.int64)
    for index in np.ndindex(*out.shape):
        n, c, i, j = index
        y0, x0 = i * step[0] - pad[0], j * step[1] - pad[1]
        cells = [(y, z) for y in range(y0, y0 + ksize[0]) for z in range(x0, x0 + ksize[1])
                 if 0 <= y < x.shape[2] and 0 <= z < x.shape[3]]
        y, z = max(cells, key=lambda cell: x[n, c, cell[0], cell[1]])
        where[index] = y * x.shape[3] + z
    return out, where


def maxpool2d_backward(dout, argmax, x_shape):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    if dout.ndim != 4 or dout.shape[:2] != tuple(x_shape[:2]):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, Ho, Wo), got shape {dout.shape}")
    if argmax.shape != dout.shape:
        raise ValueError(f"argmax must be {dout.shape} as the gradient is, got shape {argmax.shape}")
    dx = np.zeros(x_shape, dtype=_float_dtype(dout))
    for n, c, i, j in np.ndindex(*dout.shape):
        dx[n, c].flat[argmax[n, c, i, j]] += dout[n, c, i, j]
    return dx


def avgpool2d_forward(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    if x.ndim != 4:
        raise ValueError(f"x must be (N, C, H, W), got shape {x.shape}")
    Ho, Wo = _count_windows(x.shape, kernel_size, stride, padding)
    ksize, step, pad = _pair(kernel_size), _pair(stride or kernel_size), _pair(padding)
    padded = np.pad(x.astype(_float_dtype(x)), ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    real = np.pad(np.ones(x.shape[2:]), ((pad[0],) * 2, (pad[1],) * 2))
    out = np.zeros(x.shape[:2] + (Ho, Wo), dtype=padded.dtype)
    for i in range(Ho):
        for j in range(Wo):
            ys = slice(i * step[0], i * step[0] + ksize[0])
            xs = slice(j * step[1], j * step[1] + ksize[1])
            n_cells = ksize[0] * ksize[1] if count_include_pad else real[ys, xs].sum()
            out[:, :, i, j] = padded[:, :, ys, xs].sum((2, 3)) / n_cells
    return out


def avgpool2d_backward(dout, x_shape, kernel_size, stride=None, padding=0, count_include_pad=True):
    if len(x_shape) != 4:
        raise ValueError(f"x_shape must be (N, C, H, W), got {x_shape}")
    Ho, Wo = _count_windows(x_shape, kernel_size, stride, padding)
    if dout.shape != (x_shape[0], x_shape[1], Ho, Wo):
        raise ValueError(f"dout must be ({x_shape[0]}, {x_shape[1]}, {Ho}, {Wo}), got shape {dout.shape}")
    raise NotImplementedError("TODO: avgpool2d_backward")


Q1 = 3
Q2 = 6
Q3 = None
Q4 = 0.2
Q5 = 16
