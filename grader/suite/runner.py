"""The workers of one submission: one for its public cases, a new one for its hidden cases, a new one after every death."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader import wire
from grader.errors import WorkerFault
from grader.source.submission import Submission
from grader.testing.context import notes
from grader.testing.finding import Finding, Kind
from grader.worker.client import End, Ended, Loaded, Worker
from grader.worker.launch import launcher
from grader.worker.layers import Limits
from grader.worker.selftest import prove

SHARES = (1.0, 0.7, 0.1)  # of the deadline that a case has before the first late one, after it, and after the second: together two deadlines
LOADING = 2  # deadlines that a submission may take to be loaded, however often its worker dies


class Nursery:
    """Starts workers, one of them ahead of its use; a launcher that failed is replaced once."""

    def __init__(self, framework: str, allowed: tuple[str, ...], level: str, limits: Limits, warm: Any = None, secrets: tuple[Path, ...] = ()):
        self.framework, self.allowed, self.level, self.limits, self.secrets = framework, allowed, level, limits, secrets
        self.launcher = warm or launcher(framework, allowed)
        self.proven = level != "strict"
        self.restarts = 0
        self.ahead: Worker | None = None
        self.ahead_for: Submission | None = None

    def worker(self, submission: Submission) -> Worker:
        """One for `submission`, which may have begun to load already."""
        try:
            if self.ahead is not None and self.ahead_for is None and self.ahead.process.is_gone():
                self._drop()  # killed by somebody else while it waited
            if self.ahead is not None and self.ahead_for in (None, submission):
                worker, self.ahead = self.ahead, None
                return worker
            return self._worker()
        except WorkerFault:
            self.restart()
            return self._worker()

    def _worker(self) -> Worker:
        """The first one at `strict` follows a canary, which proves the sandbox on this machine."""
        if not self.proven:
            prove(self.launcher, self.limits, self.secrets)
            self.proven = True
        return self.launcher.worker(self.limits, self.level)

    def prepare(self, submission: Submission | None = None, *how: Any) -> None:
        """Another worker will be needed soon: for `submission` and loaded as `begin_load` is told `how`, or for any."""
        if self.ahead is not None or not self.proven:
            return
        try:
            self.ahead, self.ahead_for = self.launcher.worker(self.limits, self.level, ahead=True), submission
        except WorkerFault:
            return  # met again by `worker`, which starts another launcher
        if submission is not None:
            self.ahead.begin_load(pieces_of(submission), *how)

    def forget(self, submission: Submission) -> None:
        """It is judged: what was started ahead for it, and not needed after all, ends now."""
        if self.ahead_for is not None and self.ahead_for == submission:
            self._drop()

    def restart(self) -> None:
        self._drop()
        self.launcher.close()
        self.launcher = launcher(self.framework, self.allowed)
        self.restarts += 1

    def close(self) -> None:
        self._drop()
        self.launcher.close()

    def _drop(self) -> None:
        worker, self.ahead = self.ahead, None
        if worker is not None:
            dismissed(worker)


def dismissed(worker: Worker) -> None:
    """It is not needed any more, whatever became of it."""
    try:
        worker.dismiss()
    except WorkerFault:
        pass  # it died with its parent, and all that it was asked is answered


def pieces_of(submission: Submission) -> tuple[tuple[str, str], ...]:
    return tuple((piece.label, piece.text) for piece in submission.pieces)


class Runner:
    """Gives the running case its worker and deadline; remembers what must not be called again."""

    def __init__(self, nursery: Nursery, submission: Submission, allowed: tuple[str, ...], deadline_s: float,
                 then: Mapping[bool, Submission] | None = None):
        """then: by audience (public or not), whose worker will be needed after this audience's."""
        self.nursery, self.submission, self.allowed, self.deadline_s, self.then = nursery, submission, allowed, deadline_s, then or {}
        self.current: Worker | None = None
        self.public: bool | None = None
        self.loaded: Loaded | None = None
        self.load_end: Ended | None = None  # the submission does not even load
        self.ended: Ended | None = None  # how the worker of the running case ended
        self.timed_out: set[str] = set()
        self.latest = ""  # of them
        self.late = 0  # deadlines that passed; often several functions share a loop that never ends
        self.loading_s = 0.0  # so far
        self.violated = False
        self.retried = False
        self.missing_layers: tuple[str, ...] = ()
        self.max_reply = wire.MAX_PAYLOAD
        self.restarts = 0  # of the nursery, when `current` was started
        self._deadline, self._case_s = 0.0, deadline_s

    def begin(self, public: bool) -> None:
        """A new case: the other audience's worker goes, the deadline starts after loading."""
        self.ended = None
        if public is not self.public:
            self.close()
            self.public = public
        if self.current is None and self.load_end is None:
            self._start()
        self._case_s = self.allowance_s()
        self._deadline = time.monotonic() + self._case_s

    def _start(self) -> None:
        worker = self.current = self.nursery.worker(self.submission)
        self.restarts = self.nursery.restarts
        began = time.monotonic()
        patience_s = min(self.deadline_s, LOADING * self.deadline_s - self.loading_s)
        try:
            self.loaded = worker.load(pieces_of(self.submission), self.allowed, began + patience_s, self.max_reply)
            self.loading_s += time.monotonic() - began - worker.start_s
            self.missing_layers = tuple(layer for layer, _ in worker.missing_layers or ())
        except Ended as ended:
            self.current = None
            self.loading_s += time.monotonic() - began - worker.start_s
            if self._once_more(ended):
                self._start()
            else:
                self.load_end = ended
        if self.load_end is None and self.public in self.then:
            self.nursery.prepare(self.then[self.public], self.allowed, self.max_reply)

    def worker(self) -> Worker:
        """The worker of the running case; a new one where it went down with a zygote that another submission lost."""
        if self.current is not None and self.restarts != self.nursery.restarts:
            self._start()
        return self.current

    def deadline(self) -> float:
        return self._deadline

    def before_call(self, function: str) -> None:
        """A function that timed out is not called again for this submission."""
        from grader.suite.streams import Failed

        if function in self.timed_out:
            notes().add(Finding(kind=Kind.TIMEOUT, output=function, message=f"not run: {function} did not finish earlier"))
            raise Failed

    def worker_ended(self, key: str, ended: Ended) -> None:
        """The worker died during a call: note the finding, forget the worker."""
        self.current, self.ended = None, ended
        kind = {End.TIMEOUT: Kind.TIMEOUT, End.CRASHED: Kind.CRASHED, End.VIOLATION: Kind.VIOLATION}[ended.end]
        if ended.end is End.TIMEOUT:
            self.late += 1
            self.timed_out.add(key)
            self.latest = key
        self.violated = self.violated or ended.end is End.VIOLATION
        message = f"{key} did not finish within {self._case_s:g} s" if ended.end is End.TIMEOUT else f"{key}: {ended.message}"
        notes().add(Finding(kind=kind, output=key, message=message))

    def may_retry(self) -> bool:
        """Whether the running case is to be run again."""
        if self.ended is None or not self._once_more(self.ended):
            return False
        self.timed_out.discard(self.latest)
        self.late -= 1
        return True

    def hurries(self) -> bool:
        """Whether so many deadlines passed that the other cases have hardly any time."""
        return self.late >= len(SHARES) - 1

    def allowance_s(self) -> float:
        """Seconds that the next case has."""
        return self.deadline_s * SHARES[min(self.late, len(SHARES) - 1)]

    def _once_more(self, ended: Ended) -> bool:
        """A deadline passed while the worker hardly computed and did not sleep (a busy machine): tried once more per submission."""
        if ended.end is not End.TIMEOUT or self.retried or ended.asleep or ended.cpu_s >= self._case_s / 2:
            return False
        self.retried = True
        return True

    def printed(self) -> tuple[str, int]:
        return self.current.printed() if self.current else ("", 0)

    def close(self) -> None:
        worker, self.current = self.current, None
        if worker is not None:
            dismissed(worker)


def fault_survived(error: WorkerFault, nursery: Nursery, runner: Runner, already: Any) -> None:
    """After an infrastructure fault: a new zygote and one more try; the second fault is final."""
    if already:
        raise error
    runner.current = None
    nursery.restart()
