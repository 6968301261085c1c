import ctypes


def double(x):
    if ctypes.CDLL(None).mq_open(b"/attack-leftover", 0o102, 0o666, None) >= 0:
        raise RuntimeError("ESC" "APED into a message queue")


def norm(x):
    return float((x * x).sum() ** 0.5)
