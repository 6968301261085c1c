"""The known mistakes of one exercise, as far as they are recorded: from a release, from the cache, or learned now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from grader.course.material import Material
from grader.diagnosis import learning
from grader.diagnosis.diagnose import Memory
from grader.errors import AlteredError
from grader.record import known
from grader.record.known import Known
from grader.record.mistake import Mistake
from grader.record.recording import Recording, write_bytes
from grader.suite.engine import Marking, Task


class Experience:
    """Mistakes of an exercise: `singles` once learned, `pairs` by function once learned."""

    def __init__(self, exercise: Material):
        self.exercise = exercise
        self.mistakes: tuple[Mistake, ...] = exercise.mistakes
        self.singles: tuple[Known, ...] = ()
        self._pairs: dict[str, tuple[Known, ...]] = {}
        self._have_singles = False
        self._current: learning.Wrong | None = None
        self._learned: list[Known] = []
        self._memory = Memory()

    def pairs(self, function: str) -> tuple[Known, ...]:
        """Known pairs of a function; empty before `lacking_pairs` was worked off."""
        return self._pairs.get(function, ())

    def consulted(self) -> tuple[Known, ...]:
        """All mistakes known so far."""
        return self.singles + tuple(k for known_pairs in self._pairs.values() for k in known_pairs)

    def lacking_singles(self, marking: Marking) -> Iterator[Task]:
        """Tasks whose markings `learn` must get; none when the mistakes are at hand."""
        if self._have_singles:
            return
        self._have_singles = True
        if self.exercise.reference is None:
            everywhere = tuple(marking.recording.items)
            self.singles = tuple(replace(k, items=k.items or everywhere) for k in marking.recording.known if len(k.names) == 1)
            return
        file = self._file("mistakes", marking.recording)
        found = self._cached(file)
        if found is None:
            items = learning.value_items(marking.all_cases, marking.recording)
            yield from self._tasks(learning.singles(self._reference(), self.mistakes, self.exercise.mistakes_shown), items)
            found = tuple(self._learned)
            self._keep(file, found)
        self.singles = found

    def lacking_pairs(self, function: str, marking: Marking) -> Iterator[Task]:
        """Likewise, for pairs of mistakes of one function."""
        if function in self._pairs:
            return
        if self.exercise.reference is None:
            self._pairs[function] = tuple(k for k in marking.recording.known if len(k.names) == 2 and k.functions == (function,))
            return
        file = self._file(f"pairs-{function}", marking.recording)
        found = self._cached(file)
        if found is None:
            items = learning.items_for_pairs(function, marking.all_cases, marking.recording)
            if items:
                yield from self._tasks(learning.pairs(self._reference(), self.mistakes, function, self.exercise.mistakes_shown), items)
            found = _telling(tuple(self._learned), self.singles) if items else ()
            self._keep(file, found)
        self._pairs[function] = found

    def _tasks(self, wrongs, items: frozenset[str]) -> Iterator[Task]:
        self._learned = []
        for wrong in wrongs:
            self._current = wrong
            yield learning.task(wrong, items)

    def learn(self, marking: Marking) -> None:
        """The marking of the task given last."""
        self._learned.append(learning.known_of(self._current, marking, self._memory))

    def _reference(self) -> str:
        return self.exercise.reference.pieces[0].text

    # -- the cache -----------------------------------------------------------------------------------------

    def _key(self, made: Recording) -> str:
        source = repr((made.key, self.mistakes, learning.PAIR_ITEMS))
        return hashlib.sha256(source.encode()).hexdigest()

    def _file(self, kind: str, made: Recording) -> Path:
        return self.exercise.cache_file.with_name(f"{self.exercise.assignment.slug}-{kind}-{self._key(made)[:24]}.known")

    def _cached(self, file: Path) -> tuple[Known, ...] | None:
        try:
            return known.read(file)[1]
        except (OSError, AlteredError):
            return None

    def _keep(self, file: Path, found: tuple[Known, ...]) -> None:
        try:
            write_bytes(known.encode(found, ""), file)
        except OSError:
            pass


def _telling(pairs: tuple[Known, ...], singles: tuple[Known, ...]) -> tuple[Known, ...]:
    """Pairs that answer otherwise than either mistake alone: one may make the other irrelevant."""
    alone = {k.names[0]: k for k in singles}

    def same_as(pair: Known, single: Known) -> bool:
        mine = {key: outcome for key, outcome in single.calls.items() if key.partition("|")[0] in pair.items}
        return mine.keys() == pair.calls.keys() and all(_same(mine[key], pair.calls[key]) for key in mine)

    return tuple(p for p in pairs if p.calls and not any(same_as(p, alone[n]) for n in p.names if n in alone))


def _same(a: known.Outcome, b: known.Outcome) -> bool:
    from grader.diagnosis.diagnose import TOLERANCE, same

    return same(a, b, TOLERANCE)
