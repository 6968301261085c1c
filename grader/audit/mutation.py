"""`grade audit --mutants`: how many generic mutants the tests notice, and which survive."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import compress
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec

from grader import processors
from grader.audit import mutants
from grader.check import Options, job_of, table_of
from grader.course import material
from grader.course.course import find_course, load_course
from grader.diagnosis import learning
from grader.record.report import Verdict
from grader.source import strip
from grader.source.submission import submission_from_bytes
from grader.suite import engine
from grader.suite.engine import Marking, Task

INPUTS = 1000  # random hidden inputs on which an equivalent mutant agrees with the reference
LEAST_KILLED = 0.98  # of the mutants that are not equivalent
MOST_EQUIVALENT = 0.05  # of all mutants
SHARE = 60  # mutants per session


class Survivor(msgspec.Struct, frozen=True):
    function: str
    line: int
    kind: str
    difference: str
    equivalent: bool = False


class Kills(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise: mutants made, killed, and those that survived."""

    slug: str
    made: int
    killed: int
    survivors: tuple[Survivor, ...] = ()

    @property
    def equivalent(self) -> int:
        return sum(s.equivalent for s in self.survivors)

    @property
    def rate(self) -> float:
        """Killed among the mutants that are not equivalent."""
        return self.killed / max(1, self.made - self.equivalent)

    @property
    def enough(self) -> bool:
        return self.rate >= LEAST_KILLED and self.equivalent <= MOST_EQUIVALENT * self.made


class Share(msgspec.Struct, frozen=True):
    """Some mutants of one exercise, to be marked with hidden inputs of one seed (None: those of the course)."""

    root: str
    slug: str
    seed: int | None
    chosen: tuple[mutants.Mutant, ...]


class Passed(NamedTuple):
    """For each mutant of a share whether it passes every case, and how many random hidden inputs that were."""

    verdicts: tuple[bool, ...]
    inputs: int


def kill(root: Path, slugs: list[str], jobs: int | None = None, progress=None) -> list[Kills]:
    """Mutation results of exercises, on all cores: first all mutants, then those that survive, with more inputs."""
    made = {slug: _mutants(Share(str(root), slug, None, ())) for slug in slugs}
    with ProcessPoolExecutor(jobs or processors.at_once(), mp_context=get_context("spawn")) as pool:
        shares = [Share(str(root), slug, None, made[slug][k : k + SHARE]) for slug in slugs for k in range(0, len(made[slug]), SHARE)]
        alive: dict[str, tuple[mutants.Mutant, ...]] = dict.fromkeys(slugs, ())
        inputs: dict[str, int] = {}
        for share, passed in _worked(pool, shares, progress):
            alive[share.slug] += tuple(compress(share.chosen, passed.verdicts))
            inputs[share.slug] = passed.inputs
        shares = [Share(str(root), slug, seed, alive[slug]) for slug in slugs if alive[slug] for seed in range(1, _rounds(inputs[slug]))]
        told_apart = {m for share, passed in _worked(pool, shares, progress) for m, same in zip(share.chosen, passed.verdicts, strict=True) if not same}
    return [Kills(slug=slug, made=len(made[slug]), killed=len(made[slug]) - len(alive[slug]),
                  survivors=tuple(Survivor(m.function, m.line, m.kind, m.difference, m not in told_apart) for m in sorted(alive[slug], key=lambda m: (m.line, m.source))))
            for slug in slugs]


def _rounds(inputs: int) -> int:
    """How many seeds it takes to see `INPUTS` inputs, when one shows `inputs`; where nothing is random, one."""
    return math.ceil(INPUTS / inputs) if inputs else 1


def _worked(pool: ProcessPoolExecutor, shares: list[Share], progress) -> Iterator[tuple[Share, Passed]]:
    """The shares with their results, in their order."""
    running = [pool.submit(work, share) for share in shares]
    if progress:
        for done, _ in enumerate(as_completed(running), 1):
            progress(done, len(running))
    yield from zip(shares, (r.result() for r in running), strict=True)


def _mutants(share: Share) -> tuple[mutants.Mutant, ...]:
    exercise = _exercise(share)
    reference = exercise.reference.pieces[0].text
    written = [(r.begin, r.end) for r in strip.regions(reference, exercise.assignment.source_name)]
    return tuple(mutants.mutants(reference, written))


def work(share: Share) -> Passed:
    """Mark a share, in a process of its own: a mutant is killed by the first case that does not pass."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    exercise = _exercise(share)
    verdicts: list[bool] = []
    last: list[Marking] = []

    def tasks() -> Iterator[Task]:
        yield Task(exercise.reference)
        reference = last.pop()
        items = learning.value_items(reference.all_cases, reference.recording)
        slowest_s = max(reference.outcomes[i].duration_s for i in items if i in reference.outcomes)
        last.append(reference)
        for mutant in share.chosen:
            submission = submission_from_bytes(mutant.source.encode(), file="mutant.py", kind="py", name="mutant")
            yield Task(submission, frozenset(items), stop_first=True, deadline_s=max(1.0, 10 * slowest_s))
            verdicts.append(all(o.verdict is Verdict.PASSED for o in last.pop().outcomes.values()))

    engine.mark(job_of(exercise, Options()), tasks(), last.append, None, exercise.keep, table_of(exercise))
    recorded = last[0].recording.items
    inputs = sum(len(recorded[c.id].student) for c in last[0].all_cases if not c.public and recorded[c.id].draws)
    return Passed(tuple(verdicts), inputs)


def _exercise(share: Share) -> material.Material:
    return material.load(load_course(find_course(Path(share.root))), share.slug, share.seed)
