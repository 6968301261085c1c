"""Grader side of one worker: load a submission, ask for calls, and say how it ended when it did.

A `Reply` is data. A worker that ends, is late or talks nonsense raises `Ended`; the worker is dead after that.
"""

from __future__ import annotations

import enum
import time
from typing import Any

import msgspec

from grader import wire
from grader.errors import SandboxError, WorkerFault
from grader.testing.finding import Line, Raised
from grader.worker.channel import Closed, Late

FITS = 64 << 10  # bytes of a frame that a socket takes without a reader
START_S = 60.0


class End(enum.StrEnum):
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    VIOLATION = "violation"


class Ended(Exception):
    """The worker is gone. `cpu_s` is what it computed during the last request; `asleep`: it was late because it waited for something."""

    def __init__(self, end: End, message: str, cpu_s: float = 0.0, asleep: bool = False):
        super().__init__(message)
        self.end, self.message, self.cpu_s, self.asleep = end, message, cpu_s, asleep


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of: a value (`raised` and `missing` None), an exception, a name that is not there."""

    value: Any = None
    raised: Raised | None = None
    missing: str | None = None
    unsendable: str | None = None
    arguments: tuple = ()
    aliased: bool = False


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A block of the submission that did not load."""

    file: str
    line: int
    names: tuple[str, ...]
    raised: Raised
    module: str | None = None  # the distribution left out, when that is why


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    functions: frozenset[str]
    failures: tuple[Failure, ...]
    named_tuples: dict[str, tuple[str, ...]] = {}  # class -> its fields, as the submission declares them


class Worker:
    """One process running one submission. `process` ends and reaps it."""

    def __init__(self, channel: Any, process: Any):
        self.channel, self.process = channel, process
        self.sequence, self.max_reply = 0, wire.MAX_PAYLOAD
        self.loading = False
        self.start_s = 0.0  # until it was ready
        self.missing_layers: tuple[tuple[str, str], ...] | None = None  # with reasons; None until the worker is ready

    def begin_load(self, pieces: tuple[tuple[str, str], ...], allowed: tuple[str, ...], max_reply: int) -> None:
        """Send a submission ahead of its turn, so that it is loaded while the grader does other things. What goes wrong is met by `load`."""
        frame = self._frame(wire.encode(("load", pieces, allowed, max_reply)))
        if len(frame) > FITS:
            self.sequence -= 1
            return
        self.loading = True
        try:
            self.channel.send(frame, time.monotonic() + 1)
        except (Closed, Late):
            pass

    def load(self, pieces: tuple[tuple[str, str], ...], allowed: tuple[str, ...], deadline: float, max_reply: int = wire.MAX_PAYLOAD) -> Loaded:
        """Run the submission's blocks, unless `begin_load` has them run; raises Ended, or SandboxError when a layer could not be set.

        max_reply: bytes of arrays that a reply may have; more is refused on its header.
        """
        self.max_reply = max_reply
        verb, *body = self._receive(deadline) if self.loading else self._request(wire.encode(("load", pieces, allowed, max_reply)), deadline)
        if verb != "loaded" or len(body) != 1 or not isinstance(body[0], dict):
            raise self._end(End.VIOLATION, "the worker did not answer the load request in kind")
        try:
            return _loaded(body[0])
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError):
            raise self._end(End.VIOLATION, "the worker's account of the load is malformed") from None

    def ask(self, request: tuple[bytes, list], deadline: float) -> Reply:
        """The reply to an encoded ("call", target, arguments, keywords, extras) or ("value", name)."""
        return self._reply(self._request(request, deadline))

    def cpu_s(self) -> float:
        """CPU seconds of the worker so far, read from outside."""
        return self.process.cpu_s()

    def printed(self) -> tuple[str, int]:
        """`(text, bytes left out)` since the last time."""
        self.channel.drain()
        return self.channel.output.take()

    def kill(self) -> tuple[int | None, float]:
        """End the process at once: `(exit status, CPU seconds)`."""
        status = self.process.end()
        self.channel.close()
        return status

    def dismiss(self) -> None:
        """The worker is not needed any more."""
        self.process.dismiss()
        self.channel.close()

    def _request(self, request: tuple[bytes, list], deadline: float) -> tuple:
        frame = self._frame(request)
        return self._receive(deadline, frame, sum(map(len, request[1])))

    def _frame(self, request: tuple[bytes, list]) -> bytes:
        self.sequence += 1
        return wire.frame(self.sequence, *request)

    def _receive(self, deadline: float, frame: bytes = b"", echo: int = 0) -> tuple:
        """Send `frame` and read its answer, or what became of the worker. `echo`: bytes of arguments that may come back."""
        started_cpu_s = None if self.missing_layers is None else self.cpu_s()
        try:
            if self.missing_layers is not None and self.channel.pending():
                raise wire.ProtocolError("bytes came that nobody asked for")
            self.channel.send(frame, deadline)
            if self.missing_layers is None:
                self._start()
                deadline += self.start_s
            return self._read(self.sequence, deadline, self.max_reply + echo)
        except Late:
            cpu_s, asleep = self.cpu_s() - (started_cpu_s or 0.0), self.process.is_asleep() and not self.channel.pending()
            raise self._end(End.TIMEOUT, "no answer within the deadline", cpu_s, asleep) from None
        except Closed:
            raise self._explain_death() from None
        except wire.ProtocolError as error:
            raise self._end(End.VIOLATION, f"the worker broke the protocol: {error}") from None

    def _start(self) -> None:
        """Wait until the worker is ready: seconds that are not the submission's."""
        started = time.monotonic()
        try:
            self._await_ready(started + START_S)
        except Late:
            self.kill()
            raise WorkerFault(f"a worker did not start within {START_S:g} s; nothing was marked. Is the machine overloaded?") from None
        self.start_s = time.monotonic() - started

    def _hear_last_words(self) -> None:
        """A worker that could not be set up said why before it went: SandboxError then."""
        try:
            self._await_ready(time.monotonic() + 0.5)
        except (Late, Closed, wire.ProtocolError):
            pass

    def _await_ready(self, deadline: float) -> None:
        """The worker's first word: which layers are missing, or which one failed."""
        verb, *rest = self._read(0, deadline)
        if verb == "setup_failed":
            self.kill()
            layer, reason = (str(r)[:300] for r in (*rest, "", "")[:2])
            raise not_reached(layer, reason)
        self.missing_layers = tuple((str(layer), str(reason)) for layer, reason in rest[0]) if rest else ()

    def _read(self, sequence: int, deadline: float, max_payload: int = wire.MAX_PAYLOAD) -> tuple:
        header = self.channel.receive(wire.HEADER.size, deadline)
        seen, structure, payload = wire.parse_header(header, max_payload)
        if seen != sequence:
            raise wire.ProtocolError("an answer to another question")
        body = self.channel.receive(structure + payload, deadline)
        value = wire.decode(body[:structure], body[structure:], packed=True)
        if not isinstance(value, tuple) or not value or not isinstance(value[0], str):
            raise wire.ProtocolError("a reply without its verb")
        return value

    def _reply(self, reply: tuple) -> Reply:
        try:
            match reply:
                case ("result", value, dict(extras)):
                    return Reply(value=value, arguments=extras.get("arguments", ()), aliased=bool(extras.get("aliased", False)))
                case ("raised", dict(told)):
                    return Reply(raised=_raised(told))
                case ("missing", name):
                    return Reply(missing=str(name))
                case ("unsendable", str(reason)):
                    return Reply(unsendable=reason)
        except (KeyError, TypeError, msgspec.ValidationError):
            pass
        raise self._end(End.VIOLATION, "the worker's reply is malformed")

    def _end(self, end: End, message: str, cpu_s: float = 0.0, asleep: bool = False) -> Ended:
        self.kill()
        return Ended(end, message, cpu_s, asleep)

    def _explain_death(self) -> Ended:
        if self.missing_layers is None:
            self._hear_last_words()
        asked = self.process.limits
        time.sleep(0)
        status, cpu_s = self.process.end(grace_s=0.2)
        self.channel.drain()
        self.channel.close()
        if self.missing_layers is None:  # before the first byte of source
            raise WorkerFault("a worker could not be set up; nothing was marked. Run `grade doctor`.")
        if status in (-24, -9) and cpu_s >= asked.cpu_s * 0.95:  # SIGXCPU, SIGKILL
            return Ended(End.TIMEOUT, f"the limit of {asked.cpu_s:g} s of CPU time was reached", cpu_s)
        return Ended(End.CRASHED, describe_status(status), cpu_s)


def not_reached(layer: str, reason: str) -> SandboxError:
    """The refusal to mark at `strict`: which layer, why, and both ways out."""
    import sys

    from grader import __version__

    ways = ("`grade doctor` shows every layer; `--sandbox available` marks without those that are missing (fit for your own code, "
            "not for that of strangers)")
    if sys.platform != "linux":
        ways = (f'Strangers\' code is marked on Linux or in a container: docker run --rm --network none -v "$PWD:/course" -w /course '
                f"deepgrader:{__version__} ... (the same arguments). `--sandbox available` marks here; it does not stop a submission from reading "
                "files, using the network or starting processes")
    return SandboxError(f"sandbox level strict is not reached: {layer} ({reason}). Nothing was marked. {ways}.")


def describe_status(status: int | None) -> str:
    """Why a process is gone, in words."""
    import signal

    if status is None:
        return "the program is gone"
    if status >= 0:
        return f"the program ended itself (exit status {status})"
    try:
        return f"the program was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"the program was ended by signal {-status}"


def _loaded(told: dict) -> Loaded:
    return Loaded(functions=frozenset(map(str, told["functions"])), failures=tuple(_failure(f) for f in told["failures"]),
                  named_tuples={str(name): tuple(map(str, fields)) for name, fields in told["named_tuples"].items()})


def _raised(told: dict) -> Raised:
    frames = tuple(msgspec.convert(f, Line) for f in told["frames"] if f is not None)
    return Raised(type=str(told["type"]), message=str(told["message"]), bases=tuple(map(str, told["bases"])), frames=frames)


def _failure(told: dict) -> Failure:
    module = told["raised"].get("module")
    return Failure(file=str(told["file"]), line=int(told["line"]), names=tuple(map(str, told["names"])), raised=_raised(told["raised"]),
                   module=module if isinstance(module, str) and told["raised"].get("type") == "NotPartOfExercise" else None)
