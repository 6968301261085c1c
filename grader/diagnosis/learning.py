"""What known mistakes answer, found by marking them like any submission: tasks for the engine, markings to `Known`s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from grader.diagnosis.diagnose import Answer
from grader.errors import CourseError
from grader.feedback.score import is_value_case
from grader.record.known import Known
from grader.record.mistake import Mistake, apply, changed_functions, reach
from grader.record.recording import Recording
from grader.source.submission import Submission, submission_from_bytes
from grader.suite.plan import Case

PAIR_ITEMS = (3, 3)  # public and hidden cases on which pairs are told apart


class Wrong(NamedTuple):
    """The reference with one or two mistakes in it."""

    mistakes: tuple[Mistake, ...]
    functions: tuple[str, ...]  # whose code is changed
    submission: Submission
    statements: tuple[str, ...] = ()  # the lines that differ, without spaces
    reach: frozenset[str] | None = None  # functions that the change can be noticed in; None: everything

    def touches(self, functions: Iterable[str], defined: Iterable[str]) -> bool:
        """Whether one of `functions` may answer otherwise; of what is not a function of the module nothing is known."""
        return self.reach is None or any(f in self.reach or f not in defined for f in functions)


def single(reference: str, mistake: Mistake, where: str) -> Wrong:
    text = apply(reference, mistake, where)
    before = {bare(line) for line in reference.split("\n")}
    statements = tuple(b for line in text.split("\n") if (b := bare(line)) and b not in before and not b.startswith("#"))
    changed = changed_functions(reference, text)
    return Wrong((mistake,), tuple(sorted(changed)), _submission(text, mistake.name), statements, reach(reference, text, changed))


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


def value_items(cases: Iterable[Case], recording: Recording) -> tuple[str, ...]:
    """Cases on which mistakes are marked: everything but stop-watches."""
    return tuple(c.id for c in cases if not recording.items[c.id].speed)


def functions_of(recording: Recording) -> tuple[str, ...]:
    """All functions and constants that the tests ask for."""
    return tuple(dict.fromkeys(f.partition(".")[0] for item in recording.items.values() for f in item.functions()))


def without_chains(items: Iterable[str], cases: Iterable[Case]) -> tuple[str, ...]:
    """Cases whose answers are compared: in a chain later calls depend on earlier ones."""
    chains = {c.id for c in cases if c.chain}
    return tuple(i for i in items if i not in chains)


def items_for_pairs(function: str, cases: Iterable[Case], recording: Recording) -> tuple[str, ...]:
    """A few value cases of the function, of different tests first."""
    chosen: list[Case] = []
    for public, most in zip((True, False), PAIR_ITEMS, strict=True):
        calling = [c for c in cases if c.public is public and is_value_case(c, recording) and function in recording.items[c.id].functions()]
        last_of_test = list({c.test: c for c in calling}.values())  # the largest case of a test usually stands last
        chosen += (last_of_test + [c for c in calling if c not in last_of_test])[:most]
    return tuple(c.id for c in chosen)


def items_for(wrong: Wrong, items: Iterable[str], recording: Recording, defined: frozenset[str]) -> frozenset[str]:
    """Those of `items` in which the wrong solution may answer otherwise than the reference."""
    return frozenset(i for i in items if wrong.touches((f.partition(".")[0] for f in recording.items[i].functions()), defined))


def known_of(wrong: Wrong, calls: Iterable[Answer], items: Iterable[str]) -> Known:
    """The calls in which the wrong solution differs from the reference; about other cases than `items` nothing is known."""
    first = wrong.mistakes[0]
    return Known(
        names=tuple(m.name for m in wrong.mistakes), part=first.part, functions=wrong.functions, items=tuple(items),
        calls={a.key: a.mine for a in calls if a.differs},
        says=" And: ".join(m.says for m in wrong.mistakes), hint=first.hint if len(wrong.mistakes) == 1 else tuple(m.hint[0] for m in wrong.mistakes if m.hint),
        tie=first.tie, statements=wrong.statements)
