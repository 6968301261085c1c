"""How fast: ratios measured side by side in one run (`pytest -m slow -s tests/benchmarks/test_speed.py` prints them)."""

import os
import statistics
import sys
import time
from pathlib import Path

import pytest

from grader.check import Options, mark_all
from grader.course import find_course, load_course
from grader.material import load
from grader.submission import submission_from_bytes
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


def test_a_further_submission_costs_little_beyond_its_own_functions(ten, capsys):
    """At most 3 ms + 0.3 ms per item + 0.2 ms per call beyond the worker's CPU time."""
    exercise = load(load_course(find_course(ten["root"])), "ten")
    from grader.worker import launch

    cpu, reap = [], launch.ForkedProcess.end

    def end(self, grace_s=0.0):
        first = self.status is None
        status = reap(self, grace_s)
        if first:
            cpu.append(status[1])
        return status

    launch.ForkedProcess.end = end
    times: list[float] = []
    try:
        def submissions():
            for k in range(60):
                cpu.clear()
                started = time.perf_counter()
                yield submission_from_bytes((ten_tests.correct() + f"\n# {k}\n").encode(), file="s.py", kind="py", name=f"s{k}")
                times.append(time.perf_counter() - started - sum(cpu))
        mark_all(exercise, submissions(), Options(), lambda report: None)
    finally:
        launch.ForkedProcess.end = reap
    items, calls = 10, sum(len(i.student) for i in exercise.recorded().items.values()) + 3  # + one repeated call per function
    overhead_s, bound_s = statistics.median(times[5:]), 3e-3 + items * 0.3e-3 + calls * 0.2e-3
    with capsys.disabled():
        print(f"\nfurther submission: {overhead_s * 1e3:.1f} ms beyond its functions; allowed {bound_s * 1e3:.1f} ms for {items} items, {calls} calls")
    assert overhead_s <= bound_s


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
