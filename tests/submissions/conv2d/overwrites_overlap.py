import numpy as np
from numpy.lib.stride_tricks import as_strided


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    def integer(x):
        return isinstance(x, (int, np.integer))

    if not integer(size) or size < 0:
        raise ValueError(f"size: {size}")
    if not integer(stride) or stride <= 0:
        raise ValueError(f"stride: {stride}")
    if not integer(padding) or padding < 0:
        raise ValueError(f"padding: {padding}")
    if not integer(kernel_size) or kernel_size <= 0 or kernel_size > size + 2 * padding:
        raise ValueError(f"kernel_size: {kernel_size}")
    return (size + 2 * padding - kernel_size + stride) // stride


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    a, b = _pair(kernel_size)
    return (a * b * c_in + bool(bias)) * c_out


def windows_of(xp, kh, kw, sh, sw, Ho, Wo):
    n, c, h, w = xp.strides
    return as_strided(xp, xp.shape[:2] + (Ho, Wo, kh, kw), (n, c, h * sh, w * sw, h, w), writeable=False)


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x: {x.shape}")
    if weight.ndim != 4 or weight.shape[1] != x.shape[1]:
        raise ValueError(f"weight: {weight.shape}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias: {bias.shape}")
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    kh, kw = weight.shape[2:]
    Ho = conv2d_output_size(x.shape[2], kh, sh, ph)
    Wo = conv2d_output_size(x.shape[3], kw, sw, pw)
    t = _float_dtype(x, weight, bias)
    xp = np.pad(x.astype(t), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    win = windows_of(xp, kh, kw, sh, sw, Ho, Wo)
    out = np.tensordot(win, weight, axes=([1, 4, 5], [1, 2, 3]))  # (N, Ho, Wo, O)
    if bias is not None:
        out = out + bias
    return out.transpose(0, 3, 1, 2)


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    N, C, H, W = x.shape
    kh, kw = weight.shape[2:]
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, weight.shape[0], Ho, Wo):
        raise ValueError(f"dout: {dout.shape}")
    t = _float_dtype(dout, x, weight)
    dout = dout.astype(t)
    xp = np.pad(x.astype(t), ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    win = windows_of(xp, kh, kw, sh, sw, Ho, Wo)
    dweight = np.tensordot(dout, win, axes=([0, 2, 3], [0, 2, 3]))
    dbias = dout.sum((0, 2, 3))
    dxp = np.zeros_like(xp)
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * sh, j * sw
            dxp[:, :, top:top + kh, left:left + kw] = np.tensordot(dout[:, :, i, j], weight, axes=([1], [0]))
    dx = dxp[:, :, ph:ph + H, pw:pw + W]
    return dx, dweight, dbias


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
