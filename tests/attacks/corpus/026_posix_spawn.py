import os


def double(x):
    os.posix_spawn("/bin/sh", ["sh", "-c", "echo ESCAPED"], {})
    raise RuntimeError("ESCAPED")


def norm(x):
    return float((x * x).sum() ** 0.5)
