"""`grade audit`: what must hold of an exercise before it is released, proven by marking.

    per seed:  reference, mistakes            -> every mistake loses points on hidden tests alone and is diagnosed as itself
    once:      stub, cheats, equivalents, slow mistakes, rounding, shuffled session, claims
    -> one `Audit` per exercise: checks with what was seen; what blocks a release is an error, prose is a warning
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec

from grader import processors
from grader.audit import impostors
from grader.check import Options, fixed_fields, job_of, table_of
from grader.course import material
from grader.course.course import find_course, load_course
from grader.course.material import Material
from grader.diagnosis import learning
from grader.diagnosis.diagnose import Answer, Memory, answers
from grader.diagnosis.explaining import Explaining
from grader.errors import CourseError, SubmissionRefused
from grader.feedback import reporting
from grader.feedback.reporting import Explanation
from grader.record.known import Known
from grader.record.mistake import Mistake, defined
from grader.record.report import Report, Verdict
from grader.source import strip
from grader.source.submission import submission_from_bytes
from grader.suite import engine
from grader.suite.engine import Marking, Task
from grader.worker.launch import launcher

SEEDS = (None, 1, 2, 3, 4)  # None: the course's own secret
MOST_HINT_WORDS = 160
BLAS_KERNELS = ("Prescott", "Haswell")  # OpenBLAS has code for them on every x86-64 processor of the last ten years
SPEED_ROOM = 3.0  # limits lie this far above the reference ...
SLOW_ROOM = 2.0  # ... and this far below the slow mistake they are meant for


class Note(msgspec.Struct, frozen=True):
    """One thing the audit has to say; `blocks` a release or not."""

    check: str
    what: str
    blocks: bool = True


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise, audited."""

    slug: str
    mistakes: int = 0
    cheats: int = 0
    tests: int = 0
    cases: int = 0
    public_points: float = 0.0
    seeds: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def green(self) -> bool:
        return not any(n.blocks for n in self.notes)


class Campaign(msgspec.Struct, frozen=True):
    """One session's share of the work: an exercise at a seed, everything or the mistakes only."""

    root: str
    slug: str
    seed: int | None
    thorough: bool


def audit(root: Path, slugs: Iterable[str], seeds: tuple[int | None, ...] = SEEDS, jobs: int | None = None, progress=None) -> list[Audit]:
    """Audit exercises on all cores; one result per slug, in order."""
    slugs = list(slugs)
    campaigns = [Campaign(str(root), slug, seed, k == 0) for slug in slugs for k, seed in enumerate(seeds)]
    parts: dict[str, list[Audit]] = {slug: [] for slug in slugs}
    with ProcessPoolExecutor(jobs or processors.at_once(), mp_context=get_context("spawn")) as pool:
        running = {pool.submit(work, campaign): campaign for campaign in campaigns}
        for done in as_completed(running):
            parts[running[done].slug].append(done.result())
            if progress:
                progress(len([r for r in running if r.done()]), len(running))
    return [_joined(slug, parts[slug], len(seeds)) for slug in slugs]


def _joined(slug: str, parts: list[Audit], seeds: int) -> Audit:
    whole = next((p for p in parts if p.tests), Audit(slug=slug))
    notes = tuple(dict.fromkeys(n for p in sorted(parts, key=lambda p: -p.tests) for n in p.notes))
    return msgspec.structs.replace(whole, notes=notes, seeds=seeds)


def work(campaign: Campaign) -> Audit:
    """One campaign, in a process of its own; the author's errors are notes, those of others end the audit."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        exercise = material.load(load_course(find_course(Path(campaign.root))), campaign.slug, campaign.seed)
        return Auditor(exercise, campaign).run()
    except (CourseError, SubmissionRefused) as error:
        return Audit(slug=campaign.slug, notes=(Note("exercise", str(error)),))


class Auditor:
    """Marks what one campaign asks for and judges the markings."""

    def __init__(self, exercise: Material, campaign: Campaign):
        self.exercise, self.campaign = exercise, campaign
        self.options = Options(seed=campaign.seed, level="available")
        self.reference = exercise.reference.pieces[0].text
        self.notes: list[Note] = []
        self.memory = Memory()
        self.marking: Marking | None = None
        self.seed = "the course's secret" if campaign.seed is None else f"seed {campaign.seed}"

    def run(self) -> Audit:
        job = job_of(self.exercise, self.options)
        engine.mark(job, self._tasks(), self._take, None, self.exercise.keep, table_of(self.exercise))
        marking = self.first
        if self.campaign.thorough and platform.machine() in ("x86_64", "AMD64"):
            self._other_kernels(msgspec.structs.replace(job, recording=marking.recording))
        public = sum(row.hundredths for row in marking.recording.table if row.public) / 100
        return Audit(slug=self.campaign.slug, notes=tuple(self.notes), seeds=1, mistakes=len(self.exercise.mistakes),
                     cheats=len(impostors.ANSWERS), tests=len(marking.recording.table) if self.campaign.thorough else 0,
                     cases=len(marking.all_cases), public_points=public)

    def _take(self, marking: Marking) -> None:
        self.marking = marking

    def _say(self, check: str, what: str, blocks: bool = True) -> None:
        self.notes.append(Note(check, what, blocks))

    def _report(self, marking: Marking) -> Report:
        return reporting.build(marking, self.exercise.assignment, Explanation(), **fixed_fields(self.exercise, self.options, ()))

    # -- the tasks, each judged as its marking comes -------------------------------------------------------

    def _tasks(self) -> Iterator[Task]:
        yield Task(self.exercise.reference)
        self.first = self.marking
        first = self._report(self.marking)
        if first.score != first.points_total:
            self._say("reference", f"the reference gets {first.score:g} of {first.points_total:g} points")
        yield from self._mistakes()
        if self.campaign.thorough:
            yield from self._once(first)

    def _mistakes(self) -> Iterator[Task]:
        """Every mistake loses points by hidden tests alone and is diagnosed as itself."""
        recording, cases, own = self.first.recording, self.first.all_cases, defined(self.reference)
        items = learning.value_items(cases, recording)
        compared = learning.without_chains(items, cases)
        seen = []
        for wrong, upcoming in engine.with_next(list(self._applied())):
            yield Task(wrong.submission, learning.items_for(wrong, items, recording, own), upcoming=upcoming and upcoming.submission)
            calls = answers(self.marking, self.memory, compared)
            seen.append((wrong.mistakes[0], self.marking, calls, learning.known_of(wrong, calls, compared)))
        known = tuple(k for *_, k in seen)
        for mistake, marking, calls, _ in seen:
            self._judge_mistake(mistake, marking, calls, known)

    def _applied(self) -> Iterator[learning.Wrong]:
        for mistake in self.exercise.mistakes:
            if mistake.equivalent or mistake.slow:
                continue
            try:
                yield learning.single(self.reference, mistake, self.exercise.mistakes_shown)
            except CourseError as error:
                self._say("edits", str(error))

    def _judge_mistake(self, mistake: Mistake, marking: Marking, calls: tuple[Answer, ...], known: tuple[Known, ...]) -> None:
        hidden = [c for c in marking.cases if not c.public]
        if all(marking.outcomes[c.id].verdict in (Verdict.PASSED, Verdict.BLOCKED) for c in hidden):  # what public tests block, hidden ones do not see
            self._say("mistakes", f"{mistake.name} passes every hidden test at {self.seed}: strengthen one")
        found = Explaining(marking, calls).explain(known, lambda function: ()).diagnoses
        said = {d.mistakes[0]: d.certainty for d in found}
        allowed = {mistake.name, *mistake.tie}
        if said.get(mistake.name) != "certain":
            self._say("diagnosis", f"{mistake.name} is not recognised with certainty at {self.seed} (said: {said or 'nothing'})")
        if strays := [name for name in said if name not in allowed]:
            self._say("diagnosis", f"{mistake.name} is also taken for {', '.join(strays)} at {self.seed}: tell them apart or declare a tie")

    def _once(self, first: Report) -> Iterator[Task]:
        yield from self._stub()
        yield from self._cheats()
        yield from self._equivalents()
        yield from self._speed()
        yield from self._rounding()
        yield from self._claims()
        yield Task(self.exercise.reference)
        if _timeless(self._report(self.marking)) != _timeless(first):
            self._say("repeatable", "the reference's report at the end of the session differs from that at its beginning")
        self._prose()
        self._fairness()

    def _stub(self) -> Iterator[Task]:
        text = strip.stub(self.reference, self.exercise.course.folder.shown(self.exercise.folder / self.exercise.assignment.source_name))
        yield Task(submission_from_bytes(text.encode(), file="stub.py", kind="py", name="stub"))
        report = self._report(self.marking)
        if report.score or report.verdict is not Verdict.NOT_ATTEMPTED:
            self._say("stub", f"the unsolved stub gets {report.score:g} points and the verdict {report.verdict}")

    def _cheats(self) -> Iterator[Task]:
        for cheat in impostors.cheats(self.reference):
            yield Task(cheat)
            report = self._report(self.marking)
            for test in report.tests:
                if test.score:
                    self._say("cheats", f"{test.id} gives {test.score:g} points to {cheat.name!r}: mark it @secondary or add a case")

    def _equivalents(self) -> Iterator[Task]:
        for mistake in self.exercise.mistakes:
            if mistake.equivalent:
                yield Task(learning.single(self.reference, mistake, self.exercise.mistakes_shown).submission)
                report = self._report(self.marking)
                if report.score != report.points_total:
                    self._say("equivalents", f"{mistake.name} is declared equivalent, but gets {report.score:g} points")

    def _speed(self) -> Iterator[Task]:
        """Limits of speed lie well above the reference and well below the slow mistake, with all cores busy."""
        for case, outcome in ((c, self.first.outcomes[c.id]) for c in self.first.cases):
            if outcome.speed and outcome.speed[0] * SPEED_ROOM > outcome.speed[1]:
                self._say("speed", f"{case.id}: the reference itself takes {outcome.speed[0]:.1f} of {outcome.speed[1]:g} times; raise the limit")
        for mistake in self.exercise.mistakes:
            if not mistake.slow:
                continue
            wrong = learning.single(self.reference, mistake, self.exercise.mistakes_shown).submission
            yield Task(wrong)
            if any(o.verdict is not Verdict.PASSED for o in self.marking.outcomes.values() if not o.speed):
                self._say("speed", f"{mistake.name} is declared slow, but loses points elsewhere")
            if not self._is_slow():
                yield Task(wrong)  # measured once more, as a student's failure is
                if not self._is_slow():
                    self._say("speed", f"{mistake.name} stays within {SLOW_ROOM:g} times every limit; lower one")

    def _is_slow(self) -> bool:
        return any(o.speed and o.speed[0] >= SLOW_ROOM * o.speed[1] for o in self.marking.outcomes.values())

    def _rounding(self) -> Iterator[Task]:
        items = frozenset(learning.value_items([c for c in self.first.all_cases if not c.secondary], self.first.recording))
        yield Task(self.exercise.reference, items, 10.0)
        self.exact = frozenset(k for k, o in self.marking.outcomes.items() if not o.findings)  # others are compared with rounded constants
        yield Task(impostors.nudged(self.reference), self.exact, 10.0)
        self._judge_rounding("when arguments change in the last place")

    def _other_kernels(self, job: engine.Job) -> None:
        """The reference computed by other code of the BLAS, against what is recorded here."""
        own = self.exercise.assignment
        for kernel in BLAS_KERNELS:
            engine.mark(job, [Task(self.exercise.reference, self.exact, 10.0)], self._take, launcher(own.framework.value, own.imports, blas_kernel=kernel),
                        self.exercise.keep, table_of(self.exercise))
            self._judge_rounding(f"with the BLAS code for {kernel}")

    def _judge_rounding(self, when: str) -> None:
        for case in self.marking.cases:
            finding = next(iter(self.marking.outcomes[case.id].findings), None)
            if finding is not None:
                self._say("rounding", f"{case.id}: {finding.output or 'a result'} leaves a tenth of the tolerance {when} ({finding.message}, {finding.max_abs})")

    def _claims(self) -> Iterator[Task]:
        """Numbers in hints are true: each claim is evaluated beside the reference."""
        claims = [(m.name, claim) for m in self.exercise.mistakes for claim in m.claims]
        if not claims:
            return
        lines = [f"print('CLAIM', {k}, bool({claim}))" for k, (_, claim) in enumerate(claims)]
        text = self.reference + "\nimport numpy as np\n" + "\n".join(lines) + "\n"
        yield Task(submission_from_bytes(text.encode(), file="claims.py", kind="py", name="claims"))
        printed = "".join(o.output.text for o in self.marking.outcomes.values())
        for k, (name, claim) in enumerate(claims):
            if f"CLAIM {k} True" not in printed:
                self._say("claims", f"{name}: not true beside the reference: {claim}")

    def _prose(self) -> None:
        for mistake in self.exercise.mistakes:
            words = sum(len(rung.split()) for rung in mistake.hint)
            if words > MOST_HINT_WORDS:
                self._say("prose", f"{mistake.name}: its hints have {words} words, at most {MOST_HINT_WORDS}", False)
            if mistake.hint and "?" not in mistake.hint[0]:
                self._say("prose", f"{mistake.name}: the first hint asks nothing", False)
            longest = max((len(s.split()) for s in re.split(r"[.!?:;]", " . ".join((mistake.says, *mistake.hint)))), default=0)
            if longest > 35:
                self._say("prose", f"{mistake.name}: a sentence of {longest} words is hard to read", False)

    def _fairness(self) -> None:
        table = self.first.recording.table
        public = sum(r.hundredths for r in table if r.public) / 100
        if not 40 <= public <= 60:
            self._say("fairness", f"public tests carry {public:g} of {sum(r.hundredths for r in table) / 100:g} points; 40 to 60 are fair", False)
        items = self.first.recording.items
        cases = {c.test: c for c in self.first.all_cases}
        for part in dict.fromkeys(r.part for r in table):
            rows = [r for r in table if r.part == part]
            silent = all(items[cases[r.test].id].speed or all(f.startswith("value:") for f in items[cases[r.test].id].functions()) for r in rows)
            if not silent and not any(r.public for r in rows):
                self._say("fairness", f"the part {part} has no public test", False)
        functions = {f for i in items.values() for f in i.functions()}
        for backward in sorted(f for f in functions if "backward" in f and f.replace("backward", "forward") in functions):
            if not any(items[c.id].functions() == {backward} for c in self.first.all_cases if not (c.secondary or c.chain)):
                self._say("cascade", f"no value test calls {backward} alone: a wrong forward would cost its points too")


def _timeless(report: Report) -> Any:
    return [(t.id, t.verdict, t.score, [(c.id, c.verdict) for c in t.cases]) for t in report.tests]
