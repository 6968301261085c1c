"""How lanes start. Linux: forked from one process, the stem, that has prepared the exercise and collected its tests.

Forked lanes begin at once, share the stem's memory, and all mark by what was read then, whatever happens to the files
meanwhile. Elsewhere (and with GRADE_WORKERS=spawn) each lane is a process that reads everything itself. A stem or lane
that starts later must find what the first one found: marks of two states are never mixed.

Both ways have `first() -> Ready`, `lane() -> Talk` and `stop()`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import msgspec

from grader.batch.messages import Fault, Ready, Setup
from grader.batch.talk import Lost, Talk, fault_of
from grader.errors import CourseError
from grader.worker.launch import ONE_THREAD

SETUP_S = 3600.0  # recording a reference and learning many mistakes


def source_of_lanes(command: tuple[str, ...], setup: Setup) -> Forked | Spawned:
    forks = sys.platform == "linux" and os.environ.get("GRADE_WORKERS") != "spawn"
    return (Forked if forks else Spawned)(command, setup)


class Spawned:
    """Every lane is a process of its own."""

    def __init__(self, command: tuple[str, ...], setup: Setup):
        self.command, self.setup = command, setup
        self.ready: Ready | None = None
        self.waiting: list[Talk] = []
        self.beginning: Talk | None = None  # the latest

    def first(self) -> Ready:
        self.waiting.append(self._begin(self.command))
        return self.ready

    def lane(self) -> Talk:
        try:
            return self.waiting.pop()
        except IndexError:
            return self._begin(self.command)

    def kill_beginning(self) -> None:
        """Whoever waits for a process to be ready waits no longer."""
        if self.beginning is not None:
            self.beginning.kill()

    def stop(self) -> None:
        self.kill_beginning()
        for talk in self.waiting:
            talk.kill()
            talk.close()

    def _begin(self, command: tuple[str, ...], descriptors: tuple[int, ...] = ()) -> Talk:
        """A process that has read the exercise, and found what the first one found."""
        errors = tempfile.TemporaryFile()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **ONE_THREAD},
                                   start_new_session=os.name == "posix", pass_fds=descriptors)
        self.beginning = talk = Talk(process, process.stdin, process.stdout, errors)
        try:
            answer = talk.ask(msgspec.structs.replace(self.setup, prepare=self.ready is None), SETUP_S)
            self._accept(answer)
        except BaseException:
            talk.kill()
            talk.close()
            raise
        return talk

    def _accept(self, answer: object) -> None:
        if isinstance(answer, Fault):
            raise fault_of(answer)
        if not isinstance(answer, Ready):
            raise Lost("an answer out of place")
        self.ready = self.ready or answer
        if answer != self.ready:
            raise CourseError(f"tests, reference, settings or mistakes of {self.setup.slug}, or `grade` itself, changed while the batch ran. What is finished was "
                              "marked by what they were before, and is kept: put them back and go on with --resume, or mark anew into another folder")


class Forked(Spawned):
    """Lanes of the stem. `lane` may be called from any thread."""

    def __init__(self, command: tuple[str, ...], setup: Setup):
        super().__init__(command, setup)
        self.lock = threading.Lock()
        self.stem: Talk | None = None

    def first(self) -> Ready:
        self.control, theirs = Control.pair()
        with theirs:
            self.stem = self._begin((*self.command, str(theirs.fileno())), (theirs.fileno(),))
        return self.ready

    def lane(self) -> Talk:
        with self.lock:
            if self.stem is None:
                self.first()
            try:
                return self._fork()
            except OSError as error:
                self._forget_stem()
                raise Lost(f"the process that starts lanes is gone ({error})") from None

    def _fork(self) -> Talk:
        their_input, to = os.pipe()
        back, their_output = os.pipe()
        errors = tempfile.TemporaryFile()
        try:
            process = ForkedLane(self.control, self.control.ask("lane", (their_input, their_output, errors.fileno())))
        except OSError:
            os.close(to)
            os.close(back)
            errors.close()
            raise
        finally:
            os.close(their_input)
            os.close(their_output)
        return Talk(process, os.fdopen(to, "wb"), os.fdopen(back, "rb"), errors)

    def _forget_stem(self) -> None:
        self.control.close()
        self.stem.close()
        self.stem = None

    def stop(self) -> None:
        self.kill_beginning()
        with self.lock:
            if self.stem is not None:
                self._forget_stem()


class Control:
    """Requests to the stem, from any thread: `("lane", descriptors) -> pid`, `(pid) -> exit status` of a lane that has ended."""

    def __init__(self, ours: socket.socket):
        self.ours, self.lock = ours, threading.Lock()

    @classmethod
    def pair(cls) -> tuple[Control, socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    def ask(self, request: str | int, descriptors: tuple[int, ...] = ()) -> int:
        with self.lock:
            socket.send_fds(self.ours, [msgspec.msgpack.encode(request)], descriptors)
            answer = self.ours.recv(4096)
        if not answer:
            raise ConnectionError("it ended")
        return msgspec.msgpack.decode(answer)

    def close(self) -> None:
        self.ours.close()


class ForkedLane:
    """The process of a lane, a child of the stem: its number stays taken until the stem reaps it."""

    def __init__(self, control: Control, pid: int):
        self.control, self.pid, self.status = control, pid, None
        self.handle: int | None = os.pidfd_open(pid)
        self.lock = threading.Lock()

    def kill(self) -> None:
        with self.lock:
            if self.handle is not None:
                try:
                    signal.pidfd_send_signal(self.handle, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def poll(self) -> int | None:
        """As of a Popen; -1 when it has ended and nobody knows how."""
        with self.lock:
            if self.handle is not None and self._ended(0):
                try:
                    self.status = self.control.ask(self.pid)
                except OSError:
                    self.status = -1  # the stem is gone too
                os.close(self.handle)
                self.handle = None
            return self.status

    def wait(self, timeout_s: float | None = None) -> int:
        if self.handle is not None and not self._ended(timeout_s):
            raise subprocess.TimeoutExpired("lane", timeout_s)
        return self.poll()

    def _ended(self, timeout_s: float | None) -> bool:
        poll = select.poll()
        poll.register(self.handle, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else timeout_s * 1000))
