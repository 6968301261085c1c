"""Grader side: start workers. `Zygote` forks them from a warm parent; `Spawner` starts each as a new process.

Both have the same two methods: `worker(limits, level, ahead) -> Worker` and `close()`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

from grader.errors import WorkerFault
from grader.worker.layers import Limits

ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")}

ANSWER_S = 120.0  # of the process that starts workers, which has numpy or torch to import first


def launcher(framework: str, allowed: tuple[str, ...] = ("numpy",), spawn: bool | None = None, blas_kernel: str | None = None):
    """The fastest safe way to start workers here; `GRADE_WORKERS=spawn` chooses the portable one.

    allowed:     the distributions that workers may import and, under a sandbox, read
    blas_kernel: a processor whose code OpenBLAS is to use, instead of this machine's
    """
    if spawn is None:
        spawn = sys.platform != "linux" or os.environ.get("GRADE_WORKERS") == "spawn"
    environment = _environment() | ({"OPENBLAS_CORETYPE": blas_kernel} if blas_kernel else {})
    return Spawner(framework, allowed, environment) if spawn else Zygote(framework, allowed, environment)


def _command(module: str) -> list[str]:
    return [sys.executable, "-s", "-P", "-X", "utf8", "-m", module]


def _environment() -> dict[str, str]:
    """Nothing of the caller's environment but what the platform needs to start a process."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATHEXT") if name in os.environ}
    return {**kept, **ONE_THREAD, "PYTHONHASHSEED": "0", "PATH": ""}


class Zygote:
    """The warm parent, started at once so that it imports numpy while the grader does other things."""

    descriptors = 4  # of a worker: input, output, errors, conversation

    def __init__(self, framework: str, allowed: tuple[str, ...], environment: dict[str, str]):
        self.framework = framework
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(ANSWER_S)
        self.process = subprocess.Popen(
            [*_command("grader.worker.zygote"), str(theirs.fileno()), framework, ",".join(allowed)], pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, cwd=Path(sys.prefix).anchor, start_new_session=True)
        theirs.close()
        self.unnumbered: deque[ForkedProcess] = deque()  # asked for, not answered yet

    def worker(self, limits: Limits, level: str, ahead: bool = False):
        """Fork a worker; returns at once, the worker announces itself as ready on its channel. One that is forked `ahead` of its use warms up."""
        from grader.worker.channel import PollChannel
        from grader.worker.client import Worker

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        output, their_output = os.pipe()
        try:
            self._send([theirs.fileno(), their_output], "fork", level, limits.cpu_s, limits.memory_mib, ahead)
        except WorkerFault:
            ours.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            os.close(their_output)
        process = ForkedProcess(self, limits)
        self.unnumbered.append(process)
        return Worker(PollChannel(ours, output), process)

    def number(self) -> None:
        """Workers learn their process ids: the answers that are still to come, in the order of the questions."""
        while self.unnumbered:
            _, self.unnumbered[0].number = self._answer()
            self.unnumbered.popleft()

    def reap(self, pid: int) -> tuple[int | None, float]:
        """How a worker that was ended ended: `(exit status, CPU seconds)`."""
        self.number()
        self._send([], "reap", pid)
        _, status, cpu_s = self._answer()
        return status, cpu_s

    def forget(self, pid: int) -> None:
        """A worker was killed and nobody asks how it ended."""
        self._send([], "forget", pid)

    def _send(self, descriptors: list[int], *request) -> None:
        try:
            socket.send_fds(self.control, [msgspec.msgpack.encode(request)], descriptors)
        except OSError as error:
            raise WorkerFault(f"the process that starts workers is gone ({error})") from None

    def _answer(self) -> tuple:
        try:
            answer = self.control.recv(4096)
        except OSError as error:
            raise WorkerFault(f"the process that starts workers is gone ({error})") from None
        if not answer:
            raise WorkerFault("the process that starts workers ended")
        return tuple(msgspec.msgpack.decode(answer))

    def branch(self) -> Branch:
        """Another zygote, forked from this one: it is warm at once and shares the memory."""
        self.number()
        return Branch(self)

    def let_go(self) -> None:
        """Another process has it now: this one hangs up and ends nothing."""
        self.control.close()

    def close(self) -> None:
        self.control.close()
        self.process.kill()  # it holds nothing to save; its workers die with it
        self.process.wait()


class Branch(Zygote):
    """A zygote that is a child of another zygote, which reaps it."""

    def __init__(self, parent: Zygote):
        self.framework, self.unnumbered = parent.framework, deque()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(ANSWER_S)
        with theirs:
            parent._send([theirs.fileno()], "branch")
        _, pid = parent._answer()
        self.process = Handle(pid)

    def let_go(self) -> None:
        super().let_go()
        self.process.wait()


class Handle:
    """A process that somebody else reaps."""

    def __init__(self, pid: int):
        self.pid, self.descriptor = pid, os.pidfd_open(pid)

    def kill(self) -> None:
        try:
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def wait(self) -> None:
        os.close(self.descriptor)


class ForkedProcess:
    """A worker's process, a child of the zygote: its number stays taken until the zygote reaps it."""

    def __init__(self, zygote: Zygote, limits: Limits):
        self.zygote, self.limits, self.status = zygote, limits, None
        self.number = 0  # until the zygote has answered

    @property
    def pid(self) -> int:
        if self.number == 0:
            self.zygote.number()
        return self.number

    def cpu_s(self) -> float:
        try:
            return time.clock_gettime(_clock_of(self.pid))
        except OSError:
            return 0.0

    def is_asleep(self) -> bool:
        return _is_asleep(self.pid)

    def end(self, grace_s: float = 0.0) -> tuple[int | None, float]:
        """Kill (after `grace_s` if it is dying by itself) and reap: `(exit status, CPU seconds)`."""
        if self.status is None:
            self._wait_for_exit(grace_s)
            self._kill()
            self.status = self.zygote.reap(self.pid)
        return self.status

    def dismiss(self) -> None:
        """Kill and leave the rest to the zygote: nobody asks how it ended."""
        if self.status is None:
            self.status = (None, 0.0)
            self._kill()
            self.zygote.forget(self.pid)

    def _kill(self) -> None:
        for target in (-self.pid, self.pid):
            try:
                os.kill(target, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass

    def _wait_for_exit(self, grace_s: float) -> None:
        if grace_s:
            self.is_gone(grace_s)

    def is_gone(self, within_s: float = 0.0) -> bool:
        import select

        with os.fdopen(os.pidfd_open(self.pid), closefd=True) as pidfd:
            return bool(select.select([pidfd], [], [], within_s)[0])


def _clock_of(pid: int) -> int:
    """The kernel's id of a process's CPU clock."""
    return (~pid << 3) | 2


def _is_asleep(pid: int) -> bool:
    """Whether all threads of a process wait for something, none for a processor; False where nobody knows."""
    try:
        states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (OSError, IndexError):
        return False
    return set(states) == {"S"}


class Spawner:
    """Every worker is a fresh process; slower, works everywhere."""

    descriptors = 5  # its conversation has two

    def __init__(self, framework: str, allowed: tuple[str, ...], environment: dict[str, str]):
        self.framework, self.allowed, self.environment = framework, allowed, environment

    def worker(self, limits: Limits, level: str, ahead: bool = False):
        from grader.worker.channel import ThreadChannel
        from grader.worker.client import Worker

        process = subprocess.Popen(
            [*_command("grader.worker.spawned"), self.framework, ",".join(self.allowed), level, str(limits.cpu_s), str(limits.memory_mib)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment, cwd=Path(sys.prefix).anchor)
        return Worker(ThreadChannel(process.stdout, process.stdin, process.stderr), SpawnedProcess(process, limits))

    def branch(self) -> Spawner:
        return self

    def let_go(self) -> None:
        """Nothing is kept warm."""

    def close(self) -> None:
        """Nothing is kept warm."""


class SpawnedProcess:
    """A worker that is the grader's own child."""

    def __init__(self, process: subprocess.Popen, limits: Limits):
        self.process, self.limits, self.started = process, limits, time.monotonic()

    def cpu_s(self) -> float:
        if sys.platform == "linux":
            try:
                return time.clock_gettime(_clock_of(self.process.pid))
            except OSError:
                return 0.0
        return time.monotonic() - self.started  # wall time elsewhere

    def is_asleep(self) -> bool:
        return _is_asleep(self.process.pid)

    def is_gone(self) -> bool:
        return self.process.poll() is not None

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
