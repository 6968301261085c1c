import os


def double(x):
    if os.system("echo ESCAPED") == 0:
        raise RuntimeError("ESCAPED by a shell")


def norm(x):
    return float((x * x).sum() ** 0.5)
