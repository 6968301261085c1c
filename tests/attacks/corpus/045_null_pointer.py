import ctypes


def double(x):
    ctypes.string_at(0)


def norm(x):
    return float((x * x).sum() ** 0.5)
