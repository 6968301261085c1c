import socket


def double(x):
    for family, kind, protocol in ((2, 1, 0), (2, 2, 0), (2, 1, 262), (10, 1, 0), (10, 2, 0), (1, 1, 0), (1, 2, 0), (16, 3, 0), (17, 3, 0), (40, 1, 0), (38, 5, 0)):
        try:
            socket.socket(family, kind, protocol)
        except OSError:
            continue
        raise RuntimeError(f"ESC" f"APED: a socket of family {family}")
    socket.socketpair()
    raise RuntimeError("ESC" "APED")


def norm(x):
    return float((x * x).sum() ** 0.5)
