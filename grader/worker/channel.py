"""Grader side of one conversation: send a frame, get the reply, keep what the worker prints, never wait past a deadline.

Two ways to wait for bytes: `PollChannel` (one thread, POSIX) and `ThreadChannel` (a reader thread per pipe; works
where pipes cannot be polled). Both give the worker's bytes as they come; nothing in here interprets them.
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from typing import Protocol

KEPT_OUTPUT = 64 << 10


class Closed(Exception):
    """The worker's end of the conversation is closed."""


class Late(Exception):
    """The deadline passed."""


class Output:
    """The first 64 KiB of what was printed since the last `take`, and how much more there was."""

    def __init__(self) -> None:
        self.kept, self.dropped = bytearray(), 0

    def add(self, data: bytes) -> None:
        room = KEPT_OUTPUT - len(self.kept)
        self.kept += data[:room]
        self.dropped += max(0, len(data) - room)

    def take(self) -> tuple[str, int]:
        text, dropped = self.kept.decode("utf-8", "replace"), self.dropped
        self.kept, self.dropped = bytearray(), 0
        return text, dropped


class Channel(Protocol):
    """What a worker is spoken to through."""

    output: Output

    def exchange(self, frame: bytes, size_of_reply, deadline: float) -> bytes: ...
    def drain(self) -> None: ...
    def close(self) -> None: ...


class PollChannel:
    """A socket for the conversation and a pipe for the output, polled together so that neither side can block the other."""

    def __init__(self, conversation, output_fd: int):
        self.socket, self.output_fd, self.output = conversation, output_fd, Output()
        self.socket.setblocking(False)
        os.set_blocking(output_fd, False)
        self.fd = conversation.fileno()
        self.incoming = select.poll()
        self.incoming.register(self.fd, select.POLLIN)
        self.incoming.register(output_fd, select.POLLIN)
        self.both_ways = select.poll()
        self.both_ways.register(self.fd, select.POLLIN | select.POLLOUT)
        self.both_ways.register(output_fd, select.POLLIN)
        self.buffer = bytearray()

    def send(self, frame: bytes, deadline: float) -> None:
        view = memoryview(frame)
        while view:
            try:
                view = view[self.socket.send(view):]
            except BlockingIOError:
                self._wait(self.both_ways, deadline, readable_ends=False)
            except OSError:
                raise Closed from None

    def receive(self, size: int, deadline: float) -> bytes:
        """Exactly `size` bytes."""
        while len(self.buffer) < size:
            try:
                chunk = self.socket.recv(max(65536, min(size - len(self.buffer), 1 << 20)))
            except BlockingIOError:
                self._wait(self.incoming, deadline, readable_ends=True)
                continue
            except OSError:
                raise Closed from None
            if not chunk:
                raise Closed
            self.buffer += chunk
            if time.monotonic() > deadline:
                raise Late  # progress does not renew a deadline
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def pending(self) -> bool:
        """Whether bytes wait that nobody asked for."""
        if self.buffer:
            return True
        try:
            return bool(self.socket.recv(1, 2))  # MSG_PEEK
        except OSError:
            return False

    def _wait(self, poll, deadline: float, readable_ends: bool) -> None:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise Late
        for fd, _ in poll.poll(left_s * 1000 + 1):
            if fd == self.output_fd and not self._read_output():
                poll.unregister(fd)

    def _read_output(self) -> bool:
        """Take one chunk of output; False at its end."""
        try:
            data = os.read(self.output_fd, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.output.add(data)
        return bool(data)

    def drain(self) -> None:
        """Take what was printed before the last reply, at most about a megabyte."""
        for _ in range(16):
            before = len(self.output.kept) + self.output.dropped
            if not self._read_output() or len(self.output.kept) + self.output.dropped == before:
                return

    def close(self) -> None:
        if self.output_fd >= 0:
            self.socket.close()
            os.close(self.output_fd)
            self.output_fd = -1


class ThreadChannel:
    """Pipes read by threads, for platforms without poll on pipes."""

    def __init__(self, incoming, outgoing, output):
        self.outgoing, self.output = outgoing, Output()
        self.chunks: queue.Queue[bytes] = queue.Queue(maxsize=64)
        self.buffer, self.lock = bytearray(), threading.Lock()
        self.threads = [threading.Thread(target=self._pump, args=(incoming, self.chunks.put), daemon=True),
                        threading.Thread(target=self._pump, args=(output, self._add_output), daemon=True)]
        for thread in self.threads:
            thread.start()
        self.ended = False

    def _pump(self, pipe, take) -> None:
        while True:
            try:
                data = os.read(pipe.fileno(), 65536)
            except (OSError, ValueError):
                data = b""
            take(data)
            if not data:
                return

    def _add_output(self, data: bytes) -> None:
        with self.lock:
            self.output.add(data)

    def send(self, frame: bytes, deadline: float) -> None:
        failed: list[OSError] = []
        writer = threading.Thread(target=self._write, args=(frame, failed), daemon=True)
        writer.start()
        writer.join(max(0.0, deadline - time.monotonic()))
        if failed:
            raise Closed
        if writer.is_alive():
            raise Late

    def _write(self, frame: bytes, failed: list) -> None:
        try:
            self.outgoing.write(frame)
            self.outgoing.flush()
        except (OSError, ValueError) as error:
            failed.append(error)

    def receive(self, size: int, deadline: float) -> bytes:
        while len(self.buffer) < size:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise Late
            try:
                chunk = b"" if self.ended else self.chunks.get(timeout=left_s)
            except queue.Empty:
                raise Late from None
            if not chunk:
                self.ended = True
                raise Closed
            self.buffer += chunk
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def pending(self) -> bool:
        return bool(self.buffer) or not self.chunks.empty()

    def drain(self) -> None:
        """Printed text travels on another pipe than the reply: give it a moment."""
        time.sleep(0.002)

    def close(self) -> None:
        self.outgoing.close()
