"""What known mistakes answer, found by marking them like any submission: tasks for the engine, markings to `Known`s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from grader.diagnosis.diagnose import Memory, answers
from grader.errors import CourseError
from grader.feedback.score import is_value_case
from grader.record.known import Known
from grader.record.mistake import Mistake, apply, changed_functions
from grader.record.recording import Recording
from grader.record.report import Verdict
from grader.source.submission import Submission, submission_from_bytes
from grader.suite.engine import Marking, Task
from grader.suite.plan import Case

PAIR_ITEMS = (3, 3)  # public and hidden cases on which pairs are told apart


class Wrong(NamedTuple):
    """The reference with one or two mistakes in it."""

    mistakes: tuple[Mistake, ...]
    functions: tuple[str, ...]  # whose code is changed
    submission: Submission
    statements: tuple[str, ...] = ()  # the lines that differ, without spaces


def single(reference: str, mistake: Mistake, where: str) -> Wrong:
    text = apply(reference, mistake, where)
    before = {bare(line) for line in reference.split("\n")}
    statements = tuple(b for line in text.split("\n") if (b := bare(line)) and b not in before and not b.startswith("#"))
    return Wrong((mistake,), tuple(sorted(changed_functions(reference, text))), _submission(text, mistake.name), statements)


def bare(line: str) -> str:
    """A line without spaces and comment, as statements are compared."""
    return "".join(line.partition("#")[0].split())


def singles(reference: str, mistakes: Iterable[Mistake], where: str) -> tuple[Wrong, ...]:
    """All that a student's answers are compared with: neither equivalent nor merely slow."""
    return tuple(single(reference, m, where) for m in mistakes if not (m.equivalent or m.slow))


def pairs(reference: str, mistakes: Iterable[Mistake], function: str, where: str) -> Iterator[Wrong]:
    """Two compatible mistakes of one function at once: both edits still apply, and each changes something."""
    own = [w for w in singles(reference, mistakes, where) if w.functions == (function,) and w.mistakes[0].pair and not w.mistakes[0].exclusive]
    for first, second in combinations(own, 2):
        if first.mistakes[0].function and second.mistakes[0].function:
            continue
        a, b = (second, first) if second.mistakes[0].function else (first, second)  # a whole function first, edits after
        try:
            text = apply(a.submission.pieces[0].text, b.mistakes[0], where)
        except CourseError:
            continue
        yield Wrong((first.mistakes[0], second.mistakes[0]), (function,), _submission(text, f"{first.mistakes[0].name}+{second.mistakes[0].name}"))


def _submission(text: str, name: str) -> Submission:
    return submission_from_bytes(text.encode(), file="mistake.py", kind="py", name=name)


def value_items(cases: Iterable[Case], recording: Recording) -> frozenset[str]:
    """Cases on which mistakes are marked: everything but stop-watches."""
    return frozenset(c.id for c in cases if not recording.items[c.id].speed)


def items_for_pairs(function: str, cases: Iterable[Case], recording: Recording) -> frozenset[str]:
    """A few value cases of the function, of different tests first."""
    chosen: list[Case] = []
    for public, most in zip((True, False), PAIR_ITEMS, strict=True):
        calling = [c for c in cases if c.public is public and is_value_case(c, recording) and function in recording.items[c.id].functions()]
        last_of_test = list({c.test: c for c in calling}.values())  # the largest case of a test usually stands last
        chosen += (last_of_test + [c for c in calling if c not in last_of_test])[:most]
    return frozenset(c.id for c in chosen)


def task(wrong: Wrong, items: frozenset[str]) -> Task:
    return Task(wrong.submission, items)


def passed(marking: Marking, item: str) -> bool:
    """Whether a case was right: then another answer than the reference's is as good (a random start, a sign)."""
    return item in marking.outcomes and marking.outcomes[item].verdict is Verdict.PASSED


def known_of(wrong: Wrong, marking: Marking, memory: Memory) -> Known:
    """The calls in which the wrong solution differs from the reference."""
    items = tuple(c.id for c in marking.cases if not c.chain)  # a chain's later calls depend on its earlier ones
    differing = {a.key: a.mine for a in answers(marking.asked, memory, items) if a.differs and not passed(marking, a.item)}
    first = wrong.mistakes[0]
    return Known(
        names=tuple(m.name for m in wrong.mistakes), part=first.part, functions=wrong.functions, items=items, calls=differing,
        says=" And: ".join(m.says for m in wrong.mistakes), hint=first.hint if len(wrong.mistakes) == 1 else tuple(m.hint[0] for m in wrong.mistakes if m.hint),
        tie=first.tie, statements=wrong.statements)
