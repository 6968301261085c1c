"""What a submission answered to an assignment's tests, as a value and as a file.

A recording holds, per item (one case of one test), the draws of `rng` and two streams of calls: `student` and
`reference`. The reference solution's recording is the expected values; a released one holds the public items.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

import msgspec

from grader import wire
from grader.errors import AlteredError
from grader.fingerprint import Fingerprint, fingerprint
from grader.record.known import Known
from grader.testing.finding import Raised

FORMAT = 3
MAGIC = b"grade recording\n"
ARGUMENT_TOLERANCE = 1e-12


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One call and its outcome; `value` is packed, `digest` covers the arguments bit by bit."""

    function: str
    digest: int
    arguments: Fingerprint
    value: bytes | None = None
    raised: Raised | None = None



class ItemRecording(msgspec.Struct, frozen=True, array_like=True):
    student: tuple[Call, ...]
    reference: tuple[Call, ...]
    draws: tuple[tuple[str, bytes], ...]  # (method of rng, packed result)
    speed: bool = False  # the item measures time: its draws are not kept

    def functions(self) -> frozenset[str]:
        """Names of the student's functions the item calls."""
        return frozenset(c.function for c in self.student)


class TestPoints(msgspec.Struct, frozen=True, array_like=True):
    """A row of the assignment's points; in a release a hidden test has no name."""

    test: str
    part: str
    title: str
    hundredths: int
    public: bool


class Recording(msgspec.Struct, frozen=True, array_like=True):
    format: int
    key: str
    items: dict[str, ItemRecording]
    table: tuple[TestPoints, ...] = ()
    signatures: dict[str, tuple[str, ...]] = {}  # function -> names of its parameters
    known: tuple[Known, ...] = ()  # of a release: mistakes that its public items can tell

    def only(self, ids: frozenset[str] | set[str]) -> Recording:
        """The recording of some items (those a release may hold)."""
        return msgspec.structs.replace(self, items={k: v for k, v in self.items.items() if k in ids})


def reply_limit(recording: Recording) -> int:
    """Bytes a student's reply may have: four times the largest of the reference's, at least a megabyte."""
    calls = (call for item in recording.items.values() for call in (*item.student, *item.reference))
    return min(wire.MAX_PAYLOAD, max(1 << 20, 4 * max((len(call.value or b"") for call in calls), default=0)))


def pack(value: Any, foreign=None) -> bytes:
    structure, payload = wire.encode(value, foreign)
    return len(structure).to_bytes(4, "little") + structure + b"".join(payload)


def unpack(data: bytes) -> Any:
    size = int.from_bytes(data[:4], "little")
    return wire.decode(data[4:4 + size], bytearray(data[4 + size:]), packed=True)


def digest(request: tuple[bytes, list]) -> int:
    """Of an encoded request, bit by bit."""
    structure, payload = request
    value = zlib.crc32(structure)
    for part in payload:
        value = zlib.crc32(part, value)
    return value


def same_arguments(recorded: Call, request: tuple[bytes, list], arguments: Any) -> bool:
    """Bit-equal, or equal within 1e-12 (another library version may round differently)."""
    return recorded.digest == digest(request) or recorded.arguments.agrees(fingerprint(arguments), ARGUMENT_TOLERANCE)


def write(recording: Recording, path: Path) -> None:
    write_bytes(encode(recording), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Whole or not at all, also with two writers at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def encode(recording: Recording) -> bytes:
    body = msgspec.msgpack.encode(recording)
    return MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def read(path: Path) -> Recording:
    """The recording in `path`; AlteredError when it is not one of this format."""
    return decode(path.read_bytes(), str(path))


def decode(data: bytes, where: str) -> Recording:
    start = len(MAGIC) + 4
    body = data[start:]
    if not data.startswith(MAGIC) or zlib.crc32(body).to_bytes(4, "little") != data[len(MAGIC):start]:
        raise AlteredError(f"{where} is not a recording of this tool, or was changed; `grade start --update` restores it")
    try:
        recording = msgspec.msgpack.decode(body, type=Recording)
    except msgspec.DecodeError as error:
        raise AlteredError(f"{where} cannot be read ({error}); `grade start --update` restores it") from None
    if recording.format != FORMAT:
        raise AlteredError(f"{where} has recording format {recording.format}, this version reads {FORMAT}")
    return recording
