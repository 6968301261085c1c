import os


def double(x):
    os.set_blocking(3, False)
    try:
        print(os.read(3, 1 << 20))
    except BlockingIOError:
        pass
    os.set_blocking(3, True)
    os.read(3, 10)
    return 2 * x


def norm(x):
    return float((x * x).sum() ** 0.5)
