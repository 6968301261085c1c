"""Which processors this process may use, and how many at once: its affinity, and the quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable() -> tuple[int, ...]:
    """Their numbers; empty where the system does not say."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def at_once(root: Path = Path("/")) -> int:
    """How many processes can compute at the same time; a quota of one and a half processors lets two begin.

    root: where `proc` and `sys` are, for tests
    """
    here = len(usable()) or os.cpu_count() or 1
    return max(1, min([here, *(math.ceil(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Processors that this control group, or one around it, may use up (Linux, both versions of control groups)."""
    for group in _lines(root / "proc/self/cgroup"):
        number, _, rest = group.partition(":")
        controllers, _, path = rest.partition(":")
        for place in (PurePosixPath(path), *PurePosixPath(path).parents):
            if number == "0":
                quota, _, period = "".join(_lines(root / f"sys/fs/cgroup{place}/cpu.max")).partition(" ")
            elif "cpu" in controllers.split(","):
                quota, period = ("".join(_lines(root / f"sys/fs/cgroup/cpu{place}/cpu.cfs_{name}_us")) for name in ("quota", "period"))
            else:
                break
            if quota.isdecimal() and period.isdecimal() and int(period):
                yield int(quota) / int(period)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
