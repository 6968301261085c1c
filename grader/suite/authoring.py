"""What must hold of an exercise when its reference is recorded; each breach is an author's error with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from grader.errors import CourseError
from grader.feedback.score import is_value_case, value_cases_of
from grader.record.recording import Recording
from grader.suite.plan import Case
from grader.testing.finding import Finding

REMARKABLE = 8  # float arrays of this many elements, not constant, could serve as an answer


def check_reference(cases: tuple[Case, ...], recording: Recording, asked: dict[str, tuple[Any, ...]], findings: dict[str, tuple[Finding, ...]]) -> None:
    """Raise the first CourseError found."""
    for case in cases:
        if findings[case.id]:
            first = findings[case.id][0]
            raise CourseError(f"the reference does not pass its own test {case.id}: {first.message}", case.where)
        if not recording.items[case.id].student:
            raise CourseError(f"{case.id} never calls `student`", case.where)
        _check_kind(case, cases, recording, asked[case.id])
    for public in (True, False):
        _check_order([c for c in cases if c.public is public], asked)


def _check_kind(case: Case, cases: tuple[Case, ...], recording: Recording, asked: tuple[Any, ...]) -> None:
    if recording.items[case.id].speed and case.public:
        raise CourseError(f"{case.test} measures time and is public; a release has no reference to time", case.where)
    if not is_value_case(case, recording):
        if not value_cases_of(case, cases, recording):
            raise CourseError(f"{case.test} is secondary, but no value test calls the same functions", case.where)
        return
    for call in asked:
        if remarkable_digests(call.reply.value) & remarkable_digests(call.arguments):
            raise CourseError(f"{case.id}: the result of {call.key} equals one of its arguments; mark the test @secondary", case.where)


def _check_order(cases: list[Case], asked: dict[str, tuple[Any, ...]]) -> None:
    """No expected result may have stood among the arguments of an earlier call of the same worker."""
    seen: dict[bytes, str] = {}
    for case in cases:
        for call in asked[case.id]:
            for answer in remarkable_digests(call.reply.value) & seen.keys():
                raise CourseError(f"{case.id}: the expected result of {call.key} was an argument of an earlier call (in {seen[answer]}), "
                                  "where a submission could have kept it; draw fresh inputs", case.where)
            for argument in remarkable_digests(call.arguments):
                seen.setdefault(argument, case.id)


def remarkable_digests(value: Any) -> set[bytes]:
    """The bytes of float arrays that could serve as an answer; the fields of a cache (NamedTuple) are left aside."""
    return {a.tobytes() for a in _arrays(value)}


def _arrays(value: Any) -> Iterable[np.ndarray]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and value.size >= REMARKABLE and np.ptp(value) > 0:
            yield value
    elif isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arrays(item)
