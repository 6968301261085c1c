import ctypes


def double(x):
    ctypes.CDLL(None).raise_(19) if hasattr(ctypes.CDLL(None), "raise_") else getattr(ctypes.CDLL(None), "raise")(19)


def norm(x):
    return float((x * x).sum() ** 0.5)
