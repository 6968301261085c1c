"""At inputs nobody has seen: ten seeds from the checked-out commit. Repeat them with `GRADE_SEEDS=1,2,3 pytest -m slow tests/test_ten_seeds.py`,
or one exercise with `grade audit lstm --seed N`."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tomllib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from grader.audit.audit import audit
from grader.check import Options, mark_all
from grader.course.course import find_course, load_course
from grader.course.material import load
from grader.source.submission import read_submission

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
SLUGS = ("conv2d", "maxpool", "bptt", "grad-clip", "lstm", "linear-ae")


@pytest.fixture(scope="module")
def seeds(pytestconfig):
    if given := os.environ.get("GRADE_SEEDS"):
        found = tuple(int(n) for n in given.split(","))
    else:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        found = tuple(int.from_bytes(hashlib.sha256(f"{commit} {k}".encode()).digest()[:4], "little") for k in range(10))
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nseeds: {','.join(map(str, found))}")
    return found


def test_every_mistake_is_certain_as_itself_at_seeds_nobody_has_seen(seeds):
    red = {a.slug: [n.what for n in a.notes if n.blocks and n.check != "speed"] for a in audit(ROOT, SLUGS, seeds)}
    assert not any(red.values()), red


def right_files(slug: str) -> list[Path]:
    table = tomllib.loads((ROOT / "tests" / "submissions" / slug / "expected.toml").read_text(encoding="utf-8"))
    files = [ROOT / "tests" / "submissions" / slug / entry["file"] for entry in table.values() if entry["verdict"] == "passed"]
    return [ROOT / "solutions" / slug / f"{slug.replace('-', '_')}.py", *files]


def diagnosed(slug: str, seed: int) -> list[str]:
    """Right submissions of which something is said at a seed (none, if all is well)."""
    files, seen = right_files(slug), []
    mark_all(load(load_course(find_course(ROOT)), slug, seed), [read_submission(f) for f in files], Options(seed=seed), seen.append)
    return [f"{f} at seed {seed}: {r.verdict}, {r.diagnoses}" for f, r in zip(files, seen, strict=True) if r.verdict != "passed" or r.diagnoses]


def test_right_work_is_right_at_seeds_nobody_has_seen(seeds):
    files = [f for slug in SLUGS for f in right_files(slug)]
    assert len(files) >= 12
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        assert not [said for found in pool.map(diagnosed, SLUGS * len(seeds), [s for s in seeds for _ in SLUGS]) for said in found]
