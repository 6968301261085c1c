import numpy as np


def double(x):
    a = np.zeros(1 << 32)
    a[::512] = 1
    raise RuntimeError("ESC" "APED the memory limit")


def norm(x):
    return float((x * x).sum() ** 0.5)
