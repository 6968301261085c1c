import ctypes
import os


def double(x):
    for pid in (os.getppid(), 1, os.getpid()):
        for name in ("mem", "environ", "maps", "cmdline", "status"):
            try:
                open(f"/proc/{pid}/{name}", "rb").read(100)
            except OSError:
                continue
            raise RuntimeError("ESC" "APED: read " + name)
    buffer = ctypes.create_string_buffer(64)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 64)
    remote = (ctypes.c_size_t * 2)(0x400000, 64)
    if ctypes.CDLL(None).process_vm_readv(os.getppid(), local, 1, remote, 1, 0) > 0:
        raise RuntimeError("ESC" "APED: " + repr(buffer.raw))
    raise OSError("no way in")


def norm(x):
    return float((x * x).sum() ** 0.5)
