"""Recordings -> diagnoses: which known mistake answers like the student where the student differs from the reference.

Pure. Per function: a mistake explains it if on every call of the function that was made both agree. A single that is
certain comes before pairs, pairs before what holds for any exercise (`builtin`). One mistake that explains several functions is said once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from grader import wire
from grader.diagnosis import builtin
from grader.fingerprint import Fingerprint, fingerprint, judged
from grader.record.known import Known, Outcome, call_key
from grader.record.recording import Call, Recording, unpack
from grader.record.report import Diagnosis, Verdict
from grader.suite.engine import Marking

TOLERANCE = 1e-6  # of max|y|
TOLERANCE_FLOAT32 = 1e-3


class Answer(NamedTuple):
    """One call of the student beside the reference's."""

    item: str
    function: str
    ordinal: int
    mine: Outcome
    theirs: Outcome
    tolerance: float
    value: Any
    expected: Any
    key: str
    differs: bool  # from the reference
    firm: bool  # a case that is judged; the answers of a blocked one may hang on what is free (a start, a null space)


def _answer(item: str, function: str, ordinal: int, mine: Outcome, theirs: Outcome, value: Any, expected: Any, firm: bool = True) -> Answer:
    tolerance = TOLERANCE_FLOAT32 if builtin.holds_float32(value) else TOLERANCE
    return Answer(item, function, ordinal, mine, theirs, tolerance, value, expected, call_key(item, function, ordinal), not same(mine, theirs, tolerance), firm)


def right(item: str, function: str, ordinal: int) -> Answer:
    """A call that is as the reference's."""
    return Answer(item, function, ordinal, "", "", 0.0, None, None, call_key(item, function, ordinal), False, True)


class Match(NamedTuple):
    known: Known
    functions: tuple[str, ...]  # of the student's, explained by it
    certain: bool


def same(a: Outcome, b: Outcome, tolerance: float) -> bool:
    """Both are the same exception, or close results."""
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return a.agrees(b, tolerance)


class Memory:
    """The reference's recorded calls, unpacked and fingerprinted once for many submissions."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Call, Any]] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._caches: dict[int, Fingerprint | None] = {}

    def value(self, call: Call) -> Any:
        if id(call) not in self._values:
            self._values[id(call)] = (call, None if call.value is None else unpack(call.value))
        return self._values[id(call)][1]

    def outcome(self, call: Call) -> Outcome:
        if id(call) not in self._outcomes:
            self._outcomes[id(call)] = call.raised.type if call.raised is not None else fingerprint(judged(self.value(call)))
        return self._outcomes[id(call)]

    def cache(self, call: Call) -> Fingerprint | None:
        """Of the caches among the results; None when there are none."""
        if id(call) not in self._caches:
            found = caches(self.value(call))
            self._caches[id(call)] = fingerprint(found) if found else None
        return self._caches[id(call)]


def answers(marking: Marking, memory: Memory, items: Iterable[str]) -> tuple[Answer, ...]:
    """The student's calls of `items` that the reference made too, beside the reference's.

    What passes is right, whatever the reference answers (a random start, a sign). Cases that were not run answer as recorded:
    nothing that was changed is called in them. Beside results two more things are compared, under names of their own:
    `f.cache`, the NamedTuples among the results, where a chain of functions fails; and `f.arguments`, the arguments after a
    call that was asked for them.
    """
    chain_fails = any(case.chain and verdict_of(marking, case.id) in (Verdict.WRONG, Verdict.RAISED) for case in marking.cases)
    return tuple(answer for item in items for answer in (
        _of_case(marking, memory, item, chain_fails) if item in marking.outcomes else _as_recorded(marking.recording, item)))


def verdict_of(marking: Marking, item: str) -> Verdict | None:
    """None for a case that was not run."""
    return marking.outcomes[item].verdict if item in marking.outcomes else None


def _of_case(marking: Marking, memory: Memory, item: str, chain_fails: bool) -> Iterator[Answer]:
    verdict = verdict_of(marking, item)
    firm = verdict is not Verdict.BLOCKED
    ordinals: dict[str, int] = {}
    for a in marking.asked.get(item, ()):
        ordinal = ordinals[a.key] = ordinals.get(a.key, -1) + 1
        if a.expected is None or a.reply.missing is not None or (a.key.startswith("value:") and a.reply.value is None):
            continue  # not there, or a question that is not answered yet
        if verdict is Verdict.PASSED:
            yield right(item, a.key, ordinal)
        else:
            yield _answer(item, a.key, ordinal, outcome_of(a.reply), memory.outcome(a.expected), a.reply.value, memory.value(a.expected), firm)
        if chain_fails and a.reply.raised is None and (cache := memory.cache(a.expected)) is not None:
            yield _answer(item, f"{a.key}{CACHE}", ordinal, fingerprint(caches(a.reply.value)), cache, a.reply.value, memory.value(a.expected), firm)
        if len(a.reply.arguments) == len(a.arguments) > 0 and firm:
            mine, theirs = fingerprint(_numbers(a.reply.arguments)), fingerprint(_numbers(a.arguments))
            yield right(item, f"{a.key}{ARGUMENTS}", ordinal) if verdict is Verdict.PASSED else _answer(
                item, f"{a.key}{ARGUMENTS}", ordinal, mine, theirs, a.reply.arguments, a.arguments)


def _as_recorded(recording: Recording, item: str) -> Iterator[Answer]:
    ordinals: dict[str, int] = {}
    for call in recording.items[item].student:
        ordinal = ordinals[call.function] = ordinals.get(call.function, -1) + 1
        yield right(item, call.function, ordinal)
        yield right(item, f"{call.function}{CACHE}", ordinal)


CACHE, ARGUMENTS = ".cache", ".arguments"
SENT_AS_OTHERS = (wire.Handle, wire.Seed, wire.Source, wire.Opaque)


def caches(value: Any) -> tuple:
    """The NamedTuples of a result, fields in alphabetical order (students may declare them in another)."""
    if isinstance(value, (tuple, list)):
        if hasattr(value, "_fields"):
            return tuple(getattr(value, name) for name in sorted(value._fields))
        return tuple(c for v in value for c in caches(v))
    return ()


def _numbers(value: Any) -> Any:
    """The arrays among arguments: generators and functions come back as something else than they were sent."""
    if isinstance(value, wire.Leaf):
        return value.array
    if isinstance(value, (tuple, list)) and not isinstance(value, SENT_AS_OTHERS):
        return tuple(_numbers(v) for v in (value if not hasattr(value, "_fields") else (getattr(value, f) for f in sorted(value._fields))))
    return value if isinstance(value, np.ndarray) else None


def outcome_of(reply: Any) -> Outcome:
    """A reply as it is compared."""
    if reply.raised is not None:
        return reply.raised.type
    return "unsendable" if reply.unsendable is not None else fingerprint(judged(reply.value))


def diagnose(calls: tuple[Answer, ...], singles: Iterable[Known], pairs: Callable[[str], Iterable[Known]],
             tests_of: Callable[[str], tuple[str, ...]], part_of: Callable[[str], str]) -> tuple[Diagnosis, ...]:
    """Diagnoses of the functions that answer differently.

    pairs:    known pairs of mistakes of one function (recorded only when asked for)
    tests_of: the failing tests that call a function; part_of: the part of a function
    """
    named = [a.function for a in calls if a.differs and a.function.removeprefix("value:").partition(".")[0].isidentifier()]  # no objects
    wrong = tuple(f for f in dict.fromkeys(named) if tests_of(f))
    singles = tuple(singles)
    matches: list[list[Match]] = []
    for function in wrong:
        found = best(function, calls, singles)
        if not _is_certain(found) and function.isidentifier():
            both = best(function, calls, tuple(pairs(function)))
            found = both if _is_certain(both) or not found else found
        matches.append(found)
    return _said_once(wrong, _narrowed(matches), calls, tests_of, part_of)


def _narrowed(matches: list[list[Match]]) -> list[list[Match]]:
    """Of each function's matches those that are certain for the most functions; then those of the function itself before those it inherits."""
    certain_for = Counter(m.known.names for found in matches for m in found if m.certain)
    narrowed = []
    for found in matches:
        most = max((certain_for[m.known.names] for m in found), default=0)
        shared = [m for m in found if certain_for[m.known.names] == most] if any(most > m.certain for m in found) else found
        own = [m for m in shared if m.functions[0].partition(".")[0] in m.known.functions]
        narrowed.append(own or [m for m in shared if certain_for[m.known.names]])  # what is merely possible stays with its own function
    return narrowed


def best(function: str, calls: tuple[Answer, ...], known: tuple[Known, ...]) -> list[Match]:
    """The mistakes that explain what one function answers: all that are certain, else all that are possible.

    Of these, those that no right answer of another function speaks against, and of these the closest.
    """
    mine = tuple(a for a in calls if a.function in (function, function.removesuffix(CACHE)))
    elsewhere = {a.key for a in calls if not a.differs}
    graded = [(k, *explains(mine, k)) for k in known]
    found = [(certainty == "certain", elsewhere.isdisjoint(k.calls), agreeing, k) for k, certainty, agreeing in graded if certainty]
    closest = max((rank for *rank, _ in found), default=None)
    return [Match(k, (function,), rank[0]) for *rank, k in found if rank == closest]


def _is_certain(found: list[Match]) -> bool:
    return any(match.certain for match in found)


def explains(calls: tuple[Answer, ...], known: Known) -> tuple[str | None, int]:
    """`(how surely, wrong calls that agree)`. "certain": all firm ones agree, and a value is among them. "possible": only exceptions agree, or a clear majority."""
    everywhere = known.everywhere
    wrong = [a for a in calls if a.differs and a.item in everywhere]
    firm = [a for a in wrong if a.firm] or wrong
    agreeing = [a for a in firm if _agrees(a, known)]
    if not agreeing or len(agreeing) * 3 < len(firm) * 2 or any(not a.differs and a.key in known.calls for a in calls):
        return None, 0
    close = [a for a in wrong if _agrees(a, known)]
    if len(agreeing) == len(firm):
        return "certain" if any(isinstance(a.mine, Fingerprint) for a in close) else "possible", len(close)
    values = sum(isinstance(a.mine, Fingerprint) for a in agreeing)
    return ("possible", len(close)) if values >= 2 and values * 3 >= len(firm) * 2 else (None, 0)


def _agrees(answer: Answer, known: Known) -> bool:
    """(A mistake's calls are those in which it differs from the reference.)"""
    return answer.differs and answer.key in known.calls and same(answer.mine, known.calls[answer.key], answer.tolerance)


def _said_once(wrong, matches, calls, tests_of, part_of) -> tuple[Diagnosis, ...]:
    grouped: dict[tuple[str, ...], list] = {}
    order: list[tuple[frozenset, list[Match], str]] = []
    for function, found in zip(wrong, matches, strict=True):
        names = frozenset(m.known.names for m in found)
        if found:
            order.append((names, found, function))
            grouped.setdefault(tuple(sorted(names)), []).append(function)
    said, tie = [], 0
    for key, functions in grouped.items():
        found = next(f for names, f, _ in order if tuple(sorted(names)) == key)
        tie += len(found) > 1
        for match in found:
            said.append(_diagnosis(match, functions, tie if len(found) > 1 else None, tests_of))
    explained = {f for functions in grouped.values() for f in functions}
    if not any(d.certainty == "certain" for d in said):  # else other functions may just inherit what is wrong
        said += [d for function in wrong if function not in explained for d in _built_in(function, calls, tests_of, part_of)]
    return tuple(_without_inherited(said))


def _diagnosis(match: Match, functions: list[str], tie: int | None, tests_of) -> Diagnosis:
    known = match.known
    tests = tuple(dict.fromkeys(t for f in functions for t in tests_of(f)))
    return Diagnosis(mistakes=known.names, tie=tie, certainty="certain" if match.certain else "possible", part=known.part, tests=tests,
                     says=known.says, hint=known.hint[0] if known.hint else "")


def _built_in(function: str, calls: tuple[Answer, ...], tests_of, part_of) -> list[Diagnosis]:
    if function.endswith(ARGUMENTS):
        return [Diagnosis(mistakes=(builtin.CHANGED.name,), tie=None, certainty="certain", part=part_of(function), tests=tests_of(function),
                          says=builtin.CHANGED.says.format(function=function.removesuffix(ARGUMENTS)), hint=builtin.CHANGED.hint)]
    if function.endswith(CACHE):
        return []
    wrong = [(a.value, a.expected) for a in calls if a.function == function and a.differs and not isinstance(a.mine, str)]
    found = builtin.explain(wrong)
    if found is None or len(wrong) != sum(1 for a in calls if a.function == function and a.differs):
        return []
    return [Diagnosis(mistakes=(found.name,), tie=None, certainty="certain" if len(wrong) > 1 else "possible", part=part_of(function),
                      tests=tests_of(function), says=found.says.format(function=function), hint=found.hint)]


def _without_inherited(said: list[Diagnosis]) -> list[Diagnosis]:
    """A mistake already said as certain is not said again as possible elsewhere."""
    certain = {d.mistakes for d in said if d.certainty == "certain"}
    return [d for d in said if d.certainty == "certain" or d.mistakes not in certain]


def failing(verdicts: Mapping[str, Verdict]) -> tuple[str, ...]:
    """Cases whose calls say something about the student's ideas."""
    return tuple(item for item, verdict in verdicts.items() if verdict in (Verdict.WRONG, Verdict.RAISED))
