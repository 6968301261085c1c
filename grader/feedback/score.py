"""Recordings and outcomes -> verdicts and points. Pure; points are whole hundredths, so sums are exact.

A secondary case (and the chain test) counts only if all value cases that call the same functions pass; until then it
is `blocked` and worth nothing: zeros satisfy many properties.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from grader.course.assignment import Assignment, shares
from grader.record.recording import Recording, TestPoints
from grader.record.report import Verdict
from grader.suite.plan import Case
from grader.testing.finding import Finding, Kind

VERDICT_OF = {
    Kind.TIMEOUT: Verdict.TIMEOUT, Kind.CRASHED: Verdict.CRASHED, Kind.VIOLATION: Verdict.VIOLATION,
    Kind.AUTHOR: Verdict.UNGRADED, Kind.INFRASTRUCTURE: Verdict.UNGRADED, Kind.NOT_ATTEMPTED: Verdict.NOT_ATTEMPTED,
    Kind.NOT_LOADED: Verdict.BLOCKED, Kind.BLOCKED: Verdict.BLOCKED, Kind.RAISED: Verdict.RAISED, Kind.MEMORY: Verdict.RAISED,
}
SEVERITY = (Verdict.UNGRADED, Verdict.VIOLATION, Verdict.CRASHED, Verdict.TIMEOUT, Verdict.RAISED, Verdict.WRONG, Verdict.NOT_ATTEMPTED,
            Verdict.BLOCKED, Verdict.PASSED)


def case_verdict(findings: Iterable[Finding]) -> Verdict:
    """The most severe word for a case's findings; PASSED without any."""
    words = {VERDICT_OF.get(f.kind, Verdict.WRONG) for f in findings}
    return most_severe(words)


def most_severe(words: Iterable[Verdict]) -> Verdict:
    words = set(words)
    return next((word for word in SEVERITY if word in words), Verdict.PASSED)


def is_value_case(case: Case, recording: Recording) -> bool:
    """A case that judges values: no property, no chain, no stop-watch."""
    return not (case.secondary or case.chain or recording.items[case.id].speed)


def value_cases_of(case: Case, cases: Iterable[Case], recording: Recording) -> tuple[Case, ...]:
    """The value cases that call a function which `case` calls too; empty for a value case."""
    if is_value_case(case, recording):
        return ()
    functions = recording.items[case.id].functions()
    return tuple(c for c in cases if c.id in recording.items and is_value_case(c, recording)
                 and recording.items[c.id].functions() & functions)


def gate(case: Case, cases: Iterable[Case], recording: Recording, verdicts: Mapping[str, Verdict]) -> bool:
    """Whether `case` may count: all judged value cases of its functions passed."""
    return all(verdicts.get(c.id, Verdict.PASSED) is Verdict.PASSED for c in value_cases_of(case, cases, recording))


def points_table(assignment: Assignment, cases: Iterable[Case]) -> tuple[TestPoints, ...]:
    """Points of every test: a part's hundredths shared by its tests in proportion to their weights."""
    tests: dict[str, Case] = {}
    for case in cases:
        tests.setdefault(case.test, case)
    rows = []
    for part in assignment.with_parts([c.part for c in tests.values()]).parts:
        members = [c for c in tests.values() if c.part == part.name]
        points = shares([round(c.weight * 1000) for c in members], part.hundredths) if members else ()
        rows += [TestPoints(test=c.test, part=part.name, title=c.title, hundredths=p, public=c.public) for c, p in zip(members, points, strict=True)]
    return tuple(rows)


def earned(hundredths: int, passed: list[bool], per_case: bool) -> int:
    """All or nothing, or each case its share."""
    if not per_case:
        return hundredths if passed and all(passed) else 0
    return sum(share for share, ok in zip(shares([1] * len(passed), hundredths), passed, strict=True) if ok)


def part_verdict(verdicts: list[Verdict]) -> Verdict:
    """What a part's line says, from its tests' verdicts."""
    if Verdict.UNGRADED in verdicts:
        return Verdict.UNGRADED
    for word in (Verdict.PASSED, Verdict.BLOCKED):
        if all(v is word for v in verdicts):
            return word
    if all(v in (Verdict.NOT_ATTEMPTED, Verdict.BLOCKED) for v in verdicts):
        return Verdict.NOT_ATTEMPTED
    return Verdict.FAILED


def submission_verdict(verdicts: list[Verdict], any_function_loaded: bool) -> Verdict:
    """The first that applies, as the interface orders them."""
    stopped = {Verdict.TIMEOUT, Verdict.CRASHED, Verdict.VIOLATION}
    if Verdict.UNGRADED in verdicts:
        return Verdict.UNGRADED
    if not any_function_loaded and not stopped & set(verdicts):
        return Verdict.NOT_LOADED
    if all(v is Verdict.PASSED for v in verdicts):
        return Verdict.PASSED
    if all(v in (Verdict.NOT_ATTEMPTED, Verdict.BLOCKED) for v in verdicts):
        return Verdict.NOT_ATTEMPTED
    return Verdict.STOPPED if stopped & set(verdicts) else Verdict.FAILED
