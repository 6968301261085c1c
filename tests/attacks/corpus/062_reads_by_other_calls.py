import ctypes
import os


def double(x):
    libc = ctypes.CDLL(None, use_errno=True)
    file = b"/tmp/attack-target/file.txt"
    how = (ctypes.c_uint64 * 3)()
    opened = [libc.syscall(2, file, 0), libc.syscall(257, -100, file, 0, 0), libc.syscall(437, -100, file, how, 24), libc.syscall(304, -100, file, 0),
              libc.open(file, os.O_PATH), libc.creat(b"/tmp/attack-leftover", 0o666)]
    if any(libc.read(number, ctypes.create_string_buffer(10), 10) > 0 for number in opened if number >= 0):
        raise RuntimeError("ESC" "APED by another way to open")


def norm(x):
    return float((x * x).sum() ** 0.5)
