"""Lanes seen from the batch: start N, hand out one submission at a time, replace what dies.

A lane that dies costs the submission it was marking one retry in a new lane; a second death makes it `ungraded`.
Every lane has a thread that speaks to it; answers come back in one queue to the caller's thread.
"""

from __future__ import annotations

import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from grader.batch.messages import Fault, Given, Marked, Ready, Refused, Setup, receive, send
from grader.errors import CourseError, GradeError, SandboxError, WorkerFault
from grader.worker.launch import ONE_THREAD

SETUP_S = 3600.0  # recording a reference and learning many mistakes
PATIENCE_S = 60.0  # beside all deadlines of a submission
STARTS = 3  # of a lane, one after the other, before the batch gives up
STOPS_ALL = (SandboxError.exit_code,)


class LaneLost(Exception):
    """The lane's process is gone."""


class Unanswered(NamedTuple):
    """A submission that two lanes died on."""

    reason: str


Answer = Marked | Refused | Unanswered


class Lane:
    """One process; `mark` may be called from one thread, `kill` from any."""

    def __init__(self, command: tuple[str, ...]):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        env={**os.environ, **ONE_THREAD}, start_new_session=os.name == "posix")
        self.ready: Ready | None = None

    def setup(self, setup: Setup) -> Ready:
        answer = self._ask(setup, SETUP_S)
        if isinstance(answer, Ready):
            self.ready = answer
            return answer
        raise fault_of(answer) if isinstance(answer, Fault) else LaneLost("an answer out of place")

    def mark(self, given: Given, timeout_scale: float) -> Marked | Refused:
        longest_s = PATIENCE_S + 3 * self.ready.deadline_s * timeout_scale * self.ready.cases
        answer = self._ask(given, longest_s)
        if isinstance(answer, Fault) and answer.exit_code in STOPS_ALL:
            raise fault_of(answer)
        if not isinstance(answer, (Marked, Refused)):
            raise LaneLost(answer.message if isinstance(answer, Fault) else "an answer out of place")
        return answer

    def _ask(self, message: Any, patience_s: float):
        watchdog = threading.Timer(patience_s, self.process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            send(self.process.stdin, message)
            answer = receive(self.process.stdout)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise LaneLost(str(error)) from None
        finally:
            watchdog.cancel()
        if answer is None:
            raise LaneLost(self._last_words())
        return answer

    def _last_words(self) -> str:
        try:
            status = self.process.wait(5)
        except subprocess.TimeoutExpired:
            status = None
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - 2000))
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return f"a lane ended (exit status {status})" + (f": {lines[-1][:300]}" if lines else "")

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()

    def close(self) -> None:
        """Let it end by itself: its workers and its zygote end with it."""
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


def fault_of(fault: Fault) -> GradeError:
    kinds = {6: CourseError, 8: SandboxError}
    return kinds.get(fault.exit_code, WorkerFault)(fault.message)


class Lanes:
    """N lanes for one exercise. `first()` starts one and prepares the exercise, `work` gives all of them something to do."""

    def __init__(self, command: tuple[str, ...], setup: Setup, number: int):
        self.command, self.setup, self.number = command, setup, number
        self.started = 0  # processes, replacements included
        self.alive: set[Lane] = set()
        self.lock = threading.Lock()
        self.stopping = False
        self.waiting: list[Lane] = []

    def first(self) -> Ready:
        """What the exercise is; raises whatever makes marking impossible."""
        lane = self._launch()
        others = [self._launch() for _ in range(self.number - 1)]  # import while the first one prepares
        try:
            ready = lane.setup(self.setup)
        except LaneLost as lost:
            raise WorkerFault(f"a lane could not be started ({lost}). Nothing was marked; run `grade doctor`.") from None
        self.waiting = [lane, *others]
        return ready

    def work(self, items: Iterator[tuple[Any, Callable[[], Given]]], take: Callable[[Any, Answer], None]) -> None:
        """Hand out `(key, load)` until none is left; `take(key, answer)` runs in this thread, in the order of the answers."""
        answers: queue.Queue = queue.Queue(maxsize=4 * self.number)
        source = _Shared(items)
        threads = [threading.Thread(target=self._run, args=(lane, source, answers), daemon=True) for lane in self.waiting]
        self.waiting = []
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
        for lane in lanes:
            lane.kill()
        for lane in lanes:
            lane.close()

    # -- in a lane's thread --------------------------------------------------------------------------------

    def _run(self, lane: Lane | None, source: _Shared, answers: queue.Queue) -> None:
        try:
            for key, load in source:
                given = load()
                lane, answer = self._marked(lane, given)
                answers.put((key, answer))
            if lane is not None:
                self._forget(lane)
            answers.put((None, None))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            if not self.stopping:
                answers.put((None, error))

    def _marked(self, lane: Lane | None, given: Given) -> tuple[Lane | None, Answer]:
        for _attempt in (1, 2):
            lane = lane if lane is not None and lane.ready else self._set_up(lane)
            try:
                return lane, lane.mark(given, self.setup.timeout_scale)
            except LaneLost as lost:
                self._forget(lane)
                lane = None
                if self.stopping:
                    raise
                reason = str(lost)
        return None, Unanswered(f"the marking process ended twice on this submission ({reason})")

    def _set_up(self, lane: Lane | None) -> Lane:
        """A lane that is ready; one that dies at its start is replaced a few times."""
        setup = msgspec.structs.replace(self.setup, prepare=False)
        for _attempt in range(STARTS):
            lane = lane or self._launch()
            try:
                lane.setup(setup)
                return lane
            except LaneLost as lost:
                self._forget(lane)
                lane, reason = None, str(lost)
        raise WorkerFault(f"no lane can be started any more ({reason}). What is finished is kept; run `grade doctor`, then go on with --resume.")

    def _launch(self) -> Lane:
        with self.lock:
            if self.stopping:
                raise LaneLost("the batch stops")
            lane = Lane(self.command)
            self.started += 1
            self.alive.add(lane)
        return lane

    def _forget(self, lane: Lane) -> None:
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
