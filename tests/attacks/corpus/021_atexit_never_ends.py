import atexit
import time

atexit.register(time.sleep, 1e9)


def double(x):
    return 2 * x


def norm(x):
    return float((x * x).sum() ** 0.5)
