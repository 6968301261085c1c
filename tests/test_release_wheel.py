"""The shipped course, released: a fresh environment with nothing but the wheel and the released folder."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections import Counter
from pathlib import Path

import pytest

from grader import check
from grader.course import material
from grader.course.course import find_course, load_course
from grader.diagnosis import learning

ROOT = Path(__file__).resolve().parents[1]
LEAST, LEAST_EACH = 120, 8  # mistakes that are told alike

ALONE = """
import json, sys
from pathlib import Path
from grader import check
from grader.course import material
from grader.course.course import find_course, load_course
from grader.source.submission import read_submission

home, slug, folder = map(Path, sys.argv[1:])
exercise = material.load(load_course(find_course(home)), slug.name)
assert exercise.reference is None
files = sorted(folder.glob("*.py"))
reports = []
check.mark_all(exercise, [read_submission(f) for f in files], check.Options(), reports.append)
print(json.dumps({f.stem: [[d.mistakes, d.certainty, d.tests, d.says, d.hint] for d in r.diagnoses] for f, r in zip(files, reports)}))
"""


@pytest.fixture(scope="module")
def course():
    return load_course(find_course(ROOT))


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> str:
    """The interpreter of a fresh environment that holds the wheel."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(place), str(ROOT)], check=True)
    venv.create(place / "venv", with_pip=True)
    interpreter = place / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([str(interpreter), "-m", "pip", "install", "-q", *map(str, place.glob("*.whl"))], check=True)
    return str(interpreter)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """The released folder, made now."""
    target = tmp_path_factory.mktemp("released") / "course"
    subprocess.run([sys.executable, "-m", "grader", "release", "--to", str(target)], cwd=ROOT, check=True, capture_output=True)
    return target


def exit_code(python: str, home: Path, *words: str) -> int:
    return subprocess.run([python, "-m", "grader", "run", *words], cwd=home, capture_output=True, timeout=300).returncode


@pytest.mark.slow
def test_with_the_wheel_and_the_release_alone_stubs_are_not_begun_and_references_pass(python, home, course):
    for slug in course.slugs:
        assert exit_code(python, home, slug) == 5, slug
        assert exit_code(python, home, slug, "--file", str(ROOT / "solutions" / slug / f"{slug.replace('-', '_')}.py")) == 0, slug


@pytest.mark.slow
def test_known_mistakes_are_told_by_the_release_alone_as_with_solutions(python, home, course, tmp_path, capsys):
    alike: Counter = Counter()
    for slug in course.slugs:
        exercise = material.load(course, slug)
        wrongs = learning.singles(exercise.reference.pieces[0].text, exercise.mistakes, exercise.mistakes_shown)
        (tmp_path / slug).mkdir()
        for wrong in wrongs:
            (tmp_path / slug / f"{wrong.mistakes[0].name}.py").write_text(wrong.submission.pieces[0].text, encoding="utf-8")
        told = subprocess.run([python, "-c", ALONE, str(home), slug, str(tmp_path / slug)], cwd=home, check=True, capture_output=True, text=True)
        alone = json.loads(told.stdout.splitlines()[-1])
        reports: list = []
        check.mark_all(exercise, [w.submission for w in wrongs], check.Options(tests="public"), reports.append)
        for wrong, report in zip(wrongs, reports, strict=True):
            name = wrong.mistakes[0].name
            at_home = [[list(d.mistakes), d.certainty, list(d.tests), d.says, d.hint] for d in report.diagnoses]
            if report.verdict.value == "passed":
                continue  # it shows in hidden tests alone
            assert alone[name] == at_home, (slug, name)
            alike[slug] += any(name in d[0] for d in at_home)
    with capsys.disabled():
        print(f"\n{sum(alike.values())} known mistakes are told by the released folder alone as with solutions: {dict(alike)}")
    assert sum(alike.values()) >= LEAST and all(alike[slug] >= LEAST_EACH for slug in course.slugs)
