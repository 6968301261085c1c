"""Time commands in turn, A B A B ..., so that a drifting machine harms both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "PYTHONDONTWRITEBYTECODE")} | {
    "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def wall_s(command: Sequence[str], cpus: set[int] | None = None) -> float:
    """Seconds of one run of `command` as a whole process."""
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    started = time.perf_counter()
    subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pin)
    return time.perf_counter() - started


def ratio(a: Callable[[], float], b: Callable[[], float], rounds: int) -> float:
    """Median of a/b over interleaved rounds, after one of each that does not count."""
    a(), b()
    return statistics.median(a() / b() for _ in range(rounds))


def best_of(tries: int, measure: Callable[[], float], bound: float) -> float:
    """The smallest of up to `tries` measurements; stops at the first within `bound` (a busy machine only adds)."""
    seen = []
    for _ in range(tries):
        seen.append(measure())
        if seen[-1] <= bound:
            break
    return min(seen)


PYTHON = sys.executable
