"""Lanes seen from the batch: start N, hand out one submission at a time, replace what dies.

A lane that dies costs the submission it was marking one retry in a new lane; a second death makes it `ungraded`.
Every lane has a thread that speaks to it; answers come back in one queue to the caller's thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from grader import processors
from grader.batch.messages import Fault, Given, Marked, Ready, Refused, Setup
from grader.batch.run_folder import Options
from grader.batch.stem import source_of_lanes
from grader.batch.talk import Lost, Talk, fault_of
from grader.course.course import Course, load_assignment
from grader.errors import SandboxError, WorkerFault

PATIENCE_S = 60.0  # beside all deadlines of a submission
STARTS = 3  # of a lane, one after the other, before the batch gives up
STOPS_ALL = (SandboxError.exit_code,)


class Unanswered(NamedTuple):
    """A submission that two lanes died on."""

    reason: str


def setup_for(course: Course, slug: str, options: Options) -> Setup:
    """What lanes are told of the exercise."""
    assignment = load_assignment(course, slug)
    return Setup(root=str(course.folder.root), slug=slug, framework=assignment.framework.value, imports=assignment.imports, level=options.level,
                 timeout_scale=options.timeout_scale, prepare=True)


Answer = Marked | Refused | Unanswered


def processors_for(lanes: int) -> tuple[int, ...]:
    """All that this process may use, if there is exactly one for each lane: a lane and its workers, who take turns, then stay on theirs.
    With fewer lanes or more, the system knows better."""
    usable = processors.usable()
    return usable if len(usable) == lanes else ()


class Lanes:
    """N lanes for one exercise. `first()` prepares the exercise, `work` gives all of them something to do."""

    def __init__(self, command: tuple[str, ...], setup: Setup, number: int):
        self.setup, self.number = msgspec.structs.replace(setup, processors=processors_for(number)), number
        self.source = source_of_lanes(command, self.setup)
        self.started = 0  # replacements included
        self.alive: set[Talk] = set()
        self.lock = threading.Lock()
        self.stopping = False

    def first(self) -> Ready:
        """What the exercise is; raises whatever makes marking impossible."""
        try:
            self.ready = self.source.first()
        except Lost as lost:
            raise WorkerFault(f"a lane could not be started ({lost}). Nothing was marked; run `grade doctor`.") from None
        return self.ready

    def work(self, items: Iterator[tuple[Any, Callable[[], Given]]], take: Callable[[Any, Answer], None]) -> None:
        """Hand out `(key, load)` until none is left; `take(key, answer)` runs in this thread, in the order of the answers."""
        answers: queue.Queue = queue.Queue(maxsize=4 * self.number)
        source = _Shared(items)
        threads = [threading.Thread(target=self._run, args=(source, answers), daemon=True) for _ in range(self.number)]
        for thread in threads:
            thread.start()
        running = len(threads)
        while running:
            key, answer = answers.get()
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                running -= 1
            else:
                take(key, answer)

    def stop(self) -> None:
        """End every lane at once; what they were marking is lost."""
        with self.lock:
            self.stopping = True
            lanes = list(self.alive)
        self.source.kill_beginning()
        for lane in lanes:
            lane.kill()
        for lane in lanes:
            lane.close()
        self.source.stop()

    # -- in a lane's thread --------------------------------------------------------------------------------

    def _run(self, source: _Shared, answers: queue.Queue) -> None:
        lane = None
        try:
            for key, load in source:
                lane, answer = self._marked(lane, load())
                answers.put((key, answer))
            if lane is not None:
                self._forget(lane)
            answers.put((None, None))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            if not self.stopping:
                answers.put((None, error))

    def _marked(self, lane: Talk | None, given: Given) -> tuple[Talk | None, Answer]:
        for _attempt in (1, 2):
            lane = lane or self._launch()
            try:
                return lane, self._answer(lane, given)
            except Lost as lost:
                self._forget(lane)
                lane = None
                if self.stopping:
                    raise
                reason = str(lost)
        return None, Unanswered(f"the marking process ended twice on this submission ({reason})")

    def _answer(self, lane: Talk, given: Given) -> Marked | Refused:
        answer = lane.ask(given, PATIENCE_S + 3 * self.ready.deadline_s * self.setup.timeout_scale * self.ready.cases)
        if isinstance(answer, Fault) and answer.exit_code in STOPS_ALL:
            raise fault_of(answer)
        if not isinstance(answer, (Marked, Refused)):
            raise Lost(answer.message if isinstance(answer, Fault) else "an answer out of place")
        return answer

    def _launch(self) -> Talk:
        """A lane that is ready; one that dies at its start is replaced a few times."""
        for _attempt in range(STARTS):
            try:
                lane = self.source.lane()
                break
            except Lost as lost:
                reason = str(lost)
        else:
            raise WorkerFault(f"no lane can be started any more ({reason}). What is finished is kept; run `grade doctor`, then go on with --resume.")
        with self.lock:
            self.started += 1
            self.alive.add(lane)
            if not self.stopping:
                return lane
        lane.kill()
        raise Lost("the batch stops")

    def _forget(self, lane: Talk) -> None:
        with self.lock:
            self.alive.discard(lane)
        lane.close()


class _Shared:
    """An iterator that several threads draw from."""

    def __init__(self, items: Iterator[Any]):
        self.items, self.lock = items, threading.Lock()

    def __iter__(self) -> _Shared:
        return self

    def __next__(self) -> Any:
        with self.lock:
            return next(self.items)
