"""What the batch and a lane say to each other: length-prefixed msgpack over two pipes. Both ends are ours."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from grader.batch.run_folder import Exercise

MOST = 1 << 30


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What to mark with. `prepare`: record the reference and learn the mistakes, so that other lanes find them; `processors`: one for
    each lane, or none where the system is to choose."""

    root: str
    slug: str
    framework: str
    imports: tuple[str, ...]
    level: str
    timeout_scale: float
    prepare: bool
    processors: tuple[int, ...] = ()


class Given(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One submission."""

    name: str
    file: str
    kind: str
    raw: bytes


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The lane waits for submissions. `blank`: a report in which nothing is judged yet; `fingerprint`: of what marks can depend on;
    `state`: of everything that was read for it, `grade` itself included."""

    blank: bytes  # msgpack: most batches never look into it
    exercise: Exercise
    points_total: float
    fingerprint: str
    state: str
    functions: tuple[str, ...]
    cases: int
    deadline_s: float


class Marked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The report, as a line."""

    line: str
    verdict: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file is no submission that can be read."""

    reason: str


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The lane cannot go on; the exit code says whose fault it is."""

    exit_code: int
    message: str


Message = Setup | Given | Ready | Marked | Refused | Fault
_DECODER = msgspec.msgpack.Decoder(Message)


def send(stream: BinaryIO, message: Message) -> None:
    body = msgspec.msgpack.encode(message)
    stream.write(len(body).to_bytes(4, "little") + body)
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """The next message; None at the end, also when it comes in the middle of one."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    body = stream.read(size) if size <= MOST else b""
    return _DECODER.decode(body) if len(body) == size else None
