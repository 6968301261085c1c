"""Run workers of a zygote whose sandbox is bent (see `bent_zygote`), and ask a worker for something without the engine."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader import wire
from grader.suite import runner
from grader.worker import launch
from grader.worker.layers import Limits

SCRIPT = Path(__file__).with_name("bent_zygote.py")
LIMITS = Limits(20, 512)


def bend(monkeypatch, *, prove: bool = False, **bent) -> None:
    """Zygotes started from now on are bent; `prove=False`: without the self-test, which would refuse to mark."""
    real = launch._command

    def command(module: str) -> list[str]:
        if module != "grader.worker.zygote":
            return real(module)
        return [sys.executable, "-s", "-P", "-X", "utf8", str(SCRIPT), json.dumps(bent)]

    monkeypatch.setattr(launch, "_command", command)
    if not prove:
        monkeypatch.setattr(runner, "prove", lambda *_: None)


@contextmanager
def worker(source: str, framework: str = "numpy", allowed: tuple[str, ...] = ("numpy",), limits: Limits = LIMITS, level: str = "strict"):
    """A worker at `level` that has loaded `source`."""
    zygote = launch.launcher(framework, allowed)
    try:
        started = zygote.worker(limits, level)
        loaded = started.load((("probe.py", source),), allowed, time.monotonic() + 60)
        assert not loaded.failures, loaded.failures
        yield started
        started.kill()
    finally:
        zygote.close()


def ask(started: Any, function: str, *arguments: Any, deadline_s: float = 60.0):
    """The reply to one call."""
    return started.ask(wire.encode(("call", function, arguments, {}, {})), time.monotonic() + deadline_s)


def run(source: str, function: str, *arguments: Any, **options: Any):
    """Value of one call in a worker of its own; the student's exception becomes a test failure."""
    with worker(source, **options) as started:
        reply = ask(started, function, *arguments)
    assert reply.raised is None, reply.raised
    return reply.value
