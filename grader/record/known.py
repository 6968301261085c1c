"""What known mistakes answer: for each, the calls in which it differs from the reference, as fingerprints."""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path

import msgspec

from grader.errors import AlteredError
from grader.fingerprint import Fingerprint

MAGIC = b"grade mistakes\n"

Outcome = Fingerprint | str  # a result, or the name of the exception


class Known(msgspec.Struct, frozen=True, array_like=True):
    """One mistake, or two at once, as recorded. Calls that are not listed are as the reference's."""

    names: tuple[str, ...]
    part: str
    functions: tuple[str, ...]  # whose code was changed
    items: tuple[str, ...]  # cases that were run: about others nothing is known; in a release (): all of its items
    calls: dict[str, Outcome]  # "item|function#ordinal"
    says: str = ""
    hint: tuple[str, ...] = ()
    tie: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()  # the wrong lines themselves, without spaces, for the student's own line; never in a release


    @property
    def everywhere(self) -> frozenset[str]:
        """`items`, to ask whether one is among them."""
        return _set(self.items)


_set = lru_cache(maxsize=4096)(frozenset)


def call_key(item: str, function: str, ordinal: int) -> str:
    return f"{item}|{function}#{ordinal}"


def encode(known: tuple[Known, ...], key: str) -> bytes:
    body = msgspec.msgpack.encode((key, known))
    return MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def decode(data: bytes, where: str) -> tuple[str, tuple[Known, ...]]:
    """`(key, mistakes)`; AlteredError when the bytes are not what `encode` made."""
    start = len(MAGIC) + 4
    if not data.startswith(MAGIC) or zlib.crc32(data[start:]).to_bytes(4, "little") != data[len(MAGIC):start]:
        raise AlteredError(f"{where} is not a file of this tool, or was changed; `grade start --update` restores it")
    return msgspec.msgpack.decode(data[start:], type=tuple[str, tuple[Known, ...]])


def read(path: Path) -> tuple[str, tuple[Known, ...]]:
    return decode(path.read_bytes(), str(path))
