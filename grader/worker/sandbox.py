"""What a worker gives up before the first byte of student source arrives.

    kit = prepare(("numpy",))                            once: the ruleset of files, the filter of system calls
    missing = enter(Room("strict", limits, kit, ...))    in every worker, layer by layer

`LAYERS` is the order. A layer that cannot be set ends the worker at `strict` (LayerFailed); at `available` it is
named as missing; at `off` only what keeps processes apart and bounded is set.
"""

from __future__ import annotations

import os
import platform
import random
import sys
from collections.abc import Callable

from grader.worker import landlock, layers, seccomp
from grader.worker.layers import Kit, Limits, Room

__all__ = ["LAYERS", "Kit", "LayerFailed", "Limits", "Room", "enter", "prepare", "settle_randomness"]

LAYERS: dict[str, Callable[[Room], None]] = {
    "descriptors": layers.descriptors,
    "session": layers.session,
    "environment": layers.environment,
    "identity": layers.identity,
    "parent death": layers.parent_death,
    "resources": layers.resources,
    "no new privileges": layers.no_new_privileges,
    "not dumpable": layers.not_dumpable,
    "landlock": layers.files,
    "seccomp": layers.system_calls,
}
WITHOUT_SANDBOX = ("descriptors", "session", "environment", "parent death", "resources")
NOT_THERE = (OSError, ValueError, ImportError, AttributeError)
HIGH = 100  # the ruleset's descriptor stays out of the way of those that a worker is given


class LayerFailed(Exception):
    """A layer could not be set; `layer` names it."""

    def __init__(self, layer: str, reason: str):
        super().__init__(f"{layer}: {reason}")
        self.layer, self.reason = layer, reason


def prepare(allowed: tuple[str, ...], parent: int | None = None) -> Kit:
    """Make what all workers share. What cannot be made is a fault of its layer, told when a worker needs it.

    parent: the process whose death ends the workers (default: this one).
    """
    faults: dict[str, str] = {}
    paths = _attempt("landlock", faults, lambda: landlock.readable(allowed)) or ()
    ruleset = _attempt("landlock", faults, lambda: _high(landlock.build(paths))) if paths else None
    program = _attempt("seccomp", faults, lambda: seccomp.build(platform.machine()))
    private = layers.is_private(path for path, _ in paths)
    return Kit(parent if parent is not None else os.getpid(), ruleset, program, private, layers.highest_uid(), faults)


def _attempt(layer: str, faults: dict[str, str], make: Callable):
    try:
        return make()
    except NOT_THERE as error:
        faults[layer] = _reason(error)
        return None


def _high(descriptor: int) -> int:
    import fcntl

    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(descriptor)
    return high


def _reason(error: Exception) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)


def enter(room: Room) -> tuple[tuple[str, str], ...]:
    """Apply every layer of the room's level in order; returns `(layer, reason)` of those that are missing (none at `strict`)."""
    missing = []
    for layer, step in LAYERS.items():
        if room.level == "off" and layer not in WITHOUT_SANDBOX:
            continue
        try:
            step(room)
        except NOT_THERE as error:
            if room.level == "strict":
                raise LayerFailed(layer, _reason(error)) from None
            missing.append((layer, _reason(error)))
        except Exception as error:  # noqa: BLE001 - a fault of ours, at any level
            raise LayerFailed(layer, f"{type(error).__name__}: {error}") from None
    return tuple(missing) if room.level != "off" else ()


def settle_randomness() -> None:
    """The same global seeds in every worker: a submission that uses them is at least repeatable."""
    random.seed(0)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
