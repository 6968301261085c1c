"""What a worker gives up before the first byte of student source arrives.

`LAYERS` is the order; each layer is one small named step. A layer that cannot be set raises `LayerFailed`: under
`strict` the worker then refuses to start, under `available` the layer is named as missing.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from typing import NamedTuple


class Limits(NamedTuple):
    """What one worker may use."""

    cpu_s: float
    memory_mib: int


class LayerFailed(Exception):
    """A layer could not be set; `layer` names it."""

    def __init__(self, layer: str, reason: str):
        super().__init__(f"{layer}: {reason}")
        self.layer, self.reason = layer, reason


def enter(level: str, limits: Limits) -> tuple[str, ...]:
    """Apply every layer in order; returns the names of those that are missing (empty under `strict`)."""
    missing = []
    for layer, step in LAYERS.items():
        try:
            step(limits)
        except (OSError, ValueError, ImportError, AttributeError) as error:
            if level == "strict":
                raise LayerFailed(layer, str(error)) from None
            missing.append(layer)
    return tuple(missing)


def _process_group(_limits: Limits) -> None:
    os.setsid()


def _folder(_limits: Limits) -> None:
    os.umask(0o077)
    os.chdir("/")


def _parent_death(_limits: Limits) -> None:
    import ctypes

    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(1, 9, 0, 0, 0) != 0:  # PR_SET_PDEATHSIG, SIGKILL
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(97)


def _resources(limits: Limits) -> None:
    import resource

    cpu_s = max(1, int(limits.cpu_s))
    bounds = {
        resource.RLIMIT_CPU: (cpu_s, cpu_s + 1),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (32, 32),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0),
    }
    if sys.platform == "linux":  # macOS does not enforce RLIMIT_AS
        bounds[resource.RLIMIT_AS] = (limits.memory_mib << 20,) * 2
        bounds[resource.RLIMIT_NPROC] = (64, 64)
    for name, bound in bounds.items():
        resource.setrlimit(name, bound)


def _randomness(_limits: Limits) -> None:
    """The same global seeds in every worker: a submission that uses them is at least repeatable."""
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)


LAYERS: dict[str, Callable[[Limits], None]] = {
    "process group": _process_group,
    "folder": _folder,
    "parent death": _parent_death,
    "resources": _resources,
    "randomness": _randomness,
}
