import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    """float32 if every array is float32, otherwise float64 (integers too); None is skipped."""
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    for value, name in [(size, "size"), (kernel_size, "kernel_size"), (stride, "stride"), (padding, "padding")]:
        if not isinstance(value, (int, np.integer)):
            raise ValueError(name + " must be an int")
    if size < 0:
        raise ValueError("size is negative")
    if padding < 0:
        raise ValueError("padding is negative")
    if stride < 1:
        raise ValueError("stride must be positive")
    if not 1 <= kernel_size <= size + 2 * padding:
        raise ValueError("kernel_size must be between 1 and the padded image")
    return (size - kernel_size + 2 * padding) // stride + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    kh, kw = _pair(kernel_size)
    weights = c_in * c_out * kh * kw
    return weights + c_out if bias else weights


def get_sizes(x, weight, stride, padding):
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    W, H = x.shape[2:]  # width, height
    kh, kw = weight.shape[2:]
    return conv2d_output_size(H, kh, sh, ph), conv2d_output_size(W, kw, sw, pw), sh, sw, ph, pw, kh, kw


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError("x must have 4 axes")
    if weight.ndim != 4:
        raise ValueError("weight must have 4 axes")
    if weight.shape[1] != x.shape[1]:
        raise ValueError("weight and image must have the same channels")
    if bias is not None and bias.shape != (len(weight),):
        raise ValueError("bias must be one number per kernel")
    Ho, Wo, sh, sw, ph, pw, kh, kw = get_sizes(x, weight, stride, padding)
    dtype = _float_dtype(x, weight, bias)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(dtype)
    out = np.zeros((len(x), len(weight), Ho, Wo), dtype)
    for i in range(Ho):
        for j in range(Wo):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            out[:, :, i, j] = np.tensordot(window, weight, axes=((1, 2, 3), (1, 2, 3)))
    if bias is not None:
        out += bias[None, :, None, None]
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    Ho, Wo, sh, sw, ph, pw, kh, kw = get_sizes(x, weight, stride, padding)
    if dout.shape != (len(x), len(weight), Ho, Wo):
        raise ValueError(f"dout should be {(len(x), len(weight), Ho, Wo)}")
    dtype = _float_dtype(dout, x, weight)
    dout = dout.astype(dtype)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(dtype)
    dpadded = np.zeros_like(padded)
    dweight = np.zeros(weight.shape, dtype)
    for i in range(Ho):
        for j in range(Wo):
            window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            dweight += np.tensordot(dout[:, :, i, j], window, axes=((0,), (0,)))
            dpadded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += np.tensordot(dout[:, :, i, j], weight, axes=1)
    bottom, right = padded.shape[2] - ph, padded.shape[3] - pw
    return dpadded[:, :, ph:bottom, pw:right], dweight, dout.sum(axis=(0, 2, 3))


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
