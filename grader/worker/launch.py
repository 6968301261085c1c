"""Grader side: start workers. `Zygote` forks them from a warm parent; `Spawner` starts each as a new process.

Both have the same two methods: `worker(limits, level) -> Worker` and `close()`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from grader.errors import WorkerFault
from grader.worker.layers import Limits

ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")}


def launcher(framework: str, allowed: tuple[str, ...] = ("numpy",), spawn: bool | None = None):
    """The fastest safe way to start workers here; `GRADE_WORKERS=spawn` chooses the portable one.

    allowed: the distributions that workers may import and, under a sandbox, read.
    """
    if spawn is None:
        spawn = sys.platform != "linux" or os.environ.get("GRADE_WORKERS") == "spawn"
    return Spawner(framework, allowed) if spawn else Zygote(framework, allowed)


def _command(module: str) -> list[str]:
    return [sys.executable, "-s", "-P", "-X", "utf8", "-m", module]


def _environment() -> dict[str, str]:
    """Nothing of the caller's environment but what the platform needs to start a process."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATHEXT") if name in os.environ}
    return {**kept, **ONE_THREAD, "PYTHONHASHSEED": "0", "PATH": ""}


class Zygote:
    """The warm parent, started at once so that it imports numpy while the grader does other things."""

    descriptors = 4  # of a worker: input, output, errors, conversation

    def __init__(self, framework: str, allowed: tuple[str, ...]):
        self.framework = framework
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [*_command("grader.worker.zygote"), str(theirs.fileno()), framework, ",".join(allowed)], pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=_environment(), cwd=Path(sys.prefix).anchor, start_new_session=True)
        theirs.close()

    def worker(self, limits: Limits, level: str):
        """Fork a worker; returns at once, the worker announces itself as ready on its channel."""
        from grader.worker.channel import PollChannel
        from grader.worker.client import Worker

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        output, their_output = os.pipe()
        try:
            _, pid = self._ask([theirs.fileno(), their_output], "fork", level, limits.cpu_s, limits.memory_mib)
        finally:
            theirs.close()
            os.close(their_output)
        return Worker(PollChannel(ours, output), ForkedProcess(self, pid, limits))

    def _ask(self, descriptors: list[int], *request) -> tuple:
        try:
            socket.send_fds(self.control, [msgspec.msgpack.encode(request)], descriptors)
            answer = self.control.recv(4096)
        except OSError as error:
            raise WorkerFault(f"the process that starts workers is gone ({error})") from None
        if not answer:
            raise WorkerFault("the process that starts workers ended")
        return tuple(msgspec.msgpack.decode(answer))

    def tell(self, *notice) -> None:
        """Something that needs no answer."""
        try:
            self.control.send(msgspec.msgpack.encode(notice))
        except OSError as error:
            raise WorkerFault(f"the process that starts workers is gone ({error})") from None

    def close(self) -> None:
        self.control.close()
        self.process.kill()  # it holds nothing to save; its workers die with it
        self.process.wait()


class ForkedProcess:
    """A worker's process, a child of the zygote: its number stays taken until the zygote reaps it."""

    def __init__(self, zygote: Zygote, pid: int, limits: Limits):
        self.zygote, self.pid, self.limits, self.status = zygote, pid, limits, None
        self.clock = (~pid << 3) | 2  # the kernel's id of a process's CPU clock

    def cpu_s(self) -> float:
        try:
            return time.clock_gettime(self.clock)
        except OSError:
            return 0.0

    def end(self, grace_s: float = 0.0) -> tuple[int | None, float]:
        """Kill (after `grace_s` if it is dying by itself) and reap: `(exit status, CPU seconds)`."""
        if self.status is None:
            self._wait_for_exit(grace_s)
            self._kill()
            _, status, cpu_s = self.zygote._ask([], "reap", self.pid)
            self.status = (status, cpu_s)
        return self.status

    def dismiss(self) -> None:
        """Kill and leave the rest to the zygote: nobody asks how it ended."""
        if self.status is None:
            self.status = (None, 0.0)
            self._kill()
            self.zygote.tell("forget", self.pid)

    def _kill(self) -> None:
        for target in (-self.pid, self.pid):
            try:
                os.kill(target, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass

    def _wait_for_exit(self, grace_s: float) -> None:
        if grace_s:
            import select

            with os.fdopen(os.pidfd_open(self.pid), closefd=True) as pidfd:
                select.select([pidfd], [], [], grace_s)


class Spawner:
    """Every worker is a fresh process; slower, works everywhere."""

    descriptors = 5  # its conversation has two

    def __init__(self, framework: str, allowed: tuple[str, ...]):
        self.framework, self.allowed = framework, allowed

    def worker(self, limits: Limits, level: str):
        from grader.worker.channel import ThreadChannel
        from grader.worker.client import Worker

        process = subprocess.Popen(
            [*_command("grader.worker.spawned"), self.framework, ",".join(self.allowed), level, str(limits.cpu_s), str(limits.memory_mib)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(), cwd=Path(sys.prefix).anchor)
        return Worker(ThreadChannel(process.stdout, process.stdin, process.stderr), SpawnedProcess(process, limits))

    def close(self) -> None:
        """Nothing is kept warm."""


class SpawnedProcess:
    """A worker that is the grader's own child."""

    def __init__(self, process: subprocess.Popen, limits: Limits):
        self.process, self.limits, self.started = process, limits, time.monotonic()

    def cpu_s(self) -> float:
        if sys.platform == "linux":
            try:
                return time.clock_gettime((~self.process.pid << 3) | 2)
            except OSError:
                return 0.0
        return time.monotonic() - self.started  # wall time elsewhere

    def dismiss(self) -> None:
        """Kill; nobody asks how it ended."""
        self.end()

    def end(self, grace_s: float = 0.0) -> tuple[int | None, float]:
        if grace_s:
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                pass
        cpu_s = self.cpu_s()
        if self.process.poll() is None:
            if hasattr(os, "killpg"):
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            self.process.kill()
        return self.process.wait(), cpu_s
