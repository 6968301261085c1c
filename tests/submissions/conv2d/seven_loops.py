# conv2d homework. Everything with loops, I wanted to be sure the indices are right.
import numpy as np


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def conv2d_output_size(size, kernel_size, stride=1, padding=0):
    if not isinstance(size, int) or size < 0:
        raise ValueError("size has to be an int >= 0")
    if not isinstance(kernel_size, int) or kernel_size < 1:
        raise ValueError("kernel_size has to be an int >= 1")
    if not isinstance(stride, int) or stride < 1:
        raise ValueError("stride has to be an int >= 1")
    if not isinstance(padding, int) or padding < 0:
        raise ValueError("padding has to be an int >= 0")
    if size + 2 * padding < kernel_size:
        raise ValueError("kernel_size too big")
    count = 0
    start = -padding
    while start + kernel_size <= size + padding:
        count += 1
        start += stride
    return count


def conv2d_num_params(c_in, c_out, kernel_size, bias=True):
    kh, kw = _pair(kernel_size)
    per_filter = c_in * kh * kw
    if bias:
        per_filter += 1
    return c_out * per_filter


def conv2d_forward(x, weight, bias=None, stride=1, padding=0):
    if x.ndim != 4:
        raise ValueError("x needs 4 axes")
    if weight.ndim != 4:
        raise ValueError("weight needs 4 axes")
    N, C, H, W = x.shape
    O, C2, kh, kw = weight.shape
    if C != C2:
        raise ValueError(f"weight has {C2} channels, the image {C}")
    if bias is not None and bias.shape != (O,):
        raise ValueError("bias must have one number per output map")
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)

    single = x.dtype == np.float32 and weight.dtype == np.float32 and (bias is None or bias.dtype == np.float32)
    out = np.zeros((N, O, Ho, Wo), dtype=np.float32 if single else np.float64)
    for n in range(N):
        for o in range(O):
            for i in range(Ho):
                for j in range(Wo):
                    total = 0.0
                    for c in range(C):
                        for u in range(kh):
                            for v in range(kw):
                                row = i * sh + u - ph
                                col = j * sw + v - pw
                                if 0 <= row < H and 0 <= col < W:
                                    total += float(x[n, c, row, col]) * float(weight[o, c, u, v])
                    if bias is not None:
                        total += float(bias[o])
                    out[n, o, i, j] = total
    return out


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    sh, sw = _pair(stride)
    ph, pw = _pair(padding)
    Ho = conv2d_output_size(H, kh, sh, ph)
    Wo = conv2d_output_size(W, kw, sw, pw)
    if dout.shape != (N, O, Ho, Wo):
        raise ValueError(f"dout has the shape {dout.shape} but the output is {(N, O, Ho, Wo)}")

    single = x.dtype == np.float32 and weight.dtype == np.float32 and dout.dtype == np.float32
    kind = np.float32 if single else np.float64
    dx = np.zeros(x.shape)
    dweight = np.zeros(weight.shape)
    dbias = np.zeros(O)
    for n in range(N):
        for o in range(O):
            for i in range(Ho):
                for j in range(Wo):
                    g = float(dout[n, o, i, j])
                    dbias[o] += g
                    for c in range(C):
                        for u in range(kh):
                            for v in range(kw):
                                row = i * sh + u - ph
                                col = j * sw + v - pw
                                if 0 <= row < H and 0 <= col < W:
                                    dx[n, c, row, col] += g * weight[o, c, u, v]
                                    dweight[o, c, u, v] += g * x[n, c, row, col]
    return dx.astype(kind), dweight.astype(kind), dbias.astype(kind)


Q1 = 10
Q2 = 6
Q3 = 3
Q4 = 64 * 14 * 14
Q5 = 3
