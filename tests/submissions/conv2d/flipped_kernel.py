import numpy as np


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def check_int(name, n, smallest):
    if type(n) is not int or n < smallest:
        raise ValueError(f"bad {name} {n}")


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    check_int("size", size, 0)
    check_int("kernel_size", kernel_size, 1)
    check_int("stride", stride, 1)
    check_int("padding", padding, 0)
    if kernel_size > size + 2 * padding:
        raise ValueError(f"bad kernel_size {kernel_size}, the image is smaller")
    return (size + 2 * padding - kernel_size) // stride + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    kh, kw = _pair(kernel_size)
    n = c_in * c_out * kh * kw
    if bias:
        n += c_out
    return n


def pad_image(x, ph, pw, dtype):
    N, C, H, W = x.shape
    xp = np.zeros((N, C, H + 2 * ph, W + 2 * pw), dtype)
    xp[:, :, ph:ph + H, pw:pw + W] = x
    return xp


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError("bad x, not 4-D")
    if weight.ndim != 4:
        raise ValueError("bad weight, not 4-D")
    if x.shape[1] != weight.shape[1]:
        raise ValueError("bad weight, other number of channels")
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError("bad bias shape")
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    dtype = _float_dtype(x, weight, bias)
    xp = pad_image(x, ph, pw, dtype)
    # "convolution": turn the kernel by 180 degrees, then slide it over the image
    k = weight[:, :, ::-1, ::-1].reshape(O, C * kh * kw).T
    out = np.zeros((N, O, Ho, Wo), dtype)
    for i in range(Ho):
        for j in range(Wo):
            patch = xp[:, :, i * sh:i * sh + kh, j * sw:j * sw + kw].reshape(N, C * kh * kw)
            out[:, :, i, j] = patch @ k
    if bias is not None:
        out += bias.reshape(1, O, 1, 1)
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError("bad dout shape")
    dtype = _float_dtype(dout, x, weight)
    dout = dout.astype(dtype)
    xp = pad_image(x, ph, pw, dtype)
    dxp = np.zeros_like(xp)
    dw = np.zeros((O, C * kh * kw), dtype)
    k = weight.reshape(O, C * kh * kw)
    # the three formulas of the handout, one output position at a time
    for i in range(Ho):
        for j in range(Wo):
            top, left = i * sh, j * sw
            g = dout[:, :, i, j]
            patch = xp[:, :, top:top + kh, left:left + kw].reshape(N, C * kh * kw)
            dw += g.T @ patch
            dxp[:, :, top:top + kh, left:left + kw] += (g @ k).reshape(N, C, kh, kw)
    return dxp[:, :, ph:ph + H, pw:pw + W], dw.reshape(weight.shape), dout.sum(axis=(0, 2, 3))


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
