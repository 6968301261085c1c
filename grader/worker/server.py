"""Inside the worker: load one submission, then answer calls until the other side closes.

    request  ("load", pieces, allowed imports, bytes that a reply may have)      pieces = ((label, text), ...)
             ("call", target, arguments, keywords, extras)  target = function name, or (handle id, attribute or None)
             ("value", target)
    reply    ("loaded", {"functions": [...], "failures": [...]})
             ("result", value, extras)       extras: arguments after the call and aliasing, when asked
             ("raised", exception)
             ("missing", name)

A reply holds only what this process knows: the student's own values. Nothing in here decides a mark.
"""

from __future__ import annotations

import operator
import os
import sys
import types
from typing import Any

import numpy as np

from grader import wire
from grader.worker import blocks, policy, tell

MAX_HANDLES = 256


def serve(stream: Stream, framework: str) -> None:
    """Answer frames on `stream` until it is closed."""
    server = Server(framework)
    while (frame := stream.read_frame()) is not None:
        sequence, request = frame
        reply = server.answer(request)
        _flush()
        stream.write(server.encode(sequence, reply))


WARM = """
class Warm(__import__("typing").NamedTuple):
    a: int


def warm(x, weight):
    return x @ weight.T + x.sum(axis=0)
"""


def warm_up() -> None:
    """Do once what every submission does, so that memory shared with the parent is copied before anybody waits for it."""
    space: dict[str, Any] = {"__name__": "warm"}
    exec(compile(WARM, "warm", "exec", dont_inherit=True), space)
    square = np.ones((4, 4))
    request = wire.encode(("call", "warm", (square, [square] * 8), {}, {}))
    _, _, (x, _), _, _ = wire.decode(request[0], b"".join(request[1]))
    Server("numpy").encode(0, ("result", (space["warm"](x, x), np.tanh(x), np.exp(x)), {}))


class Stream:
    """Frames over two descriptors (or one that goes both ways)."""

    def __init__(self, incoming: int, outgoing: int):
        self.incoming, self.outgoing = incoming, outgoing

    def read_frame(self) -> tuple[int, tuple[bytes, bytes]] | None:
        """`(sequence, (structure, payload))`; None when the other side hung up."""
        header = self._read(wire.HEADER.size)
        if header is None:
            return None
        sequence, structure, payload = wire.parse_header(header, max_payload=1 << 31)
        body = self._read(structure + payload)
        return None if body is None else (sequence, (body[:structure], bytearray(body[structure:])))

    def _read(self, size: int) -> bytes | None:
        chunks, missing = [], size
        while missing:
            chunk = os.read(self.incoming, min(missing, 1 << 20))
            if not chunk:
                return None
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.outgoing, view):]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001 - the student may have replaced or closed it
            pass


class Server:
    """One submission's module and the objects it returned."""

    def __init__(self, framework: str):
        self.torch = sys.modules.get("torch") if framework == "torch" else None
        self.module = types.ModuleType("submission")
        self.handles: list[Any] = []
        self.max_reply = self.room = wire.MAX_PAYLOAD
        self.remarks: list[str] = []

    def answer(self, body: tuple[bytes, bytes]) -> tuple:
        """The reply to one request; student exceptions of every kind become ("raised", ...)."""
        verb, *rest = wire.decode(*body, classes=self.known_class)
        self.room = self.max_reply + len(body[1])  # the arguments may have to come back
        if verb == "load":
            return self.load(*rest)
        try:
            return self.value(*rest) if verb == "value" else self.call(*rest)
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the student's as well
            return ("raised", tell.exception(error))

    def encode(self, sequence: int, reply: tuple) -> bytes:
        try:
            _check_count(reply, wire.MAX_NODES - 100)
            structure, payload = wire.encode(reply, self.foreign)
            if (size := sum(map(len, payload))) > self.room or len(structure) > wire.MAX_STRUCTURE:
                raise wire.ProtocolError(f"{size / 2**20:.1f} MiB of numbers where {self.room / 2**20:.1f} MiB are the limit")
            return wire.frame(sequence, structure, payload)
        except wire.ProtocolError as error:
            return wire.encode_frame(sequence, ("unsendable", str(error)[:300]))
        except BaseException as error:  # noqa: BLE001 - hostile objects run code while they are read
            return wire.encode_frame(sequence, ("raised", tell.exception(error)))

    # -- loading ------------------------------------------------------------------------------------------

    def load(self, pieces: tuple, allowed: tuple, max_reply: int) -> tuple:
        """Run every block of every piece; a block that fails is reported and the others run all the same."""
        self.max_reply = max_reply
        tell.remember_sources(dict(pieces))
        sys.modules[self.module.__name__] = self.module
        policy.install(allowed)
        failures, flags = [], 0
        for label, text in pieces:
            rest, flags = self.run_whole(text, label, flags)
            for block in rest:
                failure, flags = self.run_block(block, label, flags)
                failures += [failure] if failure else []
        names = {name: value for name, value in list(vars(self.module).items()) if not name.startswith("__")}
        fields = {name: getattr(value, "_fields", None) for name, value in names.items() if isinstance(value, type) and issubclass(value, tuple)}
        return ("loaded", {"functions": [name for name, value in names.items() if callable(value)], "failures": failures,
                           "named_tuples": {name: list(f) for name, f in fields.items() if isinstance(f, tuple)}})

    def run_whole(self, text: str, label: str, flags: int) -> tuple[list[blocks.Block], int]:
        """Run a piece at once, which is cheap; what is left to be run block by block when that fails somewhere."""
        try:
            code = compile(text, label, "exec", flags, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return blocks.blocks(text, label), flags
        flags |= code.co_flags & tell.FUTURE_FLAGS
        try:
            exec(code, vars(self.module))
            return [], flags
        except BaseException as error:  # noqa: BLE001
            reached = tell.line_reached(error, code)
            return [b for b in blocks.blocks(text, label) if b.last_line >= reached], flags

    def run_block(self, block: blocks.Block, label: str, flags: int):
        if block.error:
            return tell.failure(block.line, label, block.names(), tell.syntax_error(block.error)), flags
        try:
            code = compile(block.tree, label, "exec", flags, dont_inherit=True)
            exec(code, vars(self.module))
            return None, flags | (code.co_flags & tell.FUTURE_FLAGS)
        except BaseException as error:  # noqa: BLE001
            return tell.failure(block.line, label, block.names(), tell.exception(error)), flags

    # -- calls --------------------------------------------------------------------------------------------

    def value(self, name: str) -> tuple:
        return ("result", getattr(self.module, name), {}) if hasattr(self.module, name) else ("missing", name)

    def call(self, target: Any, arguments: tuple, keywords: dict, extras: dict) -> tuple:
        if extras.get("fresh"):
            self.handles.clear()
        if not self.defines(target):
            return ("missing", target)
        function = self.resolve(target)
        arguments = tuple(self.arrive(a) for a in arguments)
        keywords = {name: self.arrive(a) for name, a in keywords.items()}
        if extras.get("attribute"):
            return ("result", function, {})
        result = function(*arguments, **keywords)
        if not extras.get("arguments_after"):
            return ("result", result, {})
        return ("result", result, {"arguments": arguments, "aliased": _aliased(result, arguments)})

    def defines(self, target: Any) -> bool:
        return not isinstance(target, str) or getattr(self.module, target, None) is not None

    def resolve(self, target: Any) -> Any:
        if isinstance(target, str):
            return getattr(self.module, target, None)
        ident, path = target
        owner = self.handles[ident]
        return owner if path is None else operator.attrgetter(path)(owner)

    def known_class(self, name: str, fields: tuple) -> type | None:
        known = getattr(self.module, name, None)
        same = isinstance(known, type) and issubclass(known, tuple) and set(getattr(known, "_fields", ())) == set(fields)
        return known if same else None

    def arrive(self, value: Any) -> Any:
        """Seeds, sources, leaves and handles become objects; arrays become tensors in torch exercises."""
        kind = type(value)
        if kind is wire.Seed:
            return np.random.default_rng(value.value)
        if kind is wire.Source:
            return eval(value.text, {"np": np, "torch": self.torch})
        if kind is wire.Leaf:
            return self.torch.from_numpy(value.array).requires_grad_(True)
        if kind is wire.Handle:
            return self.handles[value.id]
        if kind is np.ndarray:
            return value if self.torch is None else self.torch.from_numpy(value)
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return kind(*(self.arrive(v) for v in value))
        if kind in (tuple, list):
            return kind(self.arrive(v) for v in value)
        return {k: self.arrive(v) for k, v in value.items()} if kind is dict else value

    def foreign(self, value: Any) -> Any:
        """What cannot travel: tensors become arrays, other objects stay here behind a handle."""
        if self.torch is not None and isinstance(value, self.torch.Tensor):
            return value.detach().cpu().numpy()
        if isinstance(value, (complex, bytes)):
            return wire.Opaque(f"a {type(value).__name__}")
        if len(self.handles) >= MAX_HANDLES:
            return wire.Opaque(f"a {type(value).__name__} (more than {MAX_HANDLES} objects)")
        self.handles.append(value)
        return wire.Handle(len(self.handles) - 1, type(value).__name__[:80], callable(value))


def _check_count(value: Any, most: int, depth: int = 0) -> int:
    """How many more values may follow; ProtocolError when there are none left."""
    if isinstance(value, (tuple, list, dict)) and depth <= wire.MAX_DEPTH:
        most -= len(value) * (2 if isinstance(value, dict) else 1)
        if most < 0:
            raise wire.ProtocolError(f"more than {wire.MAX_NODES} values (an array counts as one)")
        for item in value.values() if isinstance(value, dict) else value:
            most = _check_count(item, most, depth + 1)
    return most


def _aliased(result: Any, arguments: tuple) -> bool:
    outputs, inputs = list(_arrays(result)), list(_arrays(arguments))
    return any(np.may_share_memory(a, b) for a in outputs for b in inputs)


def _arrays(value: Any):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
