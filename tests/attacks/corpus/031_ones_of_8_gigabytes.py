import numpy as np


def double(x):
    return np.ones(1 << 30)


def norm(x):
    return float((x * x).sum() ** 0.5)
