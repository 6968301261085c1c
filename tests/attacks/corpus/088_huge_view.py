import numpy as np


def double(x):
    return np.broadcast_to(x[:1, :1], (1 << 20, 1 << 20))


def norm(x):
    return float((x * x).sum() ** 0.5)
