"""What a report says, in sentences without layout: every renderer for people takes its words from here.

The sentences are raw text: they hold what students wrote and must pass through the boundary of `text`.
"""

from __future__ import annotations

import enum
import math
import re
from typing import Any

from grader.record.report import Diagnosis, Finding, Kind, PartReport, Report, TestReport, Verdict

FAILING = frozenset({Verdict.WRONG, Verdict.RAISED, Verdict.TIMEOUT, Verdict.CRASHED, Verdict.VIOLATION})
"""Verdicts of a test that was judged and did not pass."""

LONGEST_VALUE = 60

WITHOUT_FINDING = {
    Verdict.TIMEOUT: "Your code was stopped: its time was over.",
    Verdict.CRASHED: "The process that ran your code ended by itself.",
    Verdict.VIOLATION: "Your code tried what it may not do here.",
}


LABELS = {
    Kind.SHAPE: "Difference",
    Kind.VALUES: "Difference",
    Kind.NONFINITE: "Difference",
    Kind.DTYPE: "Difference",
    Kind.GRADIENT: "Difference",
    Kind.SLOW: "Time",
    Kind.TIMEOUT: "Stopped",
    Kind.MEMORY: "Stopped",
    Kind.CRASHED: "Stopped",
    Kind.VIOLATION: "Stopped",
}
"""What a gap is called in one word."""


class State(enum.Enum):
    """The state of a part, by the word that names it."""

    OK = "ok"
    FAIL = "FAIL"
    TODO = "todo"
    WAIT = "wait"
    UNGRADED = "????"
    SLOW = "slow"
    TIME = "TIME"


STATES = {
    Verdict.PASSED: State.OK,
    Verdict.NOT_ATTEMPTED: State.TODO,
    Verdict.BLOCKED: State.WAIT,
    Verdict.NOT_LOADED: State.WAIT,
    Verdict.UNGRADED: State.UNGRADED,
}


def state(part: PartReport, tests: tuple[TestReport, ...]) -> State:
    """`slow` and `TIME` stand for parts that fail in nothing else."""
    failing = [test for test in tests if test.part == part.name and test.verdict in FAILING]
    if part.verdict is not Verdict.FAILED:
        return STATES.get(part.verdict, State.FAIL)
    if not failing:
        return _lacking({test.verdict for test in tests if test.part == part.name})
    if all(test.finding is not None and test.finding.kind is Kind.SLOW for test in failing):
        return State.SLOW
    return State.TIME if {test.verdict for test in failing} == {Verdict.TIMEOUT} else State.FAIL


def did_not_load(test: TestReport) -> bool:
    """A function that the test calls did not load."""
    return test.verdict is Verdict.BLOCKED and test.finding is not None and test.finding.kind is Kind.NOT_LOADED


def _lacking(verdicts: set[Verdict]) -> State:
    """Of a part that is begun and right so far: what its other tests lack."""
    for verdict in (Verdict.UNGRADED, Verdict.NOT_ATTEMPTED, Verdict.BLOCKED):
        if verdict in verdicts:
            return STATES[verdict]
    return State.FAIL


def points(value: float) -> str:
    """`20`, `7.5`, `3.33`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def number(value: Any, digits: int = 7) -> str:
    """A value of a finding: floats with up to 7 significant digits, long texts cut and announced."""
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, complex):
        return f"{number(value.real, digits)}{value.imag:+.{digits}g}j"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}... ({len(text) - LONGEST_VALUE} more characters)"


def numbers(yours: Any, expected: Any) -> tuple[str, str]:
    """Both values with as many digits as it takes to tell them apart (7, if they suffice)."""
    for digits in (7, 9, 12, 17):
        pair = number(yours, digits), number(expected, digits)
        if pair[0] != pair[1]:
            break
    return pair


def label(finding: Finding) -> str:
    """One word for what `gap` tells."""
    return LABELS.get(finding.kind, "Problem")


def gap(finding: Finding) -> str:
    """What differs, where, by how much, and how yours relates to the expected."""
    related = f"Yours is {finding.relation}." if finding.relation else ""
    return " ".join(part for part in (_judgement(finding), _values(finding), related) if part)


def _judgement(finding: Finding) -> str:
    named = finding.output and re.search(rf"\b{re.escape(finding.output)}\b", finding.message)
    output = f"{finding.output}: " if finding.output and not named else ""
    match finding.kind:
        case Kind.SHAPE if finding.expected_shape is not None and finding.actual_shape is not None:
            shapes = f"another shape: yours {finding.actual_shape}, expected {_named_shape(finding)}"
            return sentence(f"{finding.output} has {shapes}" if finding.output else shapes, name=finding.output)
        case Kind.VALUES | Kind.NONFINITE if finding.n is not None and finding.n_wrong is not None:
            if finding.n == 1:
                return ""
            note = " (finite against not finite)" if finding.kind is Kind.NONFINITE else ""
            differ = "differs" if finding.n_wrong == 1 else "differ"
            text = f"{finding.n_wrong} of {finding.n} values {differ}{note}"
        case Kind.RAISED | Kind.NOT_LOADED if finding.exception is not None:
            return ""
        case Kind.NONE_RETURNED if finding.expected_shape is not None:
            text = f"{finding.message}, of shape {_named_shape(finding)}"
        case _:
            text = finding.message
    return sentence(output + text, name=finding.output)


def sentence(text: str, *, name: str | None = None) -> str:
    """A capital and a full stop; a name at the beginning (`h: ...`, `f_t is ...`, `name`) keeps its case."""
    text = text.strip()
    first = text.partition(" ")[0]
    if first.isascii() and first.isalpha() and len(first) > 1 and first != name:
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."


def _named_shape(finding: Finding) -> str:
    """`(4, 5) = (N, H)`"""
    shape = finding.expected_shape or ()
    return f"{shape} = ({', '.join(finding.axes)})" if finding.axes and len(finding.axes) == len(shape) else str(shape)


def _values(finding: Finding) -> str:
    if finding.kind not in (Kind.VALUES, Kind.NONFINITE, Kind.GRADIENT):
        return ""
    yours, expected = numbers(finding.actual, finding.expected)
    text = f"yours {yours}, expected {expected}{_largest(finding)}."
    if finding.index:
        at = "At" if finding.n_wrong == 1 else "First at"
        return f"{at} {finding.output or ''}{list(finding.index)}{_named_index(finding)}: {text}"
    return f"{finding.output}: {text}" if finding.output and finding.n == 1 else text[0].upper() + text[1:]


def _named_index(finding: Finding) -> str:
    """` (N=0, H=2)`"""
    if not finding.axes or len(finding.axes) != len(finding.index or ()):
        return ""
    return f" ({', '.join(f'{axis}={i}' for axis, i in zip(finding.axes, finding.index or (), strict=True))})"


def _largest(finding: Finding) -> str:
    if finding.max_abs is None or not math.isfinite(finding.max_abs) or (finding.n_wrong or 0) < 2:
        return ""
    elsewhere = finding.worst_index is not None and finding.worst_index != finding.index
    at = f" at {finding.output or ''}{list(finding.worst_index or ())}" if elsewhere else ""
    return f"; largest difference {number(finding.max_abs)}{at}"


def diagnosis(found: Diagnosis) -> str:
    """How sure, and what the mistake says; two names are two mistakes at once."""
    certain = found.certainty == "certain"
    if len(found.mistakes) > 1:
        return f"{'Exactly like' if certain else 'This looks like'} two mistakes at once. {found.says}"
    return f"{'Exactly like this mistake:' if certain else 'This looks like a mistake:'} {found.says}"


def failed_cases(test: TestReport) -> str:
    """`fails in 3 of 4 cases`, for tests of more than one."""
    wrong = sum(case.verdict in FAILING for case in test.cases)
    return f"fails in {wrong} of {len(test.cases)} cases" if len(test.cases) > 1 and wrong else ""


def hidden_failures(report: Report) -> tuple[str, ...]:
    """Hidden tests that fail: title and kind, nothing else of them."""
    failing = FAILING | {Verdict.UNGRADED}
    tests = (test for test in report.tests if test.visibility == "hidden" and test.verdict in failing)
    return tuple(f'"{test.title}" ({_kind(test)})' for test in tests)


def hidden_waiting(report: Report) -> int:
    """How many hidden tests wait for something: code not begun, values still wrong."""
    waiting = (Verdict.NOT_ATTEMPTED, Verdict.BLOCKED)
    return sum(test.visibility == "hidden" and test.verdict in waiting for test in report.tests)


def _kind(test: TestReport) -> str:
    kind = test.verdict if test.finding is None or test.verdict not in FAILING else test.finding.kind
    return kind.value.replace("_", " ")


def score(report: Report) -> str:
    """The last line: what is known of the points, and what decides the others."""
    known = f"{points(report.score)} of {points(report.max_score)} points."
    others = report.points_total - report.max_score
    if all_at_hand(report) or (report.hidden is None and others < 0.01):
        return f"Score {known}" + _not_run(others)
    if report.hidden is None:
        return f"Visible {known} The other {points(others)} are decided by hidden tests after you hand in."
    tests = "1 hidden test" if report.hidden.tests == 1 else f"{report.hidden.tests} hidden tests"
    decided = f" The other {points(report.hidden.points)} are decided by {tests} after you hand in."
    return f"Visible {known}{decided}{_not_run(others - report.hidden.points)}"


def all_at_hand(report: Report) -> bool:
    """No hidden test is missing from this report."""
    return report.scope == "all" if report.hidden is None else report.hidden.tests == 0


def _not_run(rest: float) -> str:
    return f" Not run: tests worth {points(rest)} points." if rest >= 0.01 else ""
