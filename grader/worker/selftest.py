"""Proof at start: at `strict` one canary worker tries what a hostile submission would try; any success refuses to mark.

The canary is an ordinary worker on the ordinary way, its source an ordinary submission. It answers with the names of
the probes that succeeded; each stands for the layer that ought to have stopped it.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from grader import wire
from grader.worker.client import Ended, not_reached
from grader.worker.layers import Limits

DEADLINE_S = 20.0
PROBES = {  # name in the canary -> (layer, what was possible)
    "read_files": ("landlock", "a file that belongs to nobody's exercise could be read"),
    "list_folders": ("landlock", "a folder could be listed"),
    "write_files": ("landlock", "a file could be made"),
    "look_into_the_grader": ("landlock", "memory or environment of another process could be read"),
    "start_processes": ("seccomp", "a process could be started"),
    "open_sockets": ("seccomp", "a socket could be opened"),
    "signal_processes": ("seccomp", "another process could be signalled"),
    "raise_limits": ("seccomp", "a limit could be changed"),
    "share_memory": ("seccomp", "memory outside the limit could be had"),
    "hoard_memory": ("resources", "more memory than allowed could be had"),
    "use_descriptors": ("descriptors", "a descriptor of another process was open"),
    "read_variables": ("environment", "environment variables could be read"),
    "be_root": ("identity", "the worker runs as root"),
}
CANARY = '''
import ctypes, mmap, os, signal, socket


def succeeds(action, *arguments):
    try:
        action(*arguments)
    except (OSError, MemoryError, ValueError, OverflowError):
        return False
    return True


def read_files(paths, folder, processes, memory_mib, descriptors):
    return any(succeeds(lambda: os.close(os.open(path, os.O_RDONLY))) for path in paths)


def list_folders(paths, folder, processes, memory_mib, descriptors):
    return any(succeeds(os.listdir, f) for f in (folder, "/", "/proc"))


def write_files(paths, folder, processes, memory_mib, descriptors):
    return any(succeeds(lambda: os.close(os.open(f + "/canary", os.O_CREAT | os.O_WRONLY))) for f in (folder, "/dev/shm", "/tmp", "."))


def look_into_the_grader(paths, folder, processes, memory_mib, descriptors):
    return any(succeeds(lambda: os.close(os.open(f"/proc/{p}/{name}", os.O_RDONLY))) for p in processes for name in ("mem", "environ", "status"))


def start_processes(paths, folder, processes, memory_mib, descriptors):
    def fork():
        if os.fork() == 0:
            os._exit(0)
    return succeeds(fork) or succeeds(os.posix_spawn, "/bin/true", ["true"], {})


def open_sockets(paths, folder, processes, memory_mib, descriptors):
    families = ((2, 1), (2, 2), (10, 1), (1, 1), (16, 3), (40, 1))
    return any(succeeds(lambda: socket.socket(*f).close()) for f in families) or succeeds(socket.socketpair)


def signal_processes(paths, folder, processes, memory_mib, descriptors):
    return any(succeeds(os.kill, p, 0) for p in processes) or succeeds(os.killpg, 0, 0)


def raise_limits(paths, folder, processes, memory_mib, descriptors):
    import resource
    return succeeds(resource.setrlimit, resource.RLIMIT_CORE, (0, 0)) or succeeds(os.setpriority, os.PRIO_PROCESS, 0, 5)


def share_memory(paths, folder, processes, memory_mib, descriptors):
    return hasattr(os, "memfd_create") and succeeds(lambda: os.close(os.memfd_create("canary")))


def hoard_memory(paths, folder, processes, memory_mib, descriptors):
    return succeeds(lambda: mmap.mmap(-1, (memory_mib + 64) << 20).close())


def use_descriptors(paths, folder, processes, memory_mib, descriptors):
    return any(succeeds(os.fstat, number) for number in range(descriptors, 256))


def read_variables(paths, folder, processes, memory_mib, descriptors):
    return bool(os.environ)


def be_root(paths, folder, processes, memory_mib, descriptors):
    return os.geteuid() == 0 or os.getegid() == 0


def succeeded(names, *about):
    return [name for name in names if globals()[name](*about)]
'''


def prove(launcher: Any, limits: Limits, secrets: tuple[Path, ...] = ()) -> None:
    """Start the canary at `strict`; SandboxError when a probe succeeds or a layer cannot be set.

    secrets: files beside the planted one that no worker may read (the exercise's tests).
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="canary-")
    except OSError as error:
        raise not_reached("self-test", f"no temporary folder for the canary: {error.strerror}") from None
    with folder as place:
        planted = Path(place) / "planted.txt"
        planted.write_text("a submission that reads this could read the tests\n")
        os.chmod(place, 0o755)
        os.chmod(planted, 0o644)
        paths = [str(planted), __file__, *map(str, secrets)]
        worker = launcher.worker(limits, "strict")
        try:
            names = _ask(worker, (list(PROBES), paths, place, [os.getpid(), os.getppid(), *_zygote(launcher)], limits.memory_mib, launcher.descriptors))
        except Ended as ended:
            raise not_reached("self-test", f"the canary did not come back: {ended.message}") from None
        worker.dismiss()
    if names:
        layer, possible = PROBES[names[0]]
        raise not_reached(layer, f"the self-test found that {possible}")


def _ask(worker: Any, about: tuple) -> list[str]:
    """The probes that succeeded."""
    deadline = time.monotonic() + DEADLINE_S
    loaded = worker.load((("canary.py", CANARY),), (), deadline)
    reply = worker.ask(wire.encode(("call", "succeeded", about, {}, {})), deadline)
    if loaded.failures or reply.raised or not isinstance(reply.value, list) or not set(reply.value) <= PROBES.keys():
        worker.kill()
        what = loaded.failures[0].raised if loaded.failures else reply.raised
        raise not_reached("self-test", f"the canary did not answer: {what.type + ': ' + what.message if what else 'in kind'}")
    return reply.value


def _zygote(launcher: Any) -> tuple[int, ...]:
    process = getattr(launcher, "process", None)
    return (process.pid,) if process is not None else ()
