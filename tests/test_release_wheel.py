"""The shipped course, released from an empty cache: a fresh environment with nothing but the wheel and the released folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import venv
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grader.course import material
from grader.course.course import find_course, load_course
from grader.diagnosis import learning
from tests.test_release import contents, hidden_names, leaks, solution_lines

resource = pytest.importorskip("resource")  # measures what a release costs
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
LEAST, LEAST_EACH = 120, 8  # mistakes that are told alike

MARK = """
import json, sys
from pathlib import Path
from grader import check
from grader.course import material
from grader.course.course import find_course, load_course
from grader.source.submission import read_submission

place, slug, folder = map(Path, sys.argv[1:])
exercise = material.load(load_course(find_course(place)), slug.name)
assert (exercise.reference is None) == ("site-packages" in check.__file__)
files = sorted(folder.glob("*.py"))
reports = []
check.mark_all(exercise, [read_submission(f) for f in files], check.Options(tests="public"), reports.append)
print(json.dumps({f.stem: [r.verdict, r.score, [[d.mistakes, d.tie, d.certainty, d.tests, d.says, d.hint] for d in r.diagnoses]] for f, r in zip(files, reports)}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> str:
    """The interpreter of a fresh environment that holds the wheel."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(place), str(ROOT)], check=True)
    venv.create(place / "venv", with_pip=True)
    interpreter = str(place / "venv" / "bin" / "python")
    subprocess.run([interpreter, "-m", "pip", "install", "-q", *map(str, place.glob("*.whl"))], check=True)
    return interpreter


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """The instructor's course without any cache."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions", root / "solutions", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    return root


@pytest.fixture(scope="module")
def home(source, tmp_path_factory) -> Path:
    """The released folder, made now, by itself."""
    target = tmp_path_factory.mktemp("released") / "course"
    before, started = cpu_s(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "grader", "release", "--to", str(target)], cwd=source, check=True, capture_output=True)
    print(f"\nthe course is released from an empty cache in {time.perf_counter() - started:.0f} s ({cpu_s() - before:.0f} s on one core)")
    return target


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def exit_code(python: str, home: Path, *words: str) -> int:
    return subprocess.run([python, "-m", "grader", "run", *words], cwd=home, capture_output=True, timeout=300).returncode


def test_with_the_wheel_and_the_release_alone_stubs_are_not_begun_and_references_pass(python, source, home):
    for slug in load_course(find_course(source)).slugs:
        reference = source / "solutions" / slug / f"{slug.replace('-', '_')}.py"
        assert (exit_code(python, home, slug), exit_code(python, home, slug, "--file", str(reference))) == (5, 0), slug


def test_nothing_of_solutions_and_hidden_tests_is_in_what_is_released(source, home):
    course = load_course(find_course(source))
    for slug in course.slugs:
        exercise = material.load(course, slug)
        lines = {line for line in solution_lines(exercise.reference.pieces[0].text) if len(line) >= 12}  # `return W` is English, too
        words = lines - {shown.line for shown in exercise.assignment.may_show} | hidden_names(exercise.tests.read_text(encoding="utf-8"))
        assert leaks(contents(home / slug), words | {course.secret, str(source)}) == [], slug


def test_known_mistakes_are_told_by_the_release_alone_as_with_solutions(python, source, home, tmp_path, capsys):
    course = load_course(find_course(source))
    for slug in course.slugs:
        exercise = material.load(course, slug)
        (tmp_path / slug).mkdir()
        for wrong in learning.singles(exercise.reference.pieces[0].text, exercise.mistakes, exercise.mistakes_shown):
            (tmp_path / slug / f"{wrong.mistakes[0].name}.py").write_text(wrong.submission.pieces[0].text, encoding="utf-8")

    def told(interpreter: str, place: Path, slug: str) -> dict[str, list]:
        command = [interpreter, "-c", MARK, str(place), slug, str(tmp_path / slug)]
        return json.loads(subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout.splitlines()[-1])

    alike: Counter = Counter()
    with ThreadPoolExecutor(2) as pool:
        asked = {slug: (pool.submit(told, python, home, slug), pool.submit(told, sys.executable, source, slug)) for slug in course.slugs}
        for slug, (laptop, office) in asked.items():
            alone, at_home = laptop.result(), office.result()
            different = {name: (alone[name], at_home[name]) for name in at_home if alone[name] != at_home[name]}
            assert not different, slug
            alike[slug] = sum(any(name in said[0] for said in diagnoses) for name, (_, _, diagnoses) in at_home.items())
    with capsys.disabled():
        print(f"\n{sum(alike.values())} known mistakes are told by the released folder alone as with solutions: {dict(alike)}")
    assert sum(alike.values()) >= LEAST and all(alike[slug] >= LEAST_EACH for slug in course.slugs)
