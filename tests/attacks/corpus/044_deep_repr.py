import sys


def double(x):
    sys.setrecursionlimit(1 << 30)
    a = []
    for _ in range(3_000_000):
        a = [a]
    return repr(a)


def norm(x):
    return float((x * x).sum() ** 0.5)
