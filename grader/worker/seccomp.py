"""seccomp: an allow-list of system calls; everything else fails with EPERM, a foreign architecture is killed.

    program = build(platform.machine())       once, in the process that forks workers
    install(program)                          in the worker, last of all; for good

Judged by their arguments: `clone` makes threads only, `fcntl` and `prctl` only harmless commands, `tgkill` reaches
the worker itself, `prlimit64` only reads. (`fcntl` could otherwise have the kernel send any signal to any process.)
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable

from grader.worker import kernel
from grader.worker.syscalls import AUDIT_ARCH, always_allowed, conditional

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
KILL_PROCESS, ALLOW, DENY = 0x80000000, 0x7FFF0000, 0x00050000 | errno.EPERM
NUMBER, ARCHITECTURE = 0, 4  # offsets into struct seccomp_data; arguments from 16 on, 8 bytes each
X32 = 0x40000000
OWN_PID = 0x7FFFFFF7  # replaced by the worker's process id when the program is installed

CLONE_THREAD, CLONE_NEW_NAMESPACES = 0x00010000, 0x7E020000
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030, 1032)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ
PRCTL_OPTIONS = (15, 0x53564D41)  # the names of threads and of memory

Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def build(machine: str, default: int = DENY) -> bytes:
    """The filter as BPF; `default` is what happens to a call that is not on the list."""
    if machine not in AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    code: list[Instruction] = [(LOAD, 0, 0, ARCHITECTURE), (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]), (RETURN, 0, 0, KILL_PROCESS), (LOAD, 0, 0, NUMBER)]
    if machine == "x86_64":
        code += [(JUMP_AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL_PROCESS)]
    for number in always_allowed(machine).values():
        code += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for name, number in conditional(machine).items():
        judge = _RULES[name](default)
        code += [(JUMP_EQUAL, 0, len(judge), number), *judge]
    code.append((RETURN, 0, 0, default))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def install(program: bytes) -> None:
    """Put this thread and what it starts under the filter (needs no_new_privs)."""
    own = program.replace(struct.pack("<I", OWN_PID), struct.pack("<I", os.getpid()))
    buffer = ctypes.create_string_buffer(own, len(own))
    described = _Program(len(own) // 8, ctypes.addressof(buffer))
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.addressof(described), what="prctl(PR_SET_SECCOMP)")


def fail(number: int) -> int:
    """The action "fail with this errno"."""
    return 0x00050000 | number


def _argument(index: int, high: bool = False) -> Instruction:
    return (LOAD, 0, 0, 16 + 8 * index + (4 if high else 0))


def _one_of(index: int, values: Iterable[int], default: int) -> list[Instruction]:
    """Allowed when the argument's low half is one of `values` (kernel and glibc treat these as 32 bits wide)."""
    code = [_argument(index)]
    for value in values:
        code += [(JUMP_EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    return [*code, (RETURN, 0, 0, default)]


def _threads_only(_default: int) -> list[Instruction]:
    return [_argument(0), (AND, 0, 0, CLONE_THREAD | CLONE_NEW_NAMESPACES), (JUMP_EQUAL, 0, 1, CLONE_THREAD), (RETURN, 0, 0, ALLOW),
            (RETURN, 0, 0, fail(errno.EAGAIN))]


def _own_limits_read(default: int) -> list[Instruction]:
    """Process 0 and no new limit: both halves of the pointer are null."""
    return [_argument(0), (JUMP_EQUAL, 0, 5, 0), _argument(2), (JUMP_EQUAL, 0, 3, 0), _argument(2, high=True), (JUMP_EQUAL, 0, 1, 0),
            (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, default)]


_RULES = {
    "clone": _threads_only,
    "clone3": lambda _default: [(RETURN, 0, 0, fail(errno.ENOSYS))],  # its flags lie in memory; glibc falls back to clone
    "tgkill": lambda default: _one_of(0, (OWN_PID,), default),
    "prlimit64": _own_limits_read,
    "fcntl": lambda default: _one_of(1, FCNTL_COMMANDS, default),
    "ioctl": lambda _default: [(RETURN, 0, 0, fail(errno.ENOTTY))],
    "prctl": lambda default: _one_of(0, PRCTL_OPTIONS, default),
}
