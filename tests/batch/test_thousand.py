"""A thousand submissions at `strict`: everybody gets what is known to be due, twice alike. And twenty rounds of kill -9."""

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.batch import generate
from tests.batch.running import descendants, gone, grade, machinery, manifest, reports, start, timeless, wait_for_lines

ROOT = Path(__file__).resolve().parents[2]
N = int(os.environ.get("GRADE_THOUSAND", "1000"))
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="strict is Linux only")


def test_the_generator_makes_every_kind_and_no_two_alike():
    made = generate.generate(2 * len(generate.kinds()))
    count = Counter(m.kind for m in made)
    assert set(generate.EXPECTED) == set(generate.kinds()) == set(count) and len(count) >= 40
    assert len({generate.normal(m) for m in made}) == len(made)
    assert [m.raw for m in generate.generate(20)] == [m.raw for m in made[:20]]


@pytest.mark.slow
@LINUX
def test_a_thousand_submissions_get_their_known_marks_twice(tmp_path):
    made = generate.generate(N)
    assert len({generate.normal(m) for m in made}) == N
    assert sum(m.kind in generate.SLOW for m in made) <= 20
    generate.write(tmp_path / "in", made)
    found = []
    for k in (1, 2):
        grade_it(tmp_path / "in", tmp_path / f"run{k}")
        found.append(timeless(tmp_path / f"run{k}"))
        shutil.rmtree(tmp_path / f"run{k}" / "sources")
    due = {m.name: generate.EXPECTED[m.kind] for m in made}
    seen = {name: (r["verdict"], r["score"]) for name, r in found[0].items()}
    assert {n: (seen[n], due[n]) for n in due if seen[n] != due[n]} == {}
    assert found[0] == found[1]


def grade_it(folder, run):
    import subprocess

    from tests.batch.running import ENVIRONMENT, GRADE

    result = subprocess.run([*GRADE, "-C", str(ROOT), "batch", "lstm", str(folder), "--to", str(run)], env=ENVIRONMENT, capture_output=True, text=True)
    assert result.returncode == 0, (result.stdout, result.stderr)


# kill -9 --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sixty(tmp_path_factory):
    """60 toy submissions, a few of them hostile, and their marks undisturbed."""
    from tests import toy

    root = toy.course(tmp_path_factory.mktemp("course"), settings=toy.SETTINGS.replace("deadline_s = 1.0", "deadline_s = 0.5"))
    folder = root / "in"
    folder.mkdir()
    wrong = ("def double(x):\n    return 3.0 * x\n", "import os\ndef double(x):\n    os._exit(0)\n", "def double(x):\n    return x[0]\n", "x = (\n")
    for k in range(60):
        text = wrong[k % 4] if k % 3 == 0 else toy.HONEST + "import time\ntime.sleep(0.02)\n"
        (folder / f"s{k:02}.py").write_text(text + f"# {k}\n")
    grade(root, "batch", "toy", folder, "--to", root / "calm", "-j", 2)
    return root


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("seed", range(20))
def test_a_round_of_kill_9(sixty, seed, tmp_path):
    """Lanes and zygotes are killed at random moments, then the batch itself; it is resumed until it is through."""
    chance, run = random.Random(seed), tmp_path / "run"
    for attempt in range(6):
        process = start(sixty, "batch", "toy", sixty / "in", "--to", run, "-j", 2, *(["--resume"] if attempt else []))
        wait_for_lines(run, chance.randrange(1, 15) + 10 * attempt, process)
        for _ in range(chance.randrange(3)):
            if victims := machinery(process.pid):
                _kill(chance.choice(victims))
            time.sleep(chance.random() * 0.2)
        others = descendants(process.pid)
        if attempt < 5 and chance.random() < 0.8:
            process.kill()
            process.communicate()
            assert gone(others)
            continue
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        break
    if manifest(run)["state"] != "complete":
        grade(sixty, "batch", "toy", sixty / "in", "--to", run, "-j", 2, "--resume")
    assert timeless(run) == timeless(sixty / "calm")
    assert len(reports(run)) == 60


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
