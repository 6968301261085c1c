import numpy as np


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    args = {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding}
    for name in args:
        if not isinstance(args[name], (int, np.integer)):
            raise ValueError(name + " is not an int")
    if size < 0:
        raise ValueError("size < 0")
    if kernel_size < 1 or kernel_size > size + 2 * padding and padding >= 0:
        raise ValueError("kernel_size does not fit")
    if stride < 1:
        raise ValueError("stride < 1")
    if padding < 0:
        raise ValueError("padding < 0")
    return int(np.floor((size + 2 * padding - kernel_size) / stride)) + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    kh, kw = _pair(kernel_size)
    return c_out * (c_in * kh * kw + (1 if bias else 0))


def im2col(x, kh, kw, sh, sw, ph, pw):
    """(N, C*kh*kw, Ho*Wo), plus Ho and Wo."""
    N, C, H, W = x.shape
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    xp = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="constant")
    cols = np.zeros((N, C, kh, kw, Ho, Wo), x.dtype)
    for u in range(kh):
        for v in range(kw):
            cols[:, :, u, v] = xp[:, :, u:u + sh * Ho:sh, v:v + sw * Wo:sw]
    return cols.reshape(N, C * kh * kw, Ho * Wo), Ho, Wo


def col2im(cols, shape, kh, kw, sh, sw, ph, pw, Ho, Wo):
    N, C, H, W = shape
    cols = cols.reshape(N, C, kh, kw, Ho, Wo)
    xp = np.zeros((N, C, H + 2 * ph, W + 2 * pw), cols.dtype)
    for u in range(kh):
        for v in range(kw):
            xp[:, :, u:u + sh * Ho:sh, v:v + sw * Wo:sw] += cols[:, :, u, v]
    return xp[:, :, ph:-ph, pw:-pw]  # remove the padding


def to_float(*arrays):
    if all(a.dtype == np.float32 for a in arrays):
        return arrays
    return [a.astype(np.float64) for a in arrays]


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if len(x.shape) != 4:
        raise ValueError("x is not 4-D")
    if len(weight.shape) != 4:
        raise ValueError("weight is not 4-D")
    if x.shape[1] != weight.shape[1]:
        raise ValueError("weight has the wrong number of input channels")
    O, C, kh, kw = weight.shape
    if bias is None:
        bias = np.zeros(O, weight.dtype)
    if bias.shape != (O,):
        raise ValueError("bias has the wrong shape")
    x, weight, bias = to_float(x, weight, bias)
    cols, Ho, Wo = im2col(x, kh, kw, *_pair(stride), *_pair(padding))
    out = weight.reshape(O, -1) @ cols + bias[:, None]
    return out.reshape(x.shape[0], O, Ho, Wo)


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    O, C, kh, kw = weight.shape
    dout, x, weight = to_float(dout, x, weight)
    cols, Ho, Wo = im2col(x, kh, kw, *_pair(stride), *_pair(padding))
    if dout.shape != (x.shape[0], O, Ho, Wo):
        raise ValueError("dout has the wrong shape")
    g = dout.reshape(x.shape[0], O, Ho * Wo)
    dbias = g.sum(axis=(0, 2))
    dweight = (g @ cols.transpose(0, 2, 1)).sum(axis=0).reshape(weight.shape)
    dcols = weight.reshape(O, -1).T @ g
    dx = col2im(dcols, x.shape, kh, kw, *_pair(stride), *_pair(padding), Ho, Wo)
    return dx, dweight, dbias


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
