"""Helpers: the real command in a process of its own, and runs read back without what differs between equal ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")} | {"OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"}
GRADE = [sys.executable, "-m", "grader"]


def grade(root: Path, *arguments: object, status: int | None = 0) -> subprocess.CompletedProcess:
    """Run the command in the course at `root`; its exit status must be `status`."""
    result = subprocess.run([*GRADE, "-C", str(root), *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, timeout=600)
    assert status is None or result.returncode == status, (result.returncode, result.stdout, result.stderr)
    return result


def start(root: Path, *arguments: object) -> subprocess.Popen:
    """As from a terminal: a job that a shell put in the background would not hear Ctrl-C, nor would what it starts."""
    return subprocess.Popen([*GRADE, "-C", str(root), *map(str, arguments)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def reports(run: Path) -> dict[str, dict]:
    """By student; every line must be JSON, and nobody stands twice."""
    found = {}
    for line in (run / "reports.jsonl").read_text().splitlines():
        report = json.loads(line)
        assert report["submission"]["name"] not in found
        found[report["submission"]["name"]] = report
    return found


def timeless(run: Path) -> dict[str, dict]:
    """Without durations."""
    found = reports(run)
    for report in found.values():
        for test in report["tests"]:
            test["duration_s"] = 0
    return found


def manifest(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def wait_for_lines(run: Path, n: int, process: subprocess.Popen, timeout_s: float = 120) -> None:
    """Until `n` reports are written (or the process is over)."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and process.poll() is None:
        file = run / "reports.jsonl"
        if file.exists() and file.read_bytes().count(b"\n") >= n:
            return
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    """Processes that `pid` started and that still live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(rest[1]) == pid and rest[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def descendants(pid: int) -> list[int]:
    """Processes that `pid` started, and those that they started, and so on."""
    found = children(pid)
    for child in found:
        found += children(child)
    return found


def lanes_of(pid: int) -> list[int]:
    """The lanes of a batch, children of the one process that they are forked from."""
    (stem,) = children(pid)
    return [p for p in children(stem) if _is_lane(p)]


def _is_lane(pid: int) -> bool:
    try:
        return b"grader.lane" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def machinery(pid: int) -> list[int]:
    """Descendants that are no workers: who kills a worker decides how its submission ended."""
    return [p for p in descendants(pid) if not _is_worker(p)]


def _is_worker(pid: int) -> bool:
    """A child of a zygote that leads a session of its own (a zygote's branch stays in the session of its parent)."""
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        return os.getsid(pid) == pid and b"grader.worker.zygote" in Path(f"/proc/{parent}/cmdline").read_bytes()
    except OSError:
        return True


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], timeout_s: float = 20) -> bool:
    """Whether all of them end by themselves."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if not any(map(alive, pids)):
            return True
        time.sleep(0.05)
    return False
