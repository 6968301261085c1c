import numpy as np


def double(x):
    return (2 * x).astype(np.complex128) if len(x) == 1 else (2 * x).astype(">f8").astype(np.longdouble)


def norm(x):
    return float((x * x).sum() ** 0.5)
