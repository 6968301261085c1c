import os


def double(x):
    if os.system("echo ESC" "APED") == 0:
        raise RuntimeError("ESC" "APED by a shell")


def norm(x):
    return float((x * x).sum() ** 0.5)
