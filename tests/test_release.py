"""`grade release`: what students receive marks itself, is the same every time, and tells nothing it should not."""

from __future__ import annotations

import ast
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course import manifest
from grader.course.assignment import Assignment, AssignmentFile, Limits, Part
from grader.course.course import CourseFile, CourseFolder, Entry, Sandbox, find_course, load_course
from grader.course.handout import handout
from grader.errors import UsageError
from grader.record import recording
from grader.release import placing
from grader.release.release import release
from grader.source.strip import BEGIN, END

ROOT = Path(__file__).resolve().parents[1]
SECRET = "tulip-9137-secret"

COURSE = f'''
title = "Two \\"toys\\""
secret = "{SECRET}"
submit = "Upload {{file}} to the box"
due = 2031-05-01T23:59:00+02:00
grace = "48h"
late_percent_per_day = 12.5

[[assignments]]
slug = "scale"
unit = "First"

[[assignments]]
slug = "grad-step"
unit = "Second"
prerequisites = ["scale"]
'''

SCALE = '''\
"""Scaling: x (N, D)."""

import numpy as np


def scale(x, k):
    """y[n, d] = k x[n, d]; a ValueError names k if it is negative."""
    # BEGIN SOLUTION
    if k < 0:
        raise ValueError(f"k is negative and that is forbidden: {k}")
    scaled_entries = k * x  # the whole trick
    return scaled_entries
    # END SOLUTION


def total(x):
    """Sum over all entries."""
    # BEGIN SOLUTION
    return float(np.einsum("nd->", x))
    # END SOLUTION


# Q1. How many?
# BEGIN SOLUTION
Q1 = 41734
# END SOLUTION
'''

SCALE_TESTS = '''\
"""Tests of scale."""

import numpy as np
import pytest

from grader.testing import assert_close, assert_raises, part, points, public, secondary

ODD_SIZES = (11, 13)


def entries(rng, n=2, d=3):
    """Normal entries."""
    return rng.standard_normal((n, d))


def odd_entries(rng):
    return rng.standard_normal(ODD_SIZES) + 271828.5


# ---- scale


@part("scale")
@public
@points(2)
@pytest.mark.parametrize("k", [1.5, 2.0])
def test_scale(student, reference, rng, k):
    """Small arrays."""
    x = entries(rng)
    assert_close(student.scale(x, k), reference.scale(x, k), names="y (N, D)")


@part("scale")
@public
@secondary
def test_scale_refuses(student, rng):
    """A negative factor."""
    assert_raises(student.scale, entries(rng), -1.0, naming="k")


@part("scale")
def test_scale_odd(student, reference, rng):
    """Odd | even sizes."""
    x = odd_entries(rng)
    assert_close(student.scale(x, 2.5), reference.scale(x, 2.5), names="y (N, D)")


@part("total")
@public
def test_total(student, reference, rng):
    """The sum."""
    x = entries(rng, n=4)
    assert_close(student.total(x), reference.total(x), names="sum", atol=1e-12)


@part("total")
def test_total_odd(student, reference, rng):
    """Large sums."""
    x = odd_entries(rng)
    assert_close(student.total(x), reference.total(x), names="sum", atol=1e-12)


# ---- questions


@part("questions")
def test_question(student, reference):
    """The question."""
    assert_close(student.value("Q1"), reference.value("Q1"), names="Q1")
'''

SCALE_SETTINGS = '''\
title = "Scaling"
may_show = [{line = "return", reason = "a word"}]
hidden = "after_due_date"

[limits]
deadline_s = 4

[[parts]]
name = "scale"
points = 50

[[parts]]
name = "total"
title = "The total"
points = 30.5

[[parts]]
name = "questions"
points = 19.5
'''

GRAD_STEP = '''\
"""One step of gradient descent."""


def grad_step(w, g, rate=0.1):
    """w - rate g."""
    # BEGIN SOLUTION
    moved = w - rate * g
    return moved
    # END SOLUTION
'''

GRAD_STEP_TESTS = '''\
from grader.testing import assert_close, part, public


@part("step")
@public
def test_step(student, reference, rng):
    """One step."""
    w, g = rng.standard_normal(3), rng.standard_normal(3)
    assert_close(student.grad_step(w, g), reference.grad_step(w, g), names="w (D)")


@part("rate")
def test_rate(student, reference, rng):
    """Other rates."""
    w, g = rng.standard_normal(5), rng.standard_normal(5)
    assert_close(student.grad_step(w, g, 0.37), reference.grad_step(w, g, 0.37), names="w (D)")
'''

WRONG = "def scale(x, k):\n    return x + k\ndef total(x):\n    return float(x.sum())\nQ1 = None\n"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")


def make_course(root: Path) -> Path:
    """An instructor's course of two exercises; of `grad-step` there are two files only."""
    solutions = root / "solutions"
    write(solutions / "course.toml", COURSE)
    write(solutions / "scale" / "scale.py", SCALE)
    write(solutions / "scale" / "test_scale.py", SCALE_TESTS)
    write(solutions / "scale" / "assignment.toml", SCALE_SETTINGS)
    write(solutions / "scale" / "README.md", "# Scaling\n\nMultiply.\n")
    write(solutions / "scale" / "mistakes.toml", "# none yet\n")
    write(solutions / "scale" / "demo_scale.py", "print('a demo')\n")
    write(solutions / "scale" / "data.txt", "data.npz: three numbers, from nowhere\n")
    np.savez(solutions / "scale" / "data.npz", x=np.arange(3.0))
    write(solutions / "grad-step" / "grad_step.py", GRAD_STEP)
    write(solutions / "grad-step" / "test_grad_step.py", GRAD_STEP_TESTS)
    return root


def grade(folder: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "grader", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, encoding="utf-8")


def released(root: Path, *words: str) -> Path:
    result = grade(root, "release", *words)
    assert result.returncode == 0, result.stderr
    return root / "assignments"


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*"))
            if f.is_file() and not {"__pycache__", ".grade"}.intersection(f.parts)}


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The root of a course and its release, made by the real command. Read only."""
    root = make_course(tmp_path_factory.mktemp("made"))
    released(root)
    return root


@pytest.fixture
def root(made, tmp_path):
    """A copy of it, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "course"))


@pytest.fixture
def home(made, tmp_path):
    """The released folder alone, as a learner has it."""
    return Path(shutil.copytree(made / "assignments", tmp_path / "home", ignore=shutil.ignore_patterns(".grade")))


# What is written


def test_a_release_holds_these_files_and_no_others(made):
    scale = ["README.md", "assignment.toml", "data.npz", "data.txt", "demo_scale.py", "scale.expected", "scale.ipynb", "scale.py",
             "test_scale.py"]
    step = ["README.md", "assignment.toml", "grad_step.expected", "grad_step.ipynb", "grad_step.py", "test_grad_step.py"]
    expected = [*(f"scale/{name}" for name in scale), *(f"grad-step/{name}" for name in step), "course.toml"]
    assert set(contents(made / "assignments")) == set(expected)
    assert not [path for path in made.iterdir() if path.name.startswith(".release")]


def test_data_and_demos_are_released_as_they_are(made):
    for name in ("data.npz", "data.txt", "demo_scale.py"):
        there, here = (made / folder / "scale" / name for folder in ("solutions", "assignments"))
        assert there.read_bytes() == here.read_bytes()


def test_the_tests_are_the_public_ones_with_what_they_need(made):
    text = (made / "assignments" / "scale" / "test_scale.py").read_text()
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert names == ["entries", "test_scale", "test_scale_refuses", "test_total"]
    assert "ODD_SIZES" not in text and "questions" not in text and "# ---- scale" in text


def test_the_handout_ends_with_titles_and_points_of_the_hidden_tests(made):
    page = (made / "assignments" / "scale" / "README.md").read_text()
    assert page == dedent('''\
        # Scaling

        Multiply.

        ## Also tested after you hand in

        | Test              | Part      | Points |
        | ----------------- | --------- | -----: |
        | Odd \\| even sizes | Scale     |   12.5 |
        | Large sums        | The total |  15.25 |
        | The question      | Questions |   19.5 |
        ''')


def test_an_exercise_of_two_files_gets_a_handout_and_its_parts(made):
    page = (made / "assignments" / "grad-step" / "README.md").read_text()
    assert page.startswith("# Grad step\n\nOne step of gradient descent.\n")
    assert "- `grad_step`: w - rate g." in page and "| Other rates | Rate |     50 |" in page
    settings = tomllib.loads((made / "assignments" / "grad-step" / "assignment.toml").read_text())
    assert [(part["name"], part["points"]) for part in settings["parts"]] == [("step", 50), ("rate", 50)]


def test_the_settings_of_a_release_are_what_a_run_needs_and_no_more(made):
    settings = tomllib.loads((made / "assignments" / "scale" / "assignment.toml").read_text())
    assert settings == {
        "title": "Scaling", "framework": "numpy", "imports": ["numpy"],
        "parts": [{"name": "scale", "title": "Scale", "points": 50},
                  {"name": "total", "title": "The total", "points": 30.5},
                  {"name": "questions", "title": "Questions", "points": 19.5}],
        "limits": {"deadline_s": 4.0, "cpu_s": 60.0, "memory_mib": 1024}}


def test_course_toml_has_no_secret_but_versions_and_the_digest_of_every_file(made):
    text = (made / "assignments" / "course.toml").read_text()
    read = tomllib.loads(text)
    files = contents(made / "assignments")
    del files["course.toml"]
    digests = read.pop("digests")
    assert digests == {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    assert list(digests) == sorted(digests)
    tests = read.pop("tests")
    assert {slug: set(known) for slug, known in tests.items()} == {
        "scale": {"*", "test_scale", "test_scale_refuses", "test_total"}, "grad-step": {"*", "test_step"}}
    assert read == {
        "title": 'Two "toys"', "submit": "Upload {file} to the box", "grace": "2d", "late_percent_per_day": 12.5,
        "due": datetime.datetime.fromisoformat("2031-05-01T23:59:00+02:00"), "requires": ">=0.1,<0.2",
        "assignments": [{"slug": "scale", "unit": "First"},
                        {"slug": "grad-step", "unit": "Second", "prerequisites": ["scale"]}]}


def test_the_command_says_what_it_wrote(root):
    result = grade(root, "release")
    assert "2 exercises written" in result.stdout
    assert "scale: 3 public tests (52.75 points), 3 hidden tests (47.25 points)" in result.stdout
    assert result.stderr == ""


def test_titles_are_kept_back_where_the_author_says_so(root):
    replace_in(root / "solutions" / "scale" / "assignment.toml", "title =", "hidden_titles = false\ntitle =")
    files = contents(released(root))
    assert files["scale/README.md"] == b"# Scaling\n\nMultiply.\n"
    assert not any(b"Large sums" in data for data in files.values())
    expected = recording.decode(files["scale/scale.expected"], "")
    assert sum(row.hundredths for row in expected.table) == 10_000


def test_an_omitted_part_is_left_out_and_the_others_share_its_points(root):
    replace_in(root / "solutions" / "scale" / "assignment.toml", "title =", 'omit = ["total"]\ntitle =')
    write(root / "solutions" / "grad-step" / "assignment.toml", 'omit = ["rate"]\n')
    files = contents(released(root))
    parts = tomllib.loads(files["scale/assignment.toml"].decode())["parts"]
    assert [part["name"] for part in parts] == ["scale", "questions"] and sum(part["points"] for part in parts) == 100
    assert b"test_total" not in files["scale/test_scale.py"] and b"Large sums" not in files["scale/README.md"]
    home = root / "assignments"
    solution = str(root / "solutions" / "grad-step" / "grad_step.py")
    assert grade(root, "grad-step", "--file", solution).returncode == 0
    shutil.rmtree(root / "solutions")
    write(root / "mine.py", GRAD_STEP)
    alone = grade(home, "grad-step", "--file", str(root / "mine.py"))
    assert alone.returncode == 0 and "100 of 100" in alone.stdout


# Nothing leaks


def solution_lines(source: str) -> set[str]:
    """Lines of the regions that say something and stand nowhere else."""
    inside, lines = False, {True: set(), False: set()}
    for line in map(str.strip, source.split("\n")):
        inside = (inside or line == BEGIN) and line != END
        lines[inside].add(line)
    return {line for line in lines[True] - lines[False] if len(line) >= 8 and line != BEGIN}


def hidden_names(tests: str) -> set[str]:
    functions = [node for node in ast.parse(tests).body if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions if f.name.startswith("test") and
            not any(getattr(d, "id", "") == "public" for d in f.decorator_list)}


def leaks(files: dict[str, bytes], words: set[str]) -> list[tuple[str, str]]:
    assert words
    patterns = {word: re.compile(re.escape(word.encode()) + rb"(?!\w)") for word in words}
    return [(path, word) for path, data in files.items() for word, pattern in patterns.items() if pattern.search(data)]


def test_no_solution_line_hidden_name_constant_or_secret_is_in_a_release(made):
    words = solution_lines(SCALE + GRAD_STEP) | hidden_names(SCALE_TESTS) | hidden_names(GRAD_STEP_TESTS)
    assert {"scaled_entries = k * x  # the whole trick", "Q1 = 41734", "test_total_odd", "test_rate"} <= words
    words |= {SECRET, "tulip", "41734", "271828", "ODD_SIZES", "odd_entries", "forbidden", "scaled_entries", "mistakes",
              str(made), "may_show", "after_due_date"}
    assert leaks(contents(made / "assignments"), words) == []


def test_a_recording_of_a_release_holds_public_items_alone(made):
    expected = recording.read(made / "assignments" / "scale" / "scale.expected")
    assert set(expected.items) == {"test_scale[1.5]", "test_scale[2.0]", "test_scale_refuses", "test_total"}
    assert [row.test for row in expected.table if not row.public] == ["", "", ""]
    raised = [call.raised for item in expected.items.values() for call in item.student if call.raised]
    assert [(r.type, r.message, r.frames) for r in raised] == [("ValueError", "", ())]


def test_the_secret_leaves_no_trace_in_what_is_released(made, root):
    replace_in(root / "solutions" / "course.toml", SECRET, "another")
    assert contents(released(root)) == contents(made / "assignments")


# The same every time


def test_a_second_release_writes_the_same_bytes(made, root):
    assert contents(released(root)) == contents(made / "assignments")


def test_another_checkout_without_cache_and_with_another_umask_writes_the_same_bytes(made, tmp_path):
    root = make_course(tmp_path / "else where" / "repo")
    for file in root.rglob("*.py"):
        os.utime(file, (10**9, 10**9))
    code = "import os, sys; os.umask(0o077); from grader.cli import main; sys.argv[1:] = ['release']; main()"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True)
    assert contents(root / "assignments") == contents(made / "assignments")


def test_line_ends_of_the_author_do_not_matter(made, tmp_path):
    root = make_course(tmp_path)
    for file in (root / "solutions").rglob("*"):
        if file.suffix in (".py", ".md", ".toml") and not file.name.startswith("demo"):
            file.write_bytes(b"\xef\xbb\xbf" * (file.suffix == ".md") + file.read_bytes().replace(b"\n", b"\r\n"))
    assert contents(released(root)) == contents(made / "assignments")


# The released folder alone


def test_the_stub_is_not_attempted(home):
    result = grade(home, "scale")
    assert result.returncode == 5
    last = "Visible 0 of 52.75 points. The other 47.25 are decided by 3 hidden tests after you hand in."
    assert " ".join(result.stdout.split()).endswith(last)


def test_the_reference_gets_all_public_points(made, home):
    for slug, file in (("scale", "scale.py"), ("grad-step", "grad_step.py")):
        result = grade(home, slug, "--file", str(made / "solutions" / slug / file))
        assert result.returncode == 0, result.stdout
    assert "Visible 50 of 50 points. The other 50 are decided by 1 hidden test" in result.stdout


def test_a_wrong_submission_reads_expected_values(home):
    write(home / "scale" / "scale.py", WRONG)
    result = grade(home, "scale")
    assert result.returncode == 1
    assert "expected" in result.stdout and "test_scale_odd" not in result.stdout


def test_a_learner_is_judged_as_the_instructor_judges_the_public_tests(made, home, tmp_path):
    write(tmp_path / "wrong.py", WRONG)
    for file in (tmp_path / "wrong.py", made / "solutions" / "scale" / "scale.py", home / "scale" / "scale.py"):
        words = ("scale", "--file", str(file), "--format", "json")
        learner = json.loads(grade(home, *words).stdout)
        teacher = json.loads(grade(made, *words, "--tests", "public").stdout)
        assert learner["scope"] == "public" and learner["hidden"] == {"tests": 3, "points": 47.25}
        for key in ("verdict", "score", "max_score", "points_total", "parts", "hidden", "scope"):
            assert learner[key] == teacher[key], key
        assert [(t["id"], t["verdict"], t["cases"], t["score"]) for t in learner["tests"]] == \
               [(t["id"], t["verdict"], t["cases"], t["score"]) for t in teacher["tests"]]


def test_another_version_of_the_package_is_told_with_the_line_to_run(home):
    replace_in(home / "course.toml", ">=0.1,<0.2", ">=7.3,<8")
    result = grade(home, "scale")
    assert result.returncode == 2
    assert 'pip install "deepgrader>=7.3,<8"' in result.stderr and "0.1.0" in result.stderr


@pytest.mark.parametrize(("name", "how"), [
    ("test_scale.py", b"ENTRIES = 3\n"), ("test_scale.py", b"def test_total(:\n"), ("test_scale.py", None),
    ("scale.expected", b"\n"), ("scale.expected", None), ("assignment.toml", b"\n"), ("assignment.toml", None)])
def test_material_with_no_test_left_is_named_and_can_be_restored(home, name, how):
    file = home / "scale" / name
    if how is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + how)
    result = grade(home, "scale")
    assert result.returncode == 7
    assert f"scale/{name}" in result.stderr and "grade start --update" in result.stderr
    assert grade(home, "grad-step").returncode == 5


@pytest.mark.parametrize(("old", "new"), [
    ("student.total(x), reference.total(x)", "student.total(x), 0.0"), ("def test_total(", "def test_sum("),
    ('@part("total")\n@public\n', '@part("none")\n'), ('"""The sum."""', "pass")])
def test_a_changed_test_is_not_judged_and_the_others_are(home, old, new):
    replace_in(home / "scale" / "test_scale.py", old, new)
    write(home / "scale" / "scale.py", "def scale(x, k):\n    if k < 0:\n        raise ValueError('k')\n    return k * x\n")
    result = grade(home, "scale", "--format", "json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["verdict"], report["score"], report["max_score"]) == (0, "passed", 37.5, 37.5)
    assert {t["id"]: t["verdict"] for t in report["tests"]} == {
        "test_scale": "passed", "test_scale_refuses": "passed", "test_total": "ungraded"}
    assert "changed by you; `grade start --update` restores it" in report["remarks"][0]["text"]
    page = grade(home, "scale").stdout
    assert "test_total" in page and "changed by you" in " ".join(page.split())


def test_a_changed_recording_costs_the_tests_whose_results_changed(home):
    file = home / "scale" / "scale.expected"
    made = recording.read(file)
    items = made.items | {"test_total": msgspec.structs.replace(made.items["test_total"], draws=())}
    recording.write(msgspec.structs.replace(made, items=items), file)
    report = json.loads(grade(home, "scale", "--format", "json").stdout)
    assert {t["id"]: t["verdict"] for t in report["tests"] if t["verdict"] != "not_attempted"} == {"test_total": "ungraded"}
    recording.write(msgspec.structs.replace(made, signatures={}), file)
    assert grade(home, "scale").returncode == 7


def test_a_comment_or_a_test_of_ones_own_changes_nothing(home):
    file = home / "scale" / "test_scale.py"
    file.write_text("# my notes\n" + file.read_text() + "\n\ndef helper():\n    pass\n".replace("helper", "test_mine"))
    assert grade(home, "grad-step").returncode == 5
    assert "test_mine" not in grade(home, "scale").stdout


@pytest.mark.parametrize("format_", ["github", "gradescope"])
def test_on_a_platform_nothing_may_be_changed(home, format_):
    replace_in(home / "scale" / "test_scale.py", "student.total(x), reference.total(x)", "student.total(x), 0.0")
    result = grade(home, "scale", "--format", format_)
    assert result.returncode == 7 and "test_scale.py" in result.stderr and result.stdout == ""


def test_line_ends_that_git_changed_are_no_alteration(home):
    for name in ("test_scale.py", "assignment.toml", "scale.py"):
        file = home / "scale" / name
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert grade(home, "scale").returncode == 5


def test_hidden_inputs_cannot_be_drawn_from_a_release(home):
    assert grade(home, "scale", "--seed", "3").returncode == 2


def test_a_learners_course_cannot_be_released(home):
    result = grade(home, "release")
    assert result.returncode == 2 and "solutions/" in result.stderr


# What stands in the target


def test_only_the_named_exercises_are_replaced(made, root):
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply", "Stretch")
    replace_in(root / "solutions" / "grad-step" / "grad_step.py", "w - rate g.", "w minus rate g.")
    before = contents(made / "assignments")
    after = contents(released(root, "scale"))
    changed = {path for path in before if before[path] != after[path]}
    assert after.keys() == before.keys() and changed == {"scale/README.md", "scale/scale.ipynb", "course.toml"}
    course = load_course(find_course(root / "assignments" / "..")).folder
    read = tomllib.loads((course.assignments / "course.toml").read_text())["digests"]
    assert read["grad-step/grad_step.py"] == hashlib.sha256(before["grad-step/grad_step.py"]).hexdigest()
    assert read["scale/README.md"] == hashlib.sha256(after["scale/README.md"]).hexdigest()


def test_one_exercise_can_be_released_alone_and_names_no_prerequisite_that_is_missing(root, tmp_path):
    result = grade(root, "release", "grad-step", "--to", str(tmp_path / "out"))
    assert result.returncode == 0, result.stderr
    assert {path.partition("/")[0] for path in contents(tmp_path / "out")} == {"grad-step", "course.toml"}
    assert load_course(find_course(tmp_path / "out")).slugs == ("grad-step",)
    assert grade(tmp_path / "out", "grad-step").returncode == 5


def test_an_exercise_that_the_course_has_no_more_goes(root):
    write(root / "solutions" / "course.toml", COURSE.partition('\n[[assignments]]\nslug = "grad-step"')[0])
    result = grade(root, "release")
    assert "grad-step: removed" in result.stdout
    assert not (root / "assignments" / "grad-step").exists()


@pytest.mark.parametrize("edit", ["scale/scale.py", "scale/notes.ipynb", "grad-step/test_grad_step.py"])
def test_somebodys_edit_is_named_and_not_overwritten(root, edit):
    with open(root / "assignments" / edit, "a") as file:
        file.write("# mine\n")
    before = contents(root / "assignments")
    result = grade(root, "release")
    assert result.returncode == 6 and edit in result.stderr
    assert contents(root / "assignments") == before


def test_caches_and_deleted_files_are_no_edits(root):
    target = root / "assignments"
    write(target / "scale" / "__pycache__" / "x.pyc", "")
    write(target / "scale" / ".ipynb_checkpoints" / "x.ipynb", "")
    (target / "scale" / "README.md").unlink()
    write(target / ".gitignore", "x\n")
    released(root)
    assert (target / "scale" / "README.md").is_file() and (target / ".gitignore").is_file()


@pytest.mark.parametrize(("file", "old", "new", "where"), [
    ("grad-step/grad_step.py", "# END SOLUTION", "# END SOLUTON", "solutions/grad-step/grad_step.py:9"),
    ("grad-step/grad_step.py", "    # BEGIN SOLUTION\n", "", "solutions/grad-step/grad_step.py:8"),
    ("grad-step/test_grad_step.py", "One step.", "One step, see test_rate.", "solutions/grad-step/test_grad_step.py:7"),
    ("grad-step/grad_step.py", "moved = w - rate * g", "moved = w - rate", None),
])
def test_a_release_that_fails_says_where_and_leaves_the_old_one(root, file, old, new, where):
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply", "Stretch")
    replace_in(root / "solutions" / file, old, new)
    if where is None:  # a reference that fails its own tests
        replace_in(root / "solutions" / "grad-step" / "test_grad_step.py", "reference.grad_step(w, g)", "w")
    before = contents(root / "assignments")
    result = grade(root, "release")
    assert result.returncode == 6
    assert (where or "test_grad_step.py:4") in result.stderr
    assert contents(root / "assignments") == before


@pytest.mark.parametrize("stray", ["scale.py.orig", "old_scale.py", "notes.txt", "answers.ipynb", "backup/scale.py"])
def test_a_stray_file_among_the_solutions_stops_the_release(root, stray):
    write(root / "solutions" / "scale" / stray, "x = 1\n")
    result = grade(root, "release")
    name = stray.partition("/")[0]
    assert result.returncode == 6 and f"solutions/scale/{name}" in result.stderr


@pytest.mark.parametrize("target", ["solutions/scale", "solutions", "taken", "file"])
def test_a_release_is_written_into_nothing_but_a_release(root, target):
    write(root / "taken" / "thesis.tex", "years of work")
    write(root / "file", "")
    before = contents(root)
    result = grade(root, "release", "--to", target)
    assert result.returncode == 2
    assert contents(root) == before


def test_a_slug_that_is_not_there_is_a_usage_error_with_the_nearest(root):
    result = grade(root, "release", "scal")
    assert result.returncode == 2 and "scale" in result.stderr


TREE = {"a/x": b"new", "b/x": b"new", "course.toml": b"title = 'new'\n"}


@pytest.mark.parametrize("failing", range(1, 8))
def test_whichever_step_of_the_exchange_fails_the_old_release_stands(tmp_path, monkeypatch, failing):
    target = tmp_path / "target"
    old = {"a/x": b"old", "c/x": b"old"}
    digests = "".join(f'"{path}" = "{manifest.digest(data)}"\n' for path, data in old.items())
    for path, data in (old | {"course.toml": f"[digests]\n{digests}".encode()}).items():
        write(target / path, data.decode())
    before, steps, rename = contents(target), [], os.rename

    def sometimes(source, goal):
        steps.append(source)
        if len(steps) == failing:
            raise OSError(28, "No space left on device")
        rename(source, goal)

    monkeypatch.setattr(os, "rename", sometimes)
    if failing <= 6:  # a out, a in, b in, c out, course.toml out and in
        with pytest.raises(UsageError, match="No space left"):
            placing.place(TREE, ["c"], target)
        assert contents(target) == before
    else:
        placing.place(TREE, ["c"], target)
        assert contents(target) == TREE
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


# Texts


text = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20)
moments = st.datetimes(timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=-3.5))]))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text, st.none() | text, st.none() | moments | st.fixed_dictionaries({"a": moments, "b": moments}),
       st.integers(0, 9999), st.sampled_from("mhd"), st.none() | st.sampled_from(Sandbox), st.floats(0, 100), text)
def test_whatever_a_course_says_its_release_says_too(title, submit, due, grace, unit, sandbox, late, chapter):
    keys = {"title": title, "submit": submit, "due": due, "grace": f"{grace}{unit}", "sandbox": sandbox}
    source = msgspec.convert(keys | {"secret": SECRET, "late_percent_per_day": late}, CourseFile)
    course = load_from(source)
    entries = (Entry(slug="a", unit=chapter), Entry(slug="b-c", prerequisites=("a", "x")))
    written = manifest.course_text(course, entries, {"b-c/f.py": "0" * 64, "a/f.py": "1" * 64}, {"b-c": {"test_a": "0"}})
    read = msgspec.convert(tomllib.loads(written), CourseFile)
    again = load_from(read)
    assert (again.title, again.submit, again.grace, again.sandbox) == (title, submit, course.grace, sandbox)
    assert again.late_percent_per_day == late and read.secret is None
    assert again.due == ({"a": due["a"]} if isinstance(due, dict) else due)
    assert read.assignments == (entries[0], Entry(slug="b-c", prerequisites=("a",)))


def load_from(read: CourseFile):
    """A course with the settings `read`, as `load_course` makes it."""
    from grader.course.course import _UNITS, Course

    grace = datetime.timedelta(**{_UNITS[read.grace[-1]]: int(read.grace[:-1])})
    folder = CourseFolder(root=Path("x"), solutions=Path("x/solutions"), assignments=None)
    return Course(**msgspec.structs.asdict(read) | {"folder": folder, "assignments": (), "grace": grace})


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text, st.lists(text, max_size=3), st.lists(st.tuples(text, text, st.integers(1, 10_000)), max_size=4),
       st.floats(0.001, 86_400), st.integers(1, 1 << 20))
def test_whatever_an_assignment_says_its_release_says_too(title, imports, parts, seconds, memory):
    parts = tuple(Part(name=name, title=spoken, points=hundredths / 100) for name, spoken, hundredths in parts)
    limits = Limits(deadline_s=seconds, cpu_s=seconds, memory_mib=memory)
    source = Assignment(slug="a", title=title, imports=tuple(imports), parts=parts, limits=limits)
    read = msgspec.convert(tomllib.loads(manifest.assignment_text(source)), AssignmentFile)
    assert (read.title, read.imports) == (title, tuple(imports))
    assert [(p.name, p.title, p.points) for p in read.parts] == [(p.name, p.title, p.points) for p in parts]
    assert (read.limits.deadline_s, read.limits.memory_mib) == (seconds, memory)


@pytest.mark.parametrize(("version", "expected"), [
    ("0.1.0", ">=0.1,<0.2"), ("0.12.3", ">=0.12,<0.13"), ("1.4.2", ">=1.4,<2"), ("2.0.0rc1", ">=2.0,<3"),
    ("0.3.0.dev4", ">=0.3,<0.4")])
def test_a_release_fits_the_versions_that_mark_alike(version, expected):
    assert manifest.requires(version) == expected


def test_a_handout_without_hidden_tests_stays_as_it_is():
    row = recording.TestPoints(test="test_a", part="a", title="A", hundredths=10_000, public=True)
    page = "# A\n\n\n"
    assignment = Assignment(slug="a", title="A", parts=(Part(name="a", title="A", points=100.0),))
    assert handout(page, assignment, [row]) == page


# The shipped course


SHIPPED = {"conv2d": "flipped_kernel.py", "lstm": "swapped_gates.py"}


@pytest.fixture(scope="module", params=SHIPPED)
def shipped(request, tmp_path_factory):
    """(slug, copy of its solution, its release), made by the real command; with all mistakes: test_release_wheel."""
    slug, root = request.param, tmp_path_factory.mktemp("shipped")
    left_out = shutil.ignore_patterns(".*", "__pycache__", "mistakes.toml")
    shutil.copytree(ROOT / "solutions" / slug, root / "solutions" / slug, ignore=left_out)
    write(root / "solutions" / "course.toml", f'title = "Shipped"\nsecret = "{SECRET}"\n')
    return slug, root / "solutions" / slug, released(root)


def test_a_shipped_exercise_marks_itself_from_the_released_folder_alone(shipped, tmp_path):
    slug, source, target = shipped
    home = Path(shutil.copytree(target, tmp_path / "home"))
    wrong = ROOT / "tests" / "submissions" / slug / SHIPPED[slug]
    for words, code in (((), 5), (("--file", str(source / f"{slug}.py")), 0), (("--file", str(wrong)), 1)):
        result = grade(home, slug, *words)
        assert result.returncode == code, result.stdout + result.stderr
        assert "hidden tests after you hand in." in " ".join(result.stdout.split())


def test_a_shipped_exercise_tells_nothing_it_should_not(shipped):
    slug, source, target = shipped
    solution, tests = ((source / name).read_text(encoding="utf-8") for name in (f"{slug}.py", f"test_{slug}.py"))
    assert leaks(contents(target), solution_lines(solution) | hidden_names(tests) | {SECRET, str(source.parent)}) == []


def test_what_remains_of_shipped_files_is_byte_for_byte_theirs(shipped):
    slug, source, target = shipped
    todo = {"    # TODO: write this", *(f"Q{n} = None  # TODO: your answer" for n in range(1, 10))}
    for name in (f"{slug}.py", f"test_{slug}.py"):
        given = set((source / name).read_text(encoding="utf-8").split("\n"))
        lines = (target / slug / name).read_text(encoding="utf-8").split("\n")
        new = [line for line in lines if line not in given | todo and "NotImplementedError" not in line]
        assert new == []


def test_releasing_through_the_library_gives_the_same_tree(shipped, tmp_path):
    _, source, target = shipped
    release(load_course(find_course(source)), (), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(target)
