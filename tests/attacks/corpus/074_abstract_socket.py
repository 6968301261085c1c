import socket


def double(x):
    socket.socket(socket.AF_UNIX).connect("\0attack")
    raise RuntimeError("ESC" "APED")


def norm(x):
    return float((x * x).sum() ** 0.5)
