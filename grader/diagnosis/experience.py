"""The known mistakes of one exercise, as far as they are recorded: from a release, from the cache, or learned now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from grader.course.material import Material
from grader.diagnosis import learning
from grader.diagnosis.diagnose import Memory, answers
from grader.diagnosis.learning import without_chains
from grader.errors import AlteredError
from grader.record import known
from grader.record.known import Known
from grader.record.mistake import Mistake, defined
from grader.record.recording import Recording, write_bytes
from grader.suite.engine import Marking, Task, with_next


class Experience:
    """Mistakes of an exercise, learned when a function fails that they can be noticed in; pairs by function, later."""

    def __init__(self, exercise: Material):
        self.exercise = exercise
        self._singles: dict[str, tuple[Known, ...]] = {}  # by the function that they are noticed in
        self._pairs: dict[str, tuple[Known, ...]] = {}
        self._current: tuple[learning.Wrong, tuple[str, ...]] | None = None
        self._learned: list[Known] = []
        self._memory = Memory()

    @cached_property
    def mistakes(self) -> tuple[Mistake, ...]:
        """As the author wrote them; read only when something has to be learned."""
        return self.exercise.mistakes

    def singles(self, functions: Iterable[str]) -> tuple[Known, ...]:
        """The known single mistakes that can be noticed in `functions`, each once; a release tells all it has."""
        groups = [self._singles.get(f, ()) for f in functions] if self.exercise.reference else self._singles.values()
        return tuple({known.names: known for group in groups for known in group}.values())

    def pairs(self, function: str) -> tuple[Known, ...]:
        """Known pairs of a function; empty before `lacking_pairs` was worked off."""
        return self._pairs.get(function, ())

    def consulted(self) -> tuple[Known, ...]:
        """All mistakes known so far."""
        return self.singles(self._singles) + tuple(k for known_pairs in self._pairs.values() for k in known_pairs)

    def lacking_singles(self, functions: Iterable[str], marking: Marking) -> Iterator[Task]:
        """Tasks whose markings `learn` must get, so that all mistakes are known that can be noticed in `functions`."""
        if self.exercise.reference is None:
            everywhere = without_chains(marking.recording.items, marking.all_cases)
            self._singles[""] = tuple(replace(k, items=k.items or everywhere) for k in marking.recording.known if len(k.names) == 1)
            return
        files = {f: self._file(f"mistakes-{f.replace(':', '-')}", marking.recording) for f in functions if f not in self._singles}
        self._singles |= {f: found for f, file in files.items() if (found := self._cached(file)) is not None}
        lacking = {f: file for f, file in files.items() if f not in self._singles}
        if not lacking:
            return
        own = defined(self._reference())
        noticed = [w for w in learning.singles(self._reference(), self.mistakes, self.exercise.mistakes_shown) if w.touches(lacking, own)]
        at_hand = {k.names[0]: k for k in self.singles(self._singles)}
        items = learning.value_items(marking.all_cases, marking.recording)
        yield from self._tasks([w for w in noticed if w.mistakes[0].name not in at_hand], items, own, marking)
        at_hand |= {k.names[0]: k for k in self._learned}
        for function, file in lacking.items():
            self._singles[function] = tuple(at_hand[w.mistakes[0].name] for w in noticed if w.touches((function,), own))
            self._keep(file, self._singles[function])

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
            wrongs = learning.pairs(self._reference(), self.mistakes, function, self.exercise.mistakes_shown) if items else ()
            yield from self._tasks(wrongs, items, frozenset(), marking)
            found = _telling(tuple(self._learned), self.singles((function,)))
            self._keep(file, found)
        self._pairs[function] = found

    def _tasks(self, wrongs: Iterable[learning.Wrong], items: tuple[str, ...], own: frozenset[str], marking: Marking) -> Iterator[Task]:
        self._learned = []
        for wrong, upcoming in with_next(list(wrongs)):
            self._current = wrong, without_chains(items, marking.all_cases)
            yield Task(wrong.submission, learning.items_for(wrong, items, marking.recording, own), upcoming=upcoming and upcoming.submission)

    def learn(self, marking: Marking) -> None:
        """The marking of the task given last."""
        wrong, items = self._current
        self._learned.append(learning.known_of(wrong, answers(marking, self._memory, items), items))

    def _reference(self) -> str:
        return self.exercise.reference.pieces[0].text

    # -- the cache -----------------------------------------------------------------------------------------

    def _key(self, made: Recording) -> str:
        source = repr((made.key, self.exercise.mistakes_digest, learning.PAIR_ITEMS))
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
