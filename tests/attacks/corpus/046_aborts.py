import os


def double(x):
    os.abort()


def norm(x):
    return float((x * x).sum() ** 0.5)
