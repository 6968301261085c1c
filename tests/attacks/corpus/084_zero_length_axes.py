import numpy as np


def double(x):
    return np.zeros((0,) * 30)


def norm(x):
    return float((x * x).sum() ** 0.5)
