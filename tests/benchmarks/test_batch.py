"""How fast a class is marked; ratios from one run, sources pairwise different (`pytest -m slow -s tests/benchmarks/test_batch.py`)."""

import os
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.batch import generate
from tests.batch.running import ENVIRONMENT, GRADE, reports
from tests.benchmarks import ten_tests
from tests.benchmarks.side_by_side import PYTHON, wall_s

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="forked workers are Linux only")]
CORES = sorted(os.sched_getaffinity(0))[:2]
SCALE = float(os.environ.get("GRADE_BENCHMARK_SCALE", "1"))  # smaller while developing
MANY, FEW = max(20, int(1000 * SCALE)), max(10, int(100 * SCALE))


def write(folder: Path, n: int) -> Path:
    made = generate.generate(n, only="correct")
    assert len({generate.normal(m) for m in made}) == n
    generate.write(folder, made)
    return folder


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """The ten-test course with a warm recording, a small and a large class of right submissions, and a run of one to warm up."""
    folder = tmp_path_factory.mktemp("batch")
    root = ten_tests.exercise(folder / "course")
    few, many, one = write(folder / "few", FEW), write(folder / "many", MANY), write(folder / "one", 1)
    batch(root, "ten", one, folder / "warm", 1)
    return {"root": root, "few": few, "many": many, "folder": folder}


def batch(root: Path, slug: str, submissions: Path, run: Path, lanes: int) -> float:
    """Wall seconds of the whole command; everybody must get everything."""
    started = time.perf_counter()
    subprocess.run([*GRADE, "-C", str(root), "batch", slug, str(submissions), "--to", str(run), "-j", str(lanes)], env=ENVIRONMENT, check=True,
                   capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, CORES))
    seconds = time.perf_counter() - started
    assert all(r["verdict"] == "passed" for r in reports(run).values()) and len(reports(run)) == len(list(submissions.iterdir()))
    return seconds


@pytest.fixture
def fresh(tmp_path):
    count = iter(range(1000))
    return lambda: tmp_path / f"run{next(count)}"


def test_throughput_against_a_pytest_process_per_submission(ten, fresh, capsys):
    files = []
    for file in sorted(ten["few"].iterdir()):
        files.append(ten_tests.plain(ten["folder"] / "plain" / file.stem, file.read_text()))

    def plain() -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda f: wall_s([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(f)], set(CORES)), files))
        return time.perf_counter() - started

    ratios = [plain() / batch(ten["root"], "ten", ten["few"], fresh(), 2) for _ in range(3)]
    lstm = len(files) / batch(ten_tests.ROOT, "lstm", ten["few"], fresh(), 2)
    with capsys.disabled():
        print(f"\nthroughput over pytest processes, {FEW} right submissions, 2 cores: {statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f}); "
              f"the whole lstm: {lstm:.1f} per second")
    assert statistics.median(ratios) >= 7


def test_two_lanes_against_one(ten, fresh, capsys):
    ratios = [batch(ten["root"], "ten", ten["many"], fresh(), 1) / batch(ten["root"], "ten", ten["many"], fresh(), 2) for _ in range(3)]
    with capsys.disabled():
        print(f"\n2 lanes over 1: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
    assert statistics.median(ratios) >= 1.8


def test_seconds_per_submission_do_not_grow(ten, fresh, capsys):
    ratios = []
    for _ in range(3):
        few = batch(ten["root"], "ten", ten["few"], fresh(), 2) / FEW
        ratios.append(batch(ten["root"], "ten", ten["many"], fresh(), 2) / MANY / few)
    with capsys.disabled():
        print(f"\nseconds per submission, {MANY} over {FEW}: {statistics.median(ratios):.2f}")
    assert statistics.median(ratios) <= 1.10


def test_memory_of_the_tree(ten, fresh, capsys):
    few, many = (peak_mib(ten["root"], ten[size], fresh()) for size in ("few", "many"))
    with capsys.disabled():
        print(f"\npeak PSS of the tree: {few:.0f} MiB at {FEW}, {many:.0f} MiB at {MANY}")
    assert many <= 120 and many - few <= 10


def peak_mib(root: Path, submissions: Path, run: Path) -> float:
    process = subprocess.Popen([*GRADE, "-C", str(root), "batch", "ten", str(submissions), "--to", str(run), "-j", "2"], env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak, over = 0.0, threading.Event()
    while process.poll() is None:
        peak = max(peak, sum(pss_kib(pid) for pid in tree(process.pid)) / 1024)
        over.wait(0.05)
    assert process.returncode == 0
    return peak


def tree(root: int) -> list[int]:
    """The process and all that descend from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def pss_kib(pid: int) -> int:
    try:
        return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def test_two_workers_are_started_per_submission(ten, fresh, monkeypatch, capsys):
    """What the figures rest on: no more and no fewer processes than promised."""
    from grader.check import Options, mark_all
    from grader.course.course import find_course, load_course
    from grader.course.material import load
    from grader.source.submission import read_submission
    from grader.worker.launch import Zygote

    exercise = load(load_course(find_course(ten_tests.ROOT)), "lstm")
    started = []
    whole = Zygote.worker
    monkeypatch.setattr(Zygote, "worker", lambda self, *a, **k: started.append(1) or whole(self, *a, **k))
    files = sorted(ten["few"].iterdir())[:10]
    mark_all(exercise, [read_submission(f) for f in files], Options(), lambda report: None)
    assert len(started) == 2 * len(files)


NEVER = {"loops in a function": "while True:\n        pass", "sleeps in a function": "import time\n    time.sleep(1e9)",
         "loops at import": "", "sleeps at import": ""}


@pytest.mark.parametrize("kind", NEVER)
def test_one_that_never_ends_costs_its_lane_two_deadlines(ten, tmp_path, fresh, kind, capsys):
    n = max(20, int(200 * SCALE))
    calm = tmp_path / "calm"
    generate.write(calm, generate.generate(n, only="correct", seed=1))
    bad = tmp_path / "bad"
    generate.write(bad, generate.generate(n - 1, only="correct", seed=1))
    if NEVER[kind]:
        right = generate.generate(1, only="correct", seed=2)[0].raw.decode()
        (bad / "never.py").write_text(right.replace("tanh_c = np.tanh(c)", NEVER[kind]))
    else:
        generate.write(bad, generate.generate(1, only=kind.replace(" ", "_")))
    deadline_s = 5.0

    def one_lane(folder: Path) -> float:
        started = time.perf_counter()
        subprocess.run([*GRADE, "-C", str(ten["root"]), "batch", "ten", str(folder), "--to", str(fresh()), "-j", "1"], env=ENVIRONMENT, check=True, capture_output=True)
        return time.perf_counter() - started

    costs = [one_lane(bad) - one_lane(calm)]
    with capsys.disabled():
        print(f"\n{kind}: {costs[0] / deadline_s:.2f} deadlines")
    assert costs[0] <= 2 * deadline_s
