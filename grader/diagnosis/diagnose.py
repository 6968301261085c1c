"""Recordings -> diagnoses: which known mistake answers like the student where the student differs from the reference.

Pure. Per function: a mistake explains it if on every call of the function that was made both agree. Singles come before
pairs, pairs before what holds for any exercise (`builtin`). One mistake that explains several functions is said once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from grader.diagnosis import builtin
from grader.fingerprint import Fingerprint, fingerprint, judged
from grader.record.known import Known, Outcome, call_key
from grader.record.recording import Call, unpack
from grader.record.report import Diagnosis, Verdict

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


def _answer(item: str, function: str, ordinal: int, mine: Outcome, theirs: Outcome, value: Any, expected: Any) -> Answer:
    tolerance = TOLERANCE_FLOAT32 if builtin.holds_float32(value) else TOLERANCE
    return Answer(item, function, ordinal, mine, theirs, tolerance, value, expected, call_key(item, function, ordinal), not same(mine, theirs, tolerance))


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
        self._known: dict[int, tuple[Call, Any, Outcome, Fingerprint | None]] = {}

    def of(self, call: Call) -> tuple[Call, Any, Outcome, Fingerprint | None]:
        """`(call, value, outcome, fingerprint of its caches)`."""
        if id(call) not in self._known:
            value = None if call.value is None else unpack(call.value)
            outcome = call.raised.type if call.raised is not None else fingerprint(judged(value))
            self._known[id(call)] = (call, value, outcome, fingerprint(caches(value)) if caches(value) else None)
        return self._known[id(call)]


def answers(asked: Mapping[str, Iterable[Any]], memory: Memory, items: Iterable[str]) -> tuple[Answer, ...]:
    """The student's calls of `items` that the reference made too.

    Beside results two more things are compared, under names of their own: `f.cache`, the NamedTuples among the results, and
    `f.arguments`, the arguments after a call that was asked for them.
    """
    found = []
    for item in items:
        ordinals: dict[str, int] = {}
        for a in asked.get(item, ()):
            ordinal = ordinals[a.key] = ordinals.get(a.key, -1) + 1
            if a.expected is None or a.reply.missing is not None:
                continue
            _, expected, outcome, cache = memory.of(a.expected)
            found.append(_answer(item, a.key, ordinal, outcome_of(a.reply), outcome, a.reply.value, expected))
            if cache is not None and a.reply.raised is None:
                found.append(_answer(item, f"{a.key}{CACHE}", ordinal, fingerprint(caches(a.reply.value)), cache, a.reply.value, expected))
            if a.reply.arguments and len(a.reply.arguments) == len(a.arguments):
                mine, theirs = fingerprint(a.reply.arguments), fingerprint(a.arguments)
                found.append(_answer(item, f"{a.key}{ARGUMENTS}", ordinal, mine, theirs, a.reply.arguments, a.arguments))
    return tuple(found)


CACHE, ARGUMENTS = ".cache", ".arguments"


def caches(value: Any) -> tuple:
    """The NamedTuples of a result, fields in alphabetical order (students may declare them in another)."""
    if isinstance(value, (tuple, list)):
        if hasattr(value, "_fields"):
            return tuple(getattr(value, name) for name in sorted(value._fields))
        return tuple(c for v in value for c in caches(v))
    return ()


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
    named = [a.function for a in calls if a.differs and a.function.partition(".")[0].isidentifier()]  # no constants, no objects
    wrong = tuple(f for f in dict.fromkeys(named) if tests_of(f))
    singles = tuple(singles)
    matches: list[list[Match]] = []
    for function in wrong:
        mine = tuple(a for a in calls if a.function == function)
        found = best(mine, singles) or (best(mine, tuple(pairs(function))) if function.isidentifier() else [])
        matches.append(found)
    return _said_once(wrong, _narrowed(matches), calls, tests_of, part_of)


def _narrowed(matches: list[list[Match]]) -> list[list[Match]]:
    """A mistake that is certain and alone at one function explains the others that call it; what is merely possible stays with its own function."""
    settled = {found[0].known.names for found in matches if len(found) == 1 and found[0].certain}
    return [[m for m in found if m.known.names in settled] or [m for m in found if m.certain or m.functions[0] in m.known.functions] for found in matches]


def best(calls: tuple[Answer, ...], known: tuple[Known, ...]) -> list[Match]:
    """The mistakes that explain one function's calls: all that are certain, else all that are possible."""
    graded = [(k, explains(calls, k)) for k in known]
    for wanted in ("certain", "possible"):
        found = [k for k, certainty in graded if certainty == wanted]
        if found:
            function = calls[0].function
            own = [k for k in found if function.partition(".")[0] in k.functions]  # a mistake in the function itself before one it inherits
            return [Match(k, (function,), wanted == "certain") for k in (own or found)]
    return []


def explains(calls: tuple[Answer, ...], known: Known) -> str | None:
    """"certain": all calls agree and a wrong value is among them. "possible": only exceptions agree, or a clear majority."""
    judged_calls = [a for a in calls if a.item in known.items]
    wrong = [a for a in judged_calls if a.differs]
    agreeing, most_missed = [], len(wrong) / 3
    for a in wrong:
        if a.key in known.calls and same(a.mine, known.calls[a.key], a.tolerance):
            agreeing.append(a)
        elif (most_missed := most_missed - 1) < 0:
            return None
    if not agreeing or any(a.key in known.calls and not a.differs and not same(a.mine, known.calls[a.key], a.tolerance) for a in judged_calls):
        return None
    values = [a for a in agreeing if isinstance(a.mine, Fingerprint)]
    if len(agreeing) == len(wrong):
        return "certain" if values else "possible"
    return "possible" if len(values) >= 2 and len(values) * 3 >= len(wrong) * 2 else None


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
