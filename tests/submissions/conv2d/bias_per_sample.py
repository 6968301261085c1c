import numpy as np


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    if not isinstance(size, int) or size < 0:
        raise ValueError("wrong size")
    if not isinstance(stride, int) or stride < 1:
        raise ValueError("wrong stride")
    if not isinstance(padding, int) or padding < 0:
        raise ValueError("wrong padding")
    if not isinstance(kernel_size, int) or kernel_size < 1 or kernel_size > size + 2 * padding:
        raise ValueError("wrong kernel_size")
    return (size + 2 * padding - kernel_size) // stride + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    k1, k2 = _pair(kernel_size)
    if bias:
        return c_out * (c_in * k1 * k2 + 1)
    return c_out * c_in * k1 * k2


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError("wrong x")
    if weight.ndim != 4:
        raise ValueError("wrong weight")
    N, C, H, W = x.shape
    O, Cw, k1, k2 = weight.shape
    if C != Cw:
        raise ValueError("wrong weight, channels do not fit")
    if bias is not None and bias.shape != (O,):
        raise ValueError("wrong bias")
    s1, s2 = _pair(stride)
    p1, p2 = _pair(padding)
    Ho = conv2d_output_size(H, k1, s1, p1)
    Wo = conv2d_output_size(W, k2, s2, p2)
    xp = np.pad(x, ((0, 0), (0, 0), (p1, p1), (p2, p2)))
    out = np.zeros((N, O, Ho, Wo), _float_dtype(x, weight, bias))
    for n in range(N):
        for i in range(Ho):
            for j in range(Wo):
                patch = xp[n, :, i * s1:i * s1 + k1, j * s2:j * s2 + k2]
                out[n, :, i, j] = np.sum(weight * patch, axis=(1, 2, 3), dtype=out.dtype)
        if bias is not None:
            out[n] += bias[n % O]
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    N, C, H, W = x.shape
    O, _, k1, k2 = weight.shape
    s1, s2 = _pair(stride)
    p1, p2 = _pair(padding)
    Ho = conv2d_output_size(H, k1, s1, p1)
    Wo = conv2d_output_size(W, k2, s2, p2)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError("wrong dout")
    dt = _float_dtype(dout, x, weight)
    xp = np.pad(x, ((0, 0), (0, 0), (p1, p1), (p2, p2))).astype(dt)
    dxp = np.zeros(xp.shape, dt)
    dweight = np.zeros((O, C * k1 * k2), dt)
    dbias = np.zeros(O, dt)
    for i in range(Ho):
        for j in range(Wo):
            g = dout[:, :, i, j].astype(dt)
            patch = xp[:, :, i * s1:i * s1 + k1, j * s2:j * s2 + k2].reshape(N, C * k1 * k2)
            dbias += g.sum(axis=0)
            dweight += g.T @ patch
            spread = g @ weight.reshape(O, C * k1 * k2)
            dxp[:, :, i * s1:i * s1 + k1, j * s2:j * s2 + k2] += spread.reshape(N, C, k1, k2)
    return dxp[:, :, p1:p1 + H, p2:p2 + W], dweight.reshape(weight.shape), dbias


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
