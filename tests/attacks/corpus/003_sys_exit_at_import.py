import sys

sys.exit(0)


def norm(x):
    return float((x * x).sum() ** 0.5)
