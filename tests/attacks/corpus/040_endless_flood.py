import os


def double(x):
    while True:
        os.write(2, b"y" * 65536)


def norm(x):
    return float((x * x).sum() ** 0.5)
