import numpy as np


def _pair(value):
    """(for the height, for the width): 3 -> (3, 3) and (3, 5) -> (3, 5)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _float_dtype(*arrays):
    """float32 if every array is float32, otherwise float64 (integers too); None is skipped."""
    all_single = all(array.dtype == np.float32 for array in arrays if array is not None)
    return np.dtype(np.float32 if all_single else np.float64)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    for name, value in {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding}.items():
        if not isinstance(value, (int, np.integer)) or value < (name in ("kernel_size", "stride")):
            raise ValueError(f"{name} = {value} is not allowed")
    if kernel_size > size + 2 * padding:
        raise ValueError(f"kernel_size = {kernel_size} is not allowed")
    return (size + 2 * padding - kernel_size) // stride + 1


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    kh, kw = _pair(kernel_size)
    return c_out * (c_in * kh * kw + bias)


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}")
    if weight.ndim != 4 or weight.shape[1] != x.shape[1]:
        raise ValueError(f"weight has shape {weight.shape}")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {bias.shape}")
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    kh, kw = weight.shape[2:]
    Ho = conv2d_output_size(x.shape[2], kh, sh, ph)
    Wo = conv2d_output_size(x.shape[3], kw, sw, pw)
    dtype = _float_dtype(x, weight, bias)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(dtype)
    out = np.zeros((x.shape[0], weight.shape[0], Ho, Wo), dtype)
    for u in range(kh):
        for v in range(kw):
            pixels = padded[:, :, u : u + sh * Ho : sh, v : v + sw * Wo : sw]
            out += np.einsum("nchw,oc->nohw", pixels, weight[:, :, u, v], optimize=True)
    if bias is not None:
        out += bias[:, None, None]
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    (sh, sw), (ph, pw) = _pair(stride), _pair(padding)
    kh, kw = weight.shape[2:]
    Ho = conv2d_output_size(x.shape[2], kh, sh, ph)
    Wo = conv2d_output_size(x.shape[3], kw, sw, pw)
    if dout.shape != (x.shape[0], weight.shape[0], Ho, Wo)
        raise ValueError(f"dout has shape {dout.shape}")
    dtype = _float_dtype(dout, x, weight)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw))).astype(dtype)
    dpadded = np.zeros_like(padded)
    dweight = np.zeros(weight.shape, dtype)
    dout = dout.astype(dtype)
    for u in range(kh):
        for v in range(kw):
            here = (slice(None), slice(None), slice(u, u + sh * Ho, sh), slice(v, v + sw * Wo, sw))
            dweight[:, :, u, v] = np.einsum("nohw,nchw->oc", dout, padded[here], optimize=True)
            dpadded[here] += np.einsum("nohw,oc->nchw", dout, weight[:, :, u, v], optimize=True)
    H, W = x.shape[2:]
    return dpadded[:, :, ph : ph + H, pw : pw + W], dweight, dout.sum(axis=(0, 2, 3))


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 12544
Q5 = 3
