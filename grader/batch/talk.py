"""A process at the other end of two pipes: asked one thing at a time, ended when it is late, its last words kept."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import Any, BinaryIO

import msgspec

from grader.batch.messages import Fault, Message, receive, send
from grader.errors import CourseError, GradeError, SandboxError, WorkerFault


class Lost(Exception):
    """The process is gone, or talks nonsense."""


class Talk:
    """`ask` may be called from one thread, `kill` and `close` from any. `process` has `kill`, `poll` and `wait` as a Popen has."""

    def __init__(self, process: Any, to: BinaryIO, back: BinaryIO, errors: BinaryIO):
        self.process, self.to, self.back, self.errors = process, to, back, errors
        self.ending = threading.Lock()  # a lane is ended by its own thread, or by whoever stops the batch

    def ask(self, message: Message, patience_s: float) -> Message:
        watchdog = threading.Timer(patience_s, self.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            send(self.to, message)
            answer = receive(self.back)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise Lost(str(error)) from None
        finally:
            watchdog.cancel()
        if answer is None:
            raise Lost(self._last_words())
        return answer

    def _last_words(self) -> str:
        try:
            status = self.process.wait(5)
        except subprocess.TimeoutExpired:
            status = None
        with self.ending:
            lines = self._errors_so_far()
        return f"a lane ended (exit status {status})" + (f": {lines[-1][:300]}" if lines else "")

    def _errors_so_far(self) -> list[str]:
        if self.errors.closed:
            return []
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - 2000))
        return self.errors.read().decode(errors="replace").strip().splitlines()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()

    def close(self) -> None:
        """Let it end by itself: its workers and its zygote end with it."""
        with self.ending:
            for stream in (self.to, self.back):
                try:
                    stream.close()
                except (OSError, ValueError):
                    pass  # the other end is gone, or the asking thread is in the middle of it
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.errors.close()


def fault_of(fault: Fault) -> GradeError:
    """What a lane reports as an error of this process."""
    kinds = {CourseError.exit_code: CourseError, SandboxError.exit_code: SandboxError}
    return kinds.get(fault.exit_code, WorkerFault)(fault.message)
