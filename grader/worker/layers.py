"""The steps by which a worker gives up its rights; each is one layer of the sandbox, `sandbox.LAYERS` is their order.

A step that cannot be done raises OSError (or ImportError, AttributeError where the platform has no such thing).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable
from typing import NamedTuple

from grader.worker import kernel, landlock, seccomp

MEBIBYTE_BITS = 20
HIGHEST_UID = 2_000_000_000  # beyond what anybody assigns
UIDS = 1000
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2


class Limits(NamedTuple):
    """What one worker may use."""

    cpu_s: float
    memory_mib: int


class Kit(NamedTuple):
    """What is made once and used by every worker that is forked; `faults` says why something could not be made."""

    parent: int  # the process whose death is the worker's
    ruleset: int | None
    program: bytes | None
    private: bool  # the interpreter lies where only its owner may read
    uid: int  # the first of `UIDS` user ids that nothing belongs to, going down
    faults: dict[str, str]


class Room(NamedTuple):
    """One worker: how much protection, its limits, its descriptors, its number."""

    level: str
    limits: Limits
    kit: Kit
    descriptors: tuple[int, ...]
    slot: int = 0


def descriptors(room: Room) -> None:
    """Only the conversation, the captured output and the ruleset stay open."""
    kept = sorted({*room.descriptors, *((room.kit.ruleset,) if room.kit.ruleset is not None else ())})
    for before, after in zip([-1, *kept], kept, strict=False):
        if before + 1 < after:  # (an empty range from 0 would close everything)
            os.closerange(before + 1, after)
    kernel.close_from(kept[-1] + 1)
    if os.path.isdir("/proc/self/fd"):
        others = [int(name) for name in os.listdir("/proc/self/fd") if int(name) not in kept]
        if left := [number for number in others if _is_open(number)]:
            raise OSError(errno.EBADF, f"descriptors {left} cannot be closed")


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def session(_room: Room) -> None:
    """A session and process group of its own, without a terminal."""
    os.setsid()


def environment(_room: Room) -> None:
    """No variables, no right for others on what it makes, no working folder of anybody."""
    if os.name == "posix":
        os.environ.clear()
    os.umask(0o077)
    os.chdir("/")


def identity(room: Room) -> None:
    """Root becomes a user that nothing belongs to; capabilities go.

    Where the interpreter is readable by root alone, one capability stays: to read what Landlock grants.
    """
    if sys.platform == "linux" and os.geteuid() != 0:
        kernel.set_capabilities(0)
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    uid = unused_uid(room)
    kept = _reading_capability() if room.kit.private and room.kit.ruleset is not None else 0
    if kept:
        kernel.prctl(kernel.PR_SET_KEEPCAPS, 1, what="prctl(PR_SET_KEEPCAPS)")
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.set_capabilities(kept)


def unused_uid(room: Room) -> int:
    """Another one for each worker of a while: limits that the kernel counts per user are then its own."""
    return room.kit.uid - room.slot % UIDS


def highest_uid() -> int:
    """Near the top of the user ids that this user namespace maps."""
    try:
        with open("/proc/self/uid_map", encoding="utf-8") as file:
            rows = [line.split() for line in file]
    except OSError:
        rows = []
    start, length = max(((int(first), int(length)) for first, _, length in rows), key=lambda r: r[1], default=(0, 1 << 16))
    return min(start + length - 3, HIGHEST_UID)


def _reading_capability() -> int:
    """The smallest capability that reads private folders (containers often have the second only)."""
    permitted = kernel.permitted_capabilities()
    return next((bit for bit in (DAC_READ_SEARCH, DAC_OVERRIDE) if permitted & bit), 0)


def is_private(paths: Iterable[str]) -> bool:
    """Whether some of `paths` lie in folders that a user who owns nothing cannot enter."""
    return any(not _open_to_others(folder) for folder in {os.path.dirname(path) for path in paths})


def _open_to_others(path: str) -> bool:
    here = os.path.realpath(path)
    if not os.path.exists(here):
        return True
    while True:
        if not os.stat(here).st_mode & stat.S_IXOTH:
            return False
        above = os.path.dirname(here)
        if above == here:
            return True
        here = above


def parent_death(room: Room) -> None:
    """The worker is killed when its parent dies (forgotten by a change of identity, so it comes after that)."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, 9, what="prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != room.kit.parent:
        raise OSError(errno.ESRCH, "the parent is gone")


def resources(room: Room) -> None:
    """Time, memory, files, descriptors; soft and hard."""
    import resource

    cpu_s = max(1, int(room.limits.cpu_s))
    bounds = {"RLIMIT_CPU": (cpu_s, cpu_s + 1)} | {name: (0, 0) for name in ("RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE")}
    bounds["RLIMIT_NOFILE"] = (max(32, 1 + max(room.descriptors)),) * 2
    if sys.platform == "linux":  # macOS does not enforce it
        bounds["RLIMIT_AS"] = (room.limits.memory_mib << MEBIBYTE_BITS,) * 2
        if os.getuid() == unused_uid(room):  # counted per user: meant for this worker's threads, not for a learner's other programs
            bounds["RLIMIT_NPROC"] = (64, 64)
    for name, bound in bounds.items():
        if hasattr(resource, name):
            resource.setrlimit(getattr(resource, name), bound)


def no_new_privileges(_room: Room) -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="prctl(PR_SET_NO_NEW_PRIVS)")


def not_dumpable(_room: Room) -> None:
    """Processes of the same user cannot look into this one."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0, what="prctl(PR_SET_DUMPABLE)")


def files(room: Room) -> None:
    if room.kit.ruleset is None:
        raise OSError(errno.ENOSYS, room.kit.faults.get("landlock", "not prepared"))
    landlock.restrict(room.kit.ruleset)


def system_calls(room: Room) -> None:
    if room.kit.program is None:
        raise OSError(errno.ENOSYS, room.kit.faults.get("seccomp", "not prepared"))
    seccomp.install(room.kit.program)
