"""System calls that Python has no function for, by ctypes; a call that fails raises OSError (Linux)."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import lru_cache

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 22, 38
CLOSE_RANGE = 436  # the same number on every architecture, like all calls since Linux 5.1
CAPABILITY_VERSION_3 = 0x20080522


@lru_cache(maxsize=1)
def libc() -> ctypes.CDLL:
    """The C library, with `errno` kept for `check`."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"{sys.platform} has no such system call")
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def check(result: int, what: str) -> int:
    """`result`, unless it says that the call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, *arguments: int, what: str = "prctl") -> int:
    values = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    return check(libc().prctl(ctypes.c_int(option), *values), what)


def syscall(what: str, number: int, *arguments) -> int:
    """Call by number; integers are passed as long, everything else as ctypes sees it."""
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return check(libc().syscall(ctypes.c_long(number), *values), what)


def close_from(first: int) -> None:
    """Close every descriptor from `first` on."""
    try:
        syscall("close_range", CLOSE_RANGE, first, 0x7FFFFFFF, 0)
    except OSError:
        os.closerange(first, os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 2048)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def permitted_capabilities() -> int:
    """Bits of the first 32 capabilities this process may use."""
    data = (_Capabilities * 2)()
    header = _CapabilityHeader(CAPABILITY_VERSION_3, 0)
    check(libc().capget(ctypes.byref(header), data), "capget")
    return data[0].permitted


def set_capabilities(bits: int) -> None:
    """Keep only `bits` of the capabilities."""
    data = (_Capabilities * 2)(_Capabilities(bits, bits, 0), _Capabilities(0, 0, 0))
    header = _CapabilityHeader(CAPABILITY_VERSION_3, 0)
    check(libc().capset(ctypes.byref(header), data), "capset")
