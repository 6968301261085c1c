"""What a test holds: `student` and `reference` (remote functions) and `rng` (recorded draws).

The student's stream is always live. The reference's is live while the reference is recorded and replayed from the
recording ever after. A failing call notes its finding and raises `Failed`, which ends the item.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from grader import wire
from grader.errors import CourseError
from grader.fingerprint import fingerprint
from grader.record import recording as rec
from grader.suite.structure import structure_finding
from grader.testing.context import notes
from grader.testing.finding import Finding, Kind, Raised
from grader.worker.client import Ended, Reply


class Failed(BaseException):
    """Ends an item whose finding is already noted (not an Exception, so that no author's `except` swallows it)."""


class Asked(NamedTuple):
    """A call of the running item: what diagnosis and recordings are made from."""

    key: str
    request: tuple[bytes, list]
    arguments: tuple
    reply: Reply
    expected: rec.Call | None

    def call(self) -> rec.Call:
        """As it stands in a recording."""
        lost = self.reply.raised or self.reply.missing or self.reply.unsendable
        return rec.Call(self.key, rec.digest(self.request), fingerprint(self.arguments),
                        None if lost else rec.pack(self.reply.value, _send_object), self.reply.raised)


class Stream:
    """Calls of one side during one item, numbered per function. Subclasses answer them."""

    side = ""

    def begin(self, recorded: rec.ItemRecording | None) -> None:
        """A new item starts; `recorded` is the reference's recording of it."""
        self.asked: list[Asked] = []
        self.objects, self._fresh = 0, True
        self.due: dict[str, list[rec.Call]] = {}
        for call in getattr(recorded, self.side) if recorded else ():
            self.due.setdefault(call.function, []).append(call)

    def __getattr__(self, name: str) -> RemoteFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        return RemoteFunction(self, name, name)

    def value(self, name: str) -> Any:
        """A constant of the submission's module."""
        return self.finish(self.ask(f"value:{name}", ("value", name), ()))

    def call(self, key: str, target: Any, arguments: tuple, keywords: dict, extras: dict) -> Asked:
        if self._fresh:
            extras, self._fresh = {**extras, "fresh": True}, False  # objects of earlier items are forgotten, numbers start anew
        arguments_and_keywords = (arguments, keywords) if keywords else arguments
        return self.ask(key, ("call", target, arguments, keywords, extras), arguments_and_keywords)

    def ask(self, key: str, request: tuple, arguments: tuple) -> Asked:
        """Send the request (or look it up) and keep what was asked and answered."""
        encoded = wire.encode(request, _send_object)
        known = self.due.get(key)
        expected = known.pop(0) if known else None
        asked = Asked(key, encoded, arguments, self.answer(key, request, encoded, arguments, expected), expected)
        self.asked.append(asked)
        return asked

    def answer(self, key: str, request: tuple, encoded: tuple, arguments: tuple, expected: rec.Call | None) -> Reply:
        raise NotImplementedError

    def finish(self, asked: Asked) -> Any:
        """The value for the author's code, or the end of the item."""
        raise NotImplementedError

    def wrap(self, value: Any) -> Any:
        """Handles become objects whose attributes are remote."""
        if isinstance(value, wire.Handle):
            self.objects += 1
            return RemoteObject(self, value, f"object{self.objects - 1}")
        if type(value) in (tuple, list):
            return type(value)(self.wrap(v) for v in value) if any(isinstance(v, (wire.Handle, tuple, list, dict)) for v in value) else value
        return {name: self.wrap(v) for name, v in value.items()} if type(value) is dict else value


class RemoteFunction:
    """`student.f`: call it, or ask the verbs' questions of it."""

    def __init__(self, stream: Stream, name: str, target: Any):
        self._stream, self.name, self._target = stream, name, target

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._stream.finish(self._stream.call(self.name, self._target, arguments, keywords, {}))

    def attempt(self, *arguments: Any, **keywords: Any) -> Reply:
        """The outcome, also when student code raised."""
        return self._stream.call(self.name, self._target, arguments, keywords, {}).reply

    def arguments_after(self, *arguments: Any, **keywords: Any) -> Reply:
        """The outcome with the arguments as they were after the call, and whether a result is their memory."""
        asked = self._stream.call(self.name, self._target, arguments, keywords, {"arguments_after": True})
        self._stream.finish(asked)
        return asked.reply

    def cpu_time(self, *arguments: Any) -> float:
        """CPU seconds of one call in the worker, read from outside."""
        return self._stream.cpu_time(self.name, arguments)

    def refuse(self, raised: Raised) -> None:
        """Note the exception as the call's failure and end the item."""
        notes().add(failure_finding(self.name, Reply(raised=raised)))
        raise Failed


class RemoteObject:
    """An object that stayed in the worker: public attributes and methods, each one call."""

    def __init__(self, stream: Stream, handle: wire.Handle, name: str):
        self._stream, self._handle, self._name = stream, handle, name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return _attribute(self._stream, self._handle.id, self._name, attribute)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._stream.finish(self._stream.call(f"{self._name}()", (self._handle.id, None), arguments, keywords, {}))


def _attribute(stream: Stream, ident: int, name: str, path: str) -> Any:
    value = stream.finish(stream.call(f"{name}.{path}", (ident, path), (), {}, {"attribute": True}))
    if not isinstance(value, np.ndarray):
        return value
    tensor = value.view(RemoteTensor)
    tensor._ask_for = lambda attribute: _attribute(stream, ident, name, f"{path}.{attribute}")
    return tensor


class RemoteTensor(np.ndarray):
    """The values of an object's array, such as `net.fc.weight`; `.grad` is one more call."""

    @property
    def grad(self) -> Any:
        """The gradient that stands beside the values in the worker."""
        ask_for = getattr(self, "_ask_for", None)
        if ask_for is None:
            raise AttributeError("a result computed from a parameter has no gradient; ask the parameter itself")
        return ask_for("grad")


def _send_object(value: Any) -> Any:
    if isinstance(value, RemoteObject):
        return value._handle
    if isinstance(value, np.random.Generator):
        raise CourseError("a generator cannot be sent to student code; send Seed(7), it arrives as np.random.default_rng(7)")
    raise wire.ProtocolError(f"a {type(value).__name__} cannot be sent to student code")


class LiveStream(Stream):
    """Calls answered by a worker; `lane` gives the worker and learns of its end."""

    def __init__(self, lane: Any):
        self._lane = lane

    def answer(self, key, request, encoded, arguments, expected) -> Reply:
        if request[0] == "call" and isinstance(request[1], str):
            self._lane.before_call(request[1])
        try:
            return self._lane.worker().ask(encoded, self._lane.deadline())
        except Ended as ended:
            self._lane.worker_ended(key, ended)
            raise Failed from None

    def cpu_time(self, name: str, arguments: tuple) -> float:
        """CPU seconds of one call; the item ends if the call fails."""
        before = self._lane.worker().cpu_s()
        asked = self.call(name, name, arguments, {}, {})
        spent = self._lane.worker().cpu_s() - before
        self.finish(asked)
        return spent


class StudentStream(LiveStream):
    """The submission under test: replies are compared in structure with the reference's before the author sees them."""

    side = "student"

    def finish(self, asked: Asked) -> Any:
        finding = failure_finding(asked.key, asked.reply)
        if finding is None and asked.expected is not None and asked.expected.value is not None:
            finding = structure_finding(asked.reply.value, self._lane.recorded_value(asked.expected), asked.key)
        if finding is not None:
            notes().add(finding)
            raise Failed
        self._lane.given.update((id(array), array) for array in _arrays(asked.reply.value))
        return self.wrap(asked.reply.value)


class ReferenceStream(LiveStream):
    """The reference solution, live while it is recorded: its failure is the author's error."""

    side = "reference"

    def answer(self, key, request, encoded, arguments, expected) -> Reply:
        _check_source(key, arguments, self._lane.given)
        return super().answer(key, request, encoded, arguments, expected)

    def finish(self, asked: Asked) -> Any:
        finding = failure_finding(asked.key, asked.reply)
        if finding is not None:
            raise CourseError(f"the reference itself fails: {finding.message}", _where(finding))
        return self.wrap(frozen(asked.reply.value))


class ReplayStream(Stream):
    """The reference solution from its recording; only speed items need it alive."""

    side = "reference"

    def __init__(self, lane: Any):
        self._lane = lane

    def answer(self, key, request, encoded, arguments, expected) -> Reply:
        _check_source(key, arguments, self._lane.given)
        if expected is None:
            raise CourseError(f"reference.{key} is called more often than when the reference was recorded; "
                              "calls of `reference` may not depend on what `student` returned")
        if not rec.same_arguments(expected, encoded, arguments):
            raise CourseError(f"the arguments of reference.{key} differ from those recorded; they may not depend on what "
                              "`student` returned, nor on chance outside `rng`")
        return Reply(value=self._lane.recorded_value(expected))

    def finish(self, asked: Asked) -> Any:
        return self.wrap(asked.reply.value)

    def cpu_time(self, name: str, arguments: tuple) -> float:
        return self._lane.reference_cpu_time(name, arguments)


def _check_source(key: str, arguments: Any, given: dict[int, Any]) -> None:
    """An array that `student` returned, or a view of one, may not reach `reference`."""
    for array in _arrays(arguments) if given else ():
        while array is not None:
            if id(array) in given:
                raise CourseError(f"reference.{key} is given what `student` returned; give it what the test itself made")
            array = getattr(array, "base", None)


def _arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, (np.ndarray, wire.Packed)):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arrays(item)


def frozen(value: Any) -> Any:
    """Results of the reference are read-only: they are shared between submissions."""
    for array in _arrays(value):
        if isinstance(array, np.ndarray):  # what is in a packed tuple is read-only by itself
            array.setflags(write=False)
    return value


def failure_finding(key: str, reply: Reply) -> Finding | None:
    """Why a call gave no value, or None."""
    name = key.removeprefix("value:")
    if reply.missing is not None:
        return Finding(kind=Kind.NOT_LOADED, output=name, message=f"`{name}` is not defined")
    if reply.unsendable is not None:
        return Finding(kind=Kind.STRUCTURE, output=name, message=f"the result of {name} cannot be read: {reply.unsendable}")
    if reply.raised is not None:
        line = reply.raised.frames[-1] if reply.raised.frames else None
        kind = {"NotImplementedError": Kind.NOT_ATTEMPTED, "MemoryError": Kind.MEMORY}.get(reply.raised.type, Kind.RAISED)
        message = f"{reply.raised.type}: {reply.raised.message}" if reply.raised.message else reply.raised.type
        return Finding(kind=kind, output=name, message=message, exception=reply.raised, line=line)
    if key.startswith("value:") and reply.value is None:
        return Finding(kind=Kind.NOT_ATTEMPTED, output=name, message=f"`{name}` is still None")
    return None


def _where(finding: Finding) -> str:
    return f"{finding.line.file}:{finding.line.line}" if finding.line else ""


ALLOWED_DRAWS = frozenset("""normal standard_normal uniform random integers permutation permuted choice exponential gamma beta binomial
                          poisson laplace lognormal logistic standard_exponential standard_t multivariate_normal""".split())


class Draws:
    """`rng`: a seeded generator whose draws are recorded once and replayed ever after."""

    def __init__(self) -> None:
        self._unpacked: dict[bytes, Any] = {}

    def begin(self, seed: int, recorded: rec.ItemRecording | None) -> None:
        """A new item starts."""
        self._seed, self._generator, self._made = seed, None, []
        self._replay = list(recorded.draws) if recorded and not recorded.speed else None

    def __getattr__(self, method: str) -> Any:
        if method not in ALLOWED_DRAWS:
            raise CourseError(f"rng.{method} is not recorded; use one of {', '.join(sorted(ALLOWED_DRAWS))}")
        return lambda *a, **k: self._draw(method, a, k)

    def _draw(self, method: str, arguments: tuple, keywords: dict) -> Any:
        if self._replay is not None:
            if not self._replay or self._replay[0][0] != method:
                raise CourseError(f"rng.{method} is drawn in another order than when the reference was recorded; draws may not "
                                  "depend on what `student` returned")
            return self._replayed(self._replay.pop(0)[1])
        if self._generator is None:
            self._generator = np.random.default_rng(self._seed)
        value = getattr(self._generator, method)(*arguments, **keywords)
        self._made.append((method, rec.pack(value)))
        return value

    def _replayed(self, packed: bytes) -> Any:
        """A recorded draw, unpacked once; the test gets an array of its own."""
        if packed not in self._unpacked:
            self._unpacked[packed] = rec.unpack(packed)
        value = self._unpacked[packed]
        return value.copy() if isinstance(value, np.ndarray) else value

    def made(self) -> tuple[tuple[str, bytes], ...]:
        return tuple(self._made)
