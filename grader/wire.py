"""The wire: values to bytes and back, never pickle.

    frame = header | structure | payload
    header (24 bytes, little endian): magic "GRD1", sequence u32, structure length u64, payload length u64
    structure: msgpack of None, bool, int, float, text and tagged lists:
        ["l", items] ["t", items] ["d", [[key, value], ...]] ["n", class name, field names, values, payload bytes]
        ["a", dtype, shape]  an array; its bytes (C order, little endian) stand next in the payload
        ["g", dtype]         a numpy scalar; likewise
        ["r", seed] ["c", source] ["f", array] ["h", id, type name, callable] ["o", description]
    payload: the raw bytes of all arrays in the order in which the structure names them

The decoder trusts nothing: every length, dtype, dimension, count and depth is checked before memory is
taken, and whatever is wrong ends in `ProtocolError`.
"""

from __future__ import annotations

import struct
from collections import namedtuple
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import msgspec
import numpy as np

HEADER = struct.Struct("<4sIQQ")
MAGIC = b"GRD1"
MAX_STRUCTURE = 4 << 20
MAX_PAYLOAD = 64 << 20
MAX_DEPTH = 24
MAX_NODES = 200_000
MAX_NDIM = 8
DTYPES = {code: np.dtype(code) for code in ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8")}

_CODES = {dtype: code for code, dtype in DTYPES.items()}


class ProtocolError(Exception):
    """Bytes that are not a frame of this protocol, or a value beyond its limits."""


class Handle(NamedTuple):
    """An object that stayed in the worker."""

    id: int
    type_name: str
    callable: bool


class Opaque(NamedTuple):
    """A value that cannot travel; `description` says what it was ("an array of complex128, shape (3,)")."""

    description: str


class Seed(NamedTuple):
    value: int


class Source(NamedTuple):
    text: str


class Leaf(NamedTuple):
    array: Any


_TAGGED = {Handle: "h", Opaque: "o", Seed: "r", Source: "c", Leaf: "f"}


def encode_frame(sequence: int, value: Any, foreign=None) -> bytes:
    """One frame. `foreign(value)` replaces what this format does not know (the worker's handles)."""
    return frame(sequence, *encode(value, foreign))


def frame(sequence: int, structure: bytes, payload: list) -> bytes:
    """A frame of what `encode` gave."""
    return b"".join((HEADER.pack(MAGIC, sequence & 0xFFFFFFFF, len(structure), sum(map(len, payload))), structure, *payload))


def encode(value: Any, foreign=None) -> tuple[bytes, list]:
    """`(structure, payload buffers)`; raises ProtocolError for what cannot travel."""
    payload: list = []
    try:
        return msgspec.msgpack.encode(_pack(value, payload, foreign, 0)), payload
    except (OverflowError, ValueError, UnicodeError) as error:
        raise ProtocolError(f"a value cannot travel: {error}") from None


def _pack(value: Any, payload: list, foreign, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ProtocolError(f"nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if value is None or kind is bool or kind is float or kind is str:
        return value
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else ["o", "an integer beyond 64 bits"]
    if kind is np.ndarray:
        return _pack_array(value, payload)
    if kind is tuple or kind is list:
        return ["t" if kind is tuple else "l", [_pack(v, payload, foreign, depth + 1) for v in value]]
    if kind is dict:
        return ["d", [[_pack(k, payload, foreign, depth + 1), _pack(v, payload, foreign, depth + 1)] for k, v in value.items()]]
    return _pack_rare(value, kind, payload, foreign, depth)


def _pack_rare(value: Any, kind: type, payload: list, foreign, depth: int) -> Any:
    tag = _TAGGED.get(kind)
    if tag == "f":
        return ["f", _pack_array(np.asarray(value.array), payload)]
    if tag:
        return [tag, *value]
    if isinstance(value, np.generic):
        packed = _pack_array(np.asarray(value), payload)
        return ["g", packed[1]] if packed[0] == "a" else packed
    if isinstance(value, np.ndarray):
        return _pack_array(np.array(value, subok=False), payload)
    if isinstance(value, Packed):
        payload.append(value._payload)
        return ["n", kind.__name__, list(value._fields), value._tree, len(value._payload)]
    fields = getattr(kind, "_fields", None)
    if isinstance(value, tuple) and isinstance(fields, tuple) and len(fields) == len(value):
        before = len(payload)
        values = [_pack(v, payload, foreign, depth + 1) for v in value]
        return ["n", kind.__name__, list(fields), values, sum(map(len, payload[before:]))]
    for base in (bool, int, float, str, tuple, list, dict):
        if isinstance(value, base):
            return _pack(base(value), payload, foreign, depth + 1)
    if foreign is None:
        raise ProtocolError(f"a {kind.__name__} cannot travel")
    return _pack(foreign(value), payload, foreign, depth + 1)


def _pack_array(array: np.ndarray, payload: list) -> list:
    code = _CODES.get(array.dtype) or array.dtype.newbyteorder("<").str
    if code not in DTYPES or array.ndim > MAX_NDIM:
        return ["o", f"an array of {array.dtype}, shape {array.shape}"]
    if array.nbytes > MAX_PAYLOAD:
        raise ProtocolError(f"an array of {array.nbytes >> 20} MiB is beyond the limit of {MAX_PAYLOAD >> 20} MiB")
    if array.dtype is not DTYPES[code]:
        array = array.astype(DTYPES[code])
    payload.append(array.tobytes())
    return ["a", code, list(array.shape)]


def parse_header(header: bytes, max_payload: int = MAX_PAYLOAD) -> tuple[int, int, int]:
    """`(sequence, structure length, payload length)`, within limits."""
    magic, sequence, structure, payload = HEADER.unpack(header)
    if magic != MAGIC:
        raise ProtocolError("not a frame")
    if structure > MAX_STRUCTURE or payload > max_payload:
        raise ProtocolError(f"a frame of {structure + payload} bytes is beyond the limit")
    return sequence, structure, payload


def decode(structure: bytes, payload: bytes | bytearray, classes=None, *, packed: bool = False) -> Any:
    """The value of a frame's body. Its arrays lie in `payload`: read-only in bytes, writable in a bytearray.

    classes(name, fields): may give a NamedTuple's class.
    packed: NamedTuples stay packed until somebody looks into them (most caches are only handed back).
    """
    try:
        tree = msgspec.msgpack.decode(structure)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ProtocolError(f"unreadable structure: {error}") from None
    reader = _Reader(payload, classes, packed)
    value = reader.unpack(tree, 0)
    if reader.offset != len(payload):
        raise ProtocolError("payload bytes without an array")
    return value


class _Reader:
    """Walks one structure and takes the arrays' bytes from the payload."""

    def __init__(self, payload: bytes | bytearray, classes, packed: bool):
        self.payload, self.offset, self.nodes, self.classes, self.packed = payload, 0, 0, classes, packed

    def unpack(self, tree: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise ProtocolError("too deep or too many values")
        if not isinstance(tree, list):
            if isinstance(tree, (type(None), bool, int, float, str)):
                return tree
            raise ProtocolError(f"a {type(tree).__name__} where a value was due")
        if not tree or not isinstance(tree[0], str):
            raise ProtocolError("a list without a tag")
        unpack = _UNPACK.get(tree[0])
        if unpack is None:
            raise ProtocolError("an unknown tag")
        try:
            return unpack(self, depth, *tree[1:])
        except TypeError:
            raise ProtocolError(f"wrong fields behind the tag {tree[0]!r}") from None

    def items(self, depth: int, items: Any) -> list:
        if not isinstance(items, list):
            raise ProtocolError("items are not a list")
        return [self.unpack(item, depth + 1) for item in items]

    def mapping(self, depth: int, pairs: Any) -> dict:
        if not isinstance(pairs, list) or not all(isinstance(p, list) and len(p) == 2 for p in pairs):
            raise ProtocolError("a dictionary without pairs")
        keys = [self.unpack(key, depth + 1) if not isinstance(key, list) else self.items(depth, [key])[0] for key, _ in pairs]
        values = [self.unpack(value, depth + 1) for _, value in pairs]
        if not all(isinstance(key, (str, int, float, bool, type(None), tuple)) for key in keys):
            raise ProtocolError("a dictionary key that is not plain")
        return dict(zip(keys, values, strict=True))

    def named(self, depth: int, name: Any, fields: Any, values: Any, size: Any) -> tuple:
        if not isinstance(name, str) or not isinstance(fields, list) or not all(isinstance(f, str) for f in fields):
            raise ProtocolError("a named tuple without names")
        if not isinstance(values, list) or len(values) != len(fields):
            raise ProtocolError("a named tuple with missing values")
        end = self.offset + size if type(size) is int and size >= 0 else -1
        if not self.offset <= end <= len(self.payload):
            raise ProtocolError("a named tuple larger than its bytes")
        if self.packed:
            start, self.offset = self.offset, end
            return packed_tuple(name, tuple(fields), values, bytes(self.payload[start:end]))
        values = self.items(depth, values)
        if self.offset != end:
            raise ProtocolError("a named tuple of another size")
        return named_tuple(name, tuple(fields), values, self.classes)

    def array(self, _depth: int, code: Any, shape: Any) -> np.ndarray:
        if not isinstance(code, str) or code not in DTYPES:
            raise ProtocolError("a dtype that is not allowed")
        if not isinstance(shape, list) or len(shape) > MAX_NDIM:
            raise ProtocolError("a shape beyond the limits")
        for side in shape:
            if type(side) is not int or not 0 <= side < 1 << 40:
                raise ProtocolError("a shape beyond the limits")
        dtype, count = DTYPES[code], prod(shape)
        start, self.offset = self.offset, self.offset + count * dtype.itemsize
        if self.offset > len(self.payload):
            raise ProtocolError("an array larger than its bytes")
        if dtype.kind == "b":
            return (np.frombuffer(self.payload, np.uint8, count, start) != 0).reshape(shape)
        return np.frombuffer(self.payload, dtype, count, start).reshape(shape)

    def scalar(self, depth: int, code: Any) -> Any:
        value = self.array(depth, code, [])[()]
        return bool(value) if isinstance(value, np.bool_) else value

    def handle(self, _depth: int, ident: Any, type_name: Any, is_callable: Any) -> Handle:
        if type(ident) is not int or not isinstance(type_name, str) or type(is_callable) is not bool:
            raise ProtocolError("a handle without its fields")
        return Handle(ident, type_name, is_callable)


def _tagged_text(kind):
    def unpack(_reader: _Reader, _depth: int, text: Any):
        if not isinstance(text, str):
            raise ProtocolError("a text was due")
        return kind(text)
    return unpack


def _seed(_reader: _Reader, _depth: int, value: Any) -> Seed:
    if type(value) is not int or value < 0:
        raise ProtocolError("a seed was due")
    return Seed(value)


def _leaf(reader: _Reader, depth: int, packed: Any) -> Leaf:
    array = reader.unpack(packed, depth + 1)
    if not isinstance(array, np.ndarray):
        raise ProtocolError("an array was due")
    return Leaf(array)


_UNPACK = {
    "l": _Reader.items,
    "t": lambda reader, depth, items: tuple(reader.items(depth, items)),
    "d": _Reader.mapping,
    "n": _Reader.named,
    "a": _Reader.array,
    "g": _Reader.scalar,
    "h": _Reader.handle,
    "r": _seed,
    "c": _tagged_text(Source),
    "o": _tagged_text(Opaque),
    "f": _leaf,
}


def named_tuple(name: str, fields: tuple[str, ...], values: list, classes=None) -> tuple:
    """The submission's class if its fields are the same set, else a fresh one (a plain tuple if the names are no identifiers)."""
    known = classes(name, fields) if classes else None
    if known is not None:
        return known(**dict(zip(fields, values, strict=True)))
    try:
        return _fresh_class(name, fields)(*values)
    except (ValueError, TypeError):
        raise ProtocolError("a named tuple whose names are not identifiers") from None


@lru_cache(maxsize=64)
def _fresh_class(name: str, fields: tuple[str, ...]) -> type:
    if len(fields) > 64 or len(name) > 80 or any(len(f) > 80 for f in fields):
        raise ValueError("names beyond the limits")
    return namedtuple(name, fields)


class Packed(tuple):
    """A NamedTuple as it came over the wire, unpacked when somebody looks into it and handed on as it is.

    What cannot be unpacked (a hostile worker's bytes) shows as `Opaque` fields.
    """

    _fields: tuple[str, ...] = ()

    def __new__(cls, tree: list, payload: bytes) -> Packed:
        self = tuple.__new__(cls)
        self._tree, self._payload, self._seen = tree, payload, None
        return self

    def _values(self) -> list:
        if self._seen is None:
            reader = _Reader(self._payload, None, True)
            try:
                self._seen = reader.items(1, self._tree)
            except ProtocolError as error:
                self._seen = [Opaque(str(error))] * len(self._fields)
        return self._seen

    def __iter__(self):
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, place):
        return self._values()[place]

    def __getattr__(self, name: str):
        if name in type(self)._fields:
            return self._values()[self._fields.index(name)]
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def _replace(self, **changes):
        """A plain NamedTuple with some fields changed."""
        return named_tuple(type(self).__name__, self._fields, [changes.get(f, v) for f, v in zip(self._fields, self, strict=True)])


def packed_tuple(name: str, fields: tuple[str, ...], tree: list, payload: bytes) -> Packed:
    try:
        return _packed_class(name, fields)(tree, payload)
    except (ValueError, TypeError):
        raise ProtocolError("a named tuple whose names are not identifiers") from None


@lru_cache(maxsize=64)
def _packed_class(name: str, fields: tuple[str, ...]) -> type:
    _fresh_class(name, fields)  # the same rules for names
    return type(name, (Packed,), {"_fields": fields})
