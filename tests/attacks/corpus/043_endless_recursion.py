import sys


def double(x):
    sys.setrecursionlimit(1 << 30)

    def down(n):
        return down(n + 1) + 1

    return down(0)


def norm(x):
    return float((x * x).sum() ** 0.5)
