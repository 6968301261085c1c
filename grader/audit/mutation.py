"""`grade audit --mutants`: how many generic mutants the tests notice, and which survive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import msgspec

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

INPUTS = 1000  # random inputs on which an equivalent mutant agrees with the reference
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


class Share(msgspec.Struct, frozen=True):
    root: str
    slug: str
    first: int
    last: int


def kill(root: Path, slugs: list[str], jobs: int | None = None, progress=None) -> list[Kills]:
    """Mutation results of exercises, on all cores."""
    shares = [Share(str(root), slug, first, first + SHARE) for slug in slugs for first in range(0, mutants.MOST, SHARE)]
    parts: dict[str, list[Kills]] = {slug: [] for slug in slugs}
    with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        running = {pool.submit(work, share): share for share in shares}
        for done in as_completed(running):
            parts[running[done].slug].append(done.result())
            if progress:
                progress(sum(r.done() for r in running), len(running))
    return [Kills(slug=slug, made=sum(p.made for p in parts[slug]), killed=sum(p.killed for p in parts[slug]),
                  survivors=tuple(sorted((s for p in parts[slug] for s in p.survivors), key=lambda s: (s.line, s.difference)))) for slug in slugs]


def work(share: Share) -> Kills:
    """Some mutants of one exercise, in a process of its own: killed by the first case that does not pass."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    exercise = _exercise(share, None)
    reference = exercise.reference.pieces[0].text
    made = mutants.mutants(reference, [(r.begin, r.end) for r in strip.regions(reference, exercise.assignment.source_name)])[share.first:share.last]
    alive = list(range(len(made)))
    inputs, seed = 0, None
    first_alive: list[int] = []
    while alive and inputs < INPUTS:
        verdicts, calls = _marked(_exercise(share, seed), [made[k] for k in alive])
        alive = [k for k, passed in zip(alive, verdicts, strict=True) if passed]
        first_alive = first_alive or list(alive) if seed is None else first_alive
        inputs, seed = inputs + max(1, calls), (seed or 0) + 1
    survivors = tuple(Survivor(m.function, m.line, m.kind, mutants.difference(reference, m.source), k in alive)
                      for k in first_alive for m in [made[k]])
    return Kills(slug=share.slug, made=len(made), killed=len(made) - len(first_alive), survivors=survivors)


def _exercise(share: Share, seed: int | None) -> material.Material:
    return material.load(load_course(find_course(Path(share.root))), share.slug, seed)


def _marked(exercise: material.Material, chosen: list[mutants.Mutant]) -> tuple[list[bool], int]:
    """For each mutant whether it passes every case, and how many calls one run makes."""
    passed: list[bool] = []
    seen: dict = {}

    def tasks() -> Iterator[Task]:
        yield Task(exercise.reference)
        marking = seen["marking"]
        items = learning.value_items(marking.all_cases, marking.recording) | {c.id for c in marking.all_cases if c.chain}
        seen["calls"] = sum(len(marking.recording.items[i].student) for i in items)
        slowest_s = max(marking.outcomes[i].duration_s for i in items if i in marking.outcomes)
        for mutant in chosen:
            submission = submission_from_bytes(mutant.source.encode(), file="mutant.py", kind="py", name="mutant")
            yield Task(submission, frozenset(items), stop_first=True, deadline_s=max(1.0, 10 * slowest_s))
            passed.append(all(o.verdict is Verdict.PASSED for o in seen["marking"].outcomes.values()))

    def take(marking: Marking) -> None:
        seen["marking"] = marking

    engine.mark(job_of(exercise, Options()), tasks(), take, None, exercise.keep, table_of(exercise))
    return passed, seen["calls"]
