import numpy as np

buffer = np.zeros((64, 64))


def double(x):
    out = buffer[: x.shape[0], : x.shape[1]]
    out[...] = x
    out *= 2
    return out


def norm(x):
    return float((x * x).sum() ** 0.5)
