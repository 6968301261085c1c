"""How fast: ratios measured side by side in one run (`pytest -m slow -s tests/benchmarks/test_speed.py` prints them)."""

import os
import shutil
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from grader.check import Options, mark_all
from grader.course.course import find_course, load_course
from grader.course.material import load
from grader.source.submission import submission_from_bytes
from tests.benchmarks import ten_tests
from tests.benchmarks.side_by_side import PYTHON, best_of, ratio, wall_s

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="forked workers are Linux only")]


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """The ten-test exercise with a warm recording, and the same tests for plain pytest: two commands."""
    folder = tmp_path_factory.mktemp("ten")
    root = ten_tests.exercise(folder / "course")
    (folder / "ten.py").write_text(ten_tests.correct())
    plain = ten_tests.plain(folder / "plain", ten_tests.correct())
    return {"grade": [PYTHON, "-m", "grader", "-C", str(root), "run", "ten", "--file", str(folder / "ten.py")],
            "pytest": [PYTHON, "-m", "pytest", "-q", str(plain)], "root": root}


def forget(root: Path) -> None:
    for file in (root / ".grade" / "cache").glob("*.recording"):
        file.unlink()


def test_first_feedback_takes_less_time_than_plain_pytest(ten, capsys):
    both = {0, 1} & os.sched_getaffinity(0)
    measured = best_of(3, lambda: ratio(lambda: wall_s(ten["grade"], both), lambda: wall_s(ten["pytest"], both), 15), 0.95)
    one = ratio(lambda: wall_s(ten["grade"], {0}), lambda: wall_s(ten["pytest"], {0}), 7)

    def cold() -> float:
        forget(ten["root"])
        return wall_s(ten["grade"], both)

    with capsys.disabled():
        print(f"\ngrade / plain pytest, ten LSTM tests: {measured:.2f} (recording cold: {ratio(cold, lambda: wall_s(ten['pytest'], both), 5):.2f}; one core: {one:.2f})")
    assert measured <= 0.95


TIMED = """
import time as _time
_inside = []
def _timed(function):
    def call(*arguments):
        if _inside:
            return function(*arguments)
        _inside.append(function)
        started = _time.thread_time_ns()
        try:
            return function(*arguments)
        finally:
            print("CPU", _time.thread_time_ns() - started)
            _inside.clear()
    return call
for _name in ("lstm_step_forward", "lstm_step_backward", "lstm_forward"):
    globals()[_name] = _timed(globals()[_name])
"""
"""Prints the CPU nanoseconds of every call from outside; the step inside the sequence is not timed twice."""


def test_a_further_submission_costs_little_beyond_its_own_functions(ten, capsys):
    """At most 3 ms + 0.3 ms per item + 0.2 ms per call beyond the CPU time in the submission's functions."""
    exercise = load(load_course(find_course(ten["root"])), "ten")
    text = ten_tests.correct() + TIMED
    submissions = [submission_from_bytes(f"{text}# {k}\n".encode(), file="s.py", kind="py", name=f"s{k}") for k in range(80)]
    ends, inside = [], []

    def take(report) -> None:
        assert report.score == 100
        inside.append(sum(int(line.split()[1]) for t in report.tests if t.output for line in t.output.text.splitlines() if line.startswith("CPU")) * 1e-9)
        ends.append(time.perf_counter())

    items = 10
    calls = items + 3  # one public call per function is repeated
    bound_s = 3e-3 + items * 0.3e-3 + calls * 0.2e-3

    def overhead_s() -> float:
        ends.clear(), inside.clear()
        mark_all(exercise, submissions, Options(), take)
        walls = [after - before for before, after in pairwise(ends)]
        return statistics.median(w - i for w, i in list(zip(walls, inside[1:], strict=True))[5:])

    measured_s = best_of(3, overhead_s, bound_s)
    with capsys.disabled():
        print(f"\nfurther submission: {measured_s * 1e3:.1f} ms beyond its functions; allowed {bound_s * 1e3:.1f} ms for {items} items, {calls} calls")
    assert measured_s <= bound_s


def test_a_numpy_worker_holds_little_private_memory(ten, capsys):
    from grader.wire import encode
    from grader.worker.launch import launcher
    from grader.worker.sandbox import Limits

    warm = launcher("numpy")
    try:
        worker = warm.worker(Limits(60, 1024), "available")
        worker.load((("s.py", ten_tests.correct()),), ("numpy",), time.monotonic() + 10)
        import numpy as np

        w = np.ones
        worker.ask(encode(("call", "lstm_step_forward", (w((4, 5)), w((4, 6)), w((4, 6)), w((24, 5)), w((24, 6)), w(24)), {}, {})), time.monotonic() + 10)
        rollup = Path(f"/proc/{worker.process.pid}/smaps_rollup").read_text()
        private_kib = sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(("Private_Clean", "Private_Dirty")))
        worker.kill()
    finally:
        warm.close()
    with capsys.disabled():
        print(f"\nprivate memory of a worker: {private_kib / 1024:.1f} MiB")
    assert private_kib <= 8 * 1024


def test_grade_list_is_nearly_as_light_as_importing_click(capsys):
    root = ten_tests.ROOT
    command = [PYTHON, "-m", "grader", "-C", str(root), "list"]
    measured = best_of(3, lambda: ratio(lambda: wall_s(command), lambda: wall_s([PYTHON, "-c", "import click"]), 15), 1.8)
    with capsys.disabled():
        print(f"\ngrade list / import click: {measured:.2f}")
    assert measured <= 1.8


def test_a_failing_run_costs_little_more_than_a_passing_one(tmp_path, capsys):
    """The whole `lstm`, warm: what the diagnosis adds to the wall time of the command."""
    shutil.copytree(ten_tests.ROOT / "solutions" / "lstm", tmp_path / "solutions" / "lstm")
    (tmp_path / "solutions" / "course.toml").write_text('title = "One"\nsecret = "x"\n')
    (tmp_path / "right.py").write_text(ten_tests.correct())
    wrong = ten_tests.ROOT / "tests" / "submissions" / "lstm" / "swapped_gates.py"
    passing, failing = ([PYTHON, "-m", "grader", "-C", str(tmp_path), "run", "lstm", "--file", str(file)] for file in (tmp_path / "right.py", wrong))
    for command in (passing, failing, failing):
        wall_s(command)

    def difference_s() -> float:
        return statistics.median(wall_s(failing) - wall_s(passing) for _ in range(9))

    measured_s = best_of(3, difference_s, 0.060)
    with capsys.disabled():
        print(f"\nfailing with diagnosis over passing, lstm, warm: {measured_s * 1e3:+.0f} ms (ratio {1 + measured_s / wall_s(passing):.2f})")
    assert measured_s <= 0.060
