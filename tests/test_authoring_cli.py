"""An instructor's own course, made with `grade new`, and what learners do in their copy of it: start, diff, reset, update."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from grader.audit import impostors
from grader.cli import main
from tests import toy

try:
    import resource
except ImportError:
    resource = None

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR")} | {"COLUMNS": "88"}


def grade(*words, cwd: Path, python: str = sys.executable, **more) -> subprocess.CompletedProcess:
    return subprocess.run([python, "-m", "grader", *map(str, words)], cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=PLAIN,
                          timeout=600, **more)


def quick(*words, cwd: Path) -> subprocess.CompletedProcess:
    """The same command in this process, for verbs that mark nothing."""
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    try:
        sys.argv = ["grade", *map(str, words)]
        with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        return subprocess.CompletedProcess(words, stop.code, out.getvalue(), err.getvalue())
    finally:
        sys.argv = argv
        gc.enable()
    raise AssertionError("the command ends by an exit code")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*"))
            if file.is_file() and not {"__pycache__", ".grade"}.intersection(file.parts)}


def refused(result: subprocess.CompletedProcess, *words: str) -> None:
    """A usage error: one message with these words, no traceback, no blame."""
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr and "internal error" not in result.stderr
    assert all(word in result.stderr for word in words), result.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """An instructor's course outside of this repository, with one exercise of each kind, and its release."""
    root = tmp_path_factory.mktemp("own") / "my-course"
    root.mkdir()
    assert quick("new", "warm-up", cwd=root).returncode == 0
    settings = root / "solutions" / "course.toml"
    settings.write_text(re.sub(r"# submit = .*", 'submit = "Upload {file} to the box."', settings.read_text()))
    assert grade("release", cwd=root).returncode == 0
    return root


@pytest.fixture
def mine(made, tmp_path) -> Path:
    """A learner's copy of it."""
    assert quick("start", tmp_path / "mine", "--from", made / "assignments", cwd=tmp_path).returncode == 0
    return tmp_path / "mine"


# -- grade new ---------------------------------------------------------------------------------------------------------


def test_in_an_empty_folder_new_makes_a_course_with_a_secret_of_its_own(tmp_path):
    secrets = set()
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        (root / ".git").mkdir()
        (root / ".gitignore").write_text("*.bak")
        (root / "README.md").write_text("# Mine\n")
        result = quick("new", "warm-up", cwd=root)
        assert result.returncode == 0, result.stderr
        assert set(contents(root)) == {".gitignore", "README.md", "solutions/course.toml", "solutions/warm-up/warm_up.py", "solutions/warm-up/test_warm_up.py"}
        assert (root / ".gitignore").read_text() == "*.bak\n.grade/\n__pycache__/\n.venv/\n"
        settings = tomllib.loads((root / "solutions" / "course.toml").read_text())
        assert settings["title"] == name.capitalize() and settings["assignments"] == [{"slug": "warm-up"}]
        secrets.add(settings["secret"])
    assert len(secrets) == 2 and all(len(secret) >= 24 for secret in secrets)


def test_a_new_exercise_is_of_two_files_passes_the_audit_and_tells_its_author_what_to_do(made):
    folder = made / "solutions" / "warm-up"
    assert sorted(file.name for file in folder.iterdir() if file.is_file()) == ["test_warm_up.py", "warm_up.py"]
    text = "".join(file.read_text() for file in folder.glob("*.py"))
    assert sorted(re.findall(r"TODO \((\d)\)", text)) == list("1234567")
    result = grade("audit", cwd=made)
    assert result.returncode == 0 and "green" in result.stdout and "warning" not in result.stdout, result.stdout + result.stderr


def test_nothing_that_the_scaffold_says_to_its_author_reaches_students(made):
    released = contents(made / "assignments")
    assert not [path for path, data in released.items() if re.search(rb"TODO \(\d\)|mistakes\.toml|BEGIN SOLUTION", data)]


@pytest.mark.slow
def test_the_mistake_that_the_scaffold_proposes_fits_and_is_recognised(made, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns(".grade")))
    folder = root / "solutions" / "warm-up"
    proposed = re.search(r"#     \[\[mistakes\]\]\n(?:#     .*\n)+", (folder / "test_warm_up.py").read_text())[0]
    (folder / "mistakes.toml").write_text(re.sub(r"(?m)^#     ", "", proposed))
    result = grade("audit", "warm-up", cwd=root)
    assert result.returncode == 0 and "green" in result.stdout, result.stdout


def test_the_reference_and_the_unwritten_file_of_a_new_exercise_are_marked_as_such(made):
    assert grade("warm-up", cwd=made).returncode == 5
    result = grade("warm-up", "--file", made / "solutions" / "warm-up" / "warm_up.py", cwd=made)
    assert result.returncode == 0 and "100 of 100" in result.stdout


def test_a_further_exercise_is_listed_after_those_there_are(made, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "copy"))
    result = quick("new", "the-end", cwd=root / "solutions" / "warm-up")
    assert result.returncode == 0 and "course.toml" in result.stdout
    assert quick("list", cwd=root).stdout.split()[:1] == ["warm-up"] and "the-end" in quick("list", cwd=root).stdout


@pytest.mark.parametrize("settings, listed, said", [
    ('assignments = [{ slug = "toy" }]\n', False, "To list the exercise"),  # a list in one line has no end to add to
    ('title = "All there are"\n', True, "Next:"),  # no list: every folder counts
    ('[[assignments]]\nslug = "toy"\n[[assignments]]\nslug = "second"\n', True, "Next:"),  # listed before it is written
    ('[[assignments]]\nslug = "toy"\n[due]\ntoy = 2030-01-01T00:00:00Z\n', True, "course.toml"),
])
def test_a_list_that_cannot_be_added_to_is_left_to_its_author(tmp_path, settings, listed, said):
    root = toy.course(tmp_path)
    (root / "solutions" / "course.toml").write_text(settings)
    result = quick("new", "second", cwd=root)
    assert result.returncode == 0 and said in result.stdout, result.stderr
    assert ("second" in quick("list", cwd=root).stdout) is listed
    assert listed or (root / "solutions" / "course.toml").read_text() == settings


def test_an_exercise_can_be_begun_as_a_copy_that_has_its_own_name_everywhere(tmp_path):
    root = tmp_path / "course"
    root.mkdir()
    result = quick("new", "back-in-time", "--from", ROOT / "solutions" / "bptt", cwd=root)
    assert result.returncode == 0, result.stderr
    files = {path.name: path for path in (root / "solutions" / "back-in-time").iterdir()}
    there = {file.name.replace("bptt", "back_in_time") for file in (ROOT / "solutions" / "bptt").iterdir() if file.is_file()}
    assert set(files) == there and "demo_back_in_time.py" in files
    demo, page = files["demo_back_in_time.py"].read_text(), files["README.md"].read_text()
    assert "from back_in_time import bptt" in demo and "`grade back-in-time`" in demo and "bptt.py" not in demo + page


@pytest.mark.parametrize("words, said", [
    (["Warm_Up"], "lower-case words"), (["run"], "word of the command line"), (["class"], "`my-class`"), (["random"], "word of Python"),
    (["numpy"], "word of Python"), (["warm-up"], "there already"), (["x" * 33], "at most 32"), (["../x"], "lower-case words"), ([""], "lower-case words"),
    (["second", "--from", "nowhere"], "does not exist"), (["second", "--from", "."], "NAME.py and test_NAME.py"),
    (["second", "--from", "assignments/warm-up"], "what students receive"),
    (["second", "--from", "solutions/warm-up", "--framework", "numpy"], "leave --framework away"), (["second", "--framework", "jax"], "'numpy', 'torch'"),
])
def test_what_cannot_become_an_exercise_is_refused_and_nothing_is_written(made, words, said):
    before = contents(made)
    refused(quick("new", *words, cwd=made), said)
    assert contents(made) == before


def test_no_course_is_begun_among_other_files_or_in_a_learners_copy(tmp_path, mine):
    (tmp_path / "thesis.tex").write_text("x")
    refused(quick("new", "second", cwd=tmp_path), "empty folder", "mine")
    refused(quick("new", "second", cwd=mine), "as students have it")
    assert not (tmp_path / "solutions").exists() and not (mine / "solutions").exists()


@pytest.mark.skipif(resource is None, reason="limits of a process are POSIX")
@pytest.mark.parametrize("words", [["new", "second"], ["start", "copy"], ["start", "--update"], ["reset", "warm-up"]])
def test_a_disk_that_takes_nothing_is_named_nothing_changes_and_nobody_is_blamed(made, mine, words):
    root = made if words[0] == "new" else mine
    (mine / "warm-up" / "warm_up.py").write_text("x = 1\n")
    (mine / "warm-up" / "README.md").unlink()
    before = contents(root)
    result = grade(*words, cwd=root, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    refused(result, "written", "File too large")
    assert contents(root) == before and not (root / "copy").exists()


CLASS = '''
import numpy as np


class Counter:
    """Adds what it is given."""

    def __init__(self, start):
        self.total = np.array(start)

    def add(self, x):
        """Add x (D); returns the total (D)."""
        # BEGIN SOLUTION
        self.total = self.total + x
        return self.total
        # END SOLUTION


def counter(start):
    """A counter that has had start (D) twice."""
    # BEGIN SOLUTION
    made = Counter(start)
    made.add(start)
    return made
    # END SOLUTION
'''
CLASS_TESTS = '''
from grader.testing import assert_close, part, public


@part("add")
@public
def test_add(student, reference, rng):
    """The total."""
    start, x = rng.standard_normal(3), rng.standard_normal(3)
    assert_close(student.Counter(start).add(x), reference.Counter(start).add(x))


@part("add")
def test_what_stays(student, reference, rng):
    """The total is kept."""
    start, x = rng.standard_normal(3), rng.standard_normal(3)
    mine, theirs = student.Counter(start), reference.Counter(start)
    mine.add(x)
    theirs.add(x)
    assert_close(mine.total, theirs.total)


@part("made")
@public
def test_counter(student, reference, rng):
    """A counter that a function returns."""
    start, x = rng.standard_normal(3), rng.standard_normal(3)
    assert_close(student.counter(start).add(x), reference.counter(start).add(x))
'''


def test_answers_without_an_idea_earn_nothing_where_students_write_classes(tmp_path):
    root = toy.course(tmp_path, reference=CLASS, tests=CLASS_TESTS)
    cheats = impostors.cheats(CLASS)
    assert {cheat.name: report.score for cheat, report in zip(cheats, toy.mark(root, *cheats), strict=True)} == {cheat.name: 0 for cheat in cheats}
    assert [report.score for report in toy.mark(root, CLASS, impostors.nudged(CLASS))] == [100, 100]


def test_a_framework_that_is_not_installed_is_named_with_the_line_that_installs_it(made, tmp_path, monkeypatch):
    root = Path(shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns(".grade")))
    (root / "solutions" / "warm-up" / "assignment.toml").write_text('framework = "torch"\n')
    monkeypatch.setattr("importlib.util.find_spec", lambda name, found=importlib.util.find_spec: None if name == "torch" else found(name))
    for words in (["warm-up"], ["release"], ["audit"]):
        refused(quick(*words, cwd=root), "pip install torch")


@pytest.mark.skipif(resource is None, reason="limits of a process are POSIX")
def test_an_exercise_that_cannot_be_listed_is_not_left_behind(tmp_path):
    root = toy.course(tmp_path)
    with open(root / "solutions" / "course.toml", "a", encoding="utf-8") as settings:
        settings.write("# a long story\n" * 3000)
    before = contents(root)
    result = grade("new", "second", cwd=root, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
    refused(result, "was not made")
    assert contents(root) == before and not (root / "solutions" / "second").exists()


# -- grade start -------------------------------------------------------------------------------------------------------


def zip_of(folder: Path, file: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for path, data in contents(folder).items():
            archive.writestr(prefix + path, data)
    return file


@pytest.mark.parametrize("prefix", ["", "course-main/", "course-main/assignments/"])
def test_a_course_is_started_from_a_zip_of_any_depth(made, tmp_path, prefix):
    result = quick("start", "copy", "--from", zip_of(made / "assignments", tmp_path / "r.zip", prefix), cwd=tmp_path)
    assert result.returncode == 0 and "1 exercise." in result.stdout
    assert contents(tmp_path / "copy").items() >= contents(made / "assignments").items()


def test_of_a_whole_repository_the_released_half_is_taken(made, tmp_path):
    assert quick("start", "copy", "--from", zip_of(made, tmp_path / "r.zip", "repository/"), cwd=tmp_path).returncode == 0
    assert not [data for data in contents(tmp_path / "copy").values() if b"BEGIN SOLUTION" in data]


def test_a_course_is_started_in_the_folder_one_stands_in(made, tmp_path):
    assert quick("start", ".", "--from", made / "assignments", cwd=tmp_path).returncode == 0
    assert (tmp_path / "warm-up" / "warm_up.py").is_file()


def bad_origin(kind: str, made: Path, file: Path) -> Path:
    """Something that no course can be started from."""
    if kind in ("folder", "solutions", "gone"):
        return {"folder": file.parent, "solutions": made / "solutions", "gone": file}[kind]
    if kind == "text":
        file.write_text("PK? No.")
    elif kind == "part":
        release = Path(shutil.copytree(made / "assignments", file.parent / "part"))
        (release / "warm-up" / "test_warm_up.py").unlink()
        return zip_of(release, file)
    elif kind == "damaged":
        data = bytearray(zip_of(made / "assignments", file).read_bytes())
        data[200:260] = bytes(60)
        file.write_bytes(data)
    elif kind == "future":
        release = Path(shutil.copytree(made / "assignments", file.parent / "future"))
        settings = release / "course.toml"
        settings.write_text(re.sub(r'requires = ".*"', 'requires = ">=77,<78"', settings.read_text()))
        return release
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            if kind == "huge":
                with archive.open("course.toml", "w", force_zip64=True) as member:
                    for _ in range(300):
                        member.write(bytes(1 << 20))
            if kind == "many":
                for number in range(5_001):
                    archive.writestr(f"{number}.txt", "")
            if kind == "climbing":
                archive.writestr("../course.toml", 'title = "x"')
            if kind == "no exercises":
                archive.writestr("course.toml", 'title = "x"\nassignments = []\n')
    return file


@pytest.mark.parametrize("kind, said", [
    ("folder", "holds no course"), ("empty", "holds no course"), ("text", "not a zip"), ("huge", "larger than a course"), ("many", "larger than a course"),
    ("climbing", "no plain file"), ("part", "not whole: warm-up/test_warm_up.py is missing"), ("solutions", "instructor's course"),
    ("damaged", "zip"), ("no exercises", "without exercises"), ("gone", "does not exist"), ("future", "pip install"),
])
def test_what_is_no_release_is_refused_by_its_name_and_nothing_is_left_behind(made, tmp_path, kind, said):
    origin = bad_origin(kind, made, tmp_path / "from.zip")
    result = quick("start", "copy", "--from", origin, cwd=tmp_path)
    refused(result, said)
    assert str(origin) in result.stderr or kind in ("gone", "future")
    assert not (tmp_path / "copy").exists()


# -- diff, reset, start --update ---------------------------------------------------------------------------------------


def test_diff_shows_what_the_learner_changed_and_nothing_else(mine):
    assert quick("diff", "warm-up", cwd=mine).stdout == ""
    file = mine / "warm-up" / "warm_up.py"
    file.write_text(file.read_text().replace('raise NotImplementedError("TODO: forward")', "return scale * x"), newline="\r\n")
    lines = quick("diff", "warm-up", cwd=mine / "warm-up").stdout.splitlines()
    assert [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        '-    raise NotImplementedError("TODO: forward")', "+    return scale * x"]


def test_reset_brings_the_start_back_and_keeps_every_older_file_under_a_number(mine):
    file = mine / "warm-up" / "warm_up.py"
    begun = file.read_bytes()
    for number in (1, 2):
        file.write_text(f"attempt = {number}\n")
        grade("warm-up", cwd=mine)
        result = quick("reset", "warm-up", cwd=mine)
        assert result.returncode == 0 and f"warm_up-{number}.py" in result.stdout
        assert file.read_bytes() == begun and (file.parent / f"warm_up-{number}.py").read_text() == f"attempt = {number}\n"
        assert "not load" not in quick("list", cwd=mine).stdout
    assert "nothing was changed" in quick("reset", "warm-up", cwd=mine).stdout and not (file.parent / "warm_up-3.py").exists()
    file.unlink()
    assert quick("reset", "warm-up", cwd=mine).returncode == 0 and file.read_bytes() == begun


def test_the_start_is_found_without_the_kept_copy_too_or_it_is_said_where_to_get_it(mine, made, tmp_path):
    shutil.rmtree(mine / ".grade")
    (mine / "warm-up" / "warm_up.py").write_text("x = 1\n")
    refused(quick("reset", "warm-up", cwd=mine), "--update --from")
    assert (mine / "warm-up" / "warm_up.py").read_text() == "x = 1\n"
    refused(quick("start", "--update", cwd=mine), "--update --from")
    assert quick("start", "--update", "--from", made / "assignments", cwd=mine).returncode == 0
    assert quick("reset", "warm-up", cwd=mine).returncode == 0
    quick("start", "shipped", cwd=tmp_path)
    shutil.rmtree(tmp_path / "shipped" / ".grade")
    (tmp_path / "shipped" / "lstm" / "lstm.py").write_text("x = 1\n")
    assert quick("reset", "lstm", cwd=tmp_path / "shipped").returncode == 0  # by the course in the package


def test_an_instructor_who_tries_an_exercise_in_assignments_gets_the_start_back(made, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns(".grade")))
    file = root / "assignments" / "warm-up" / "warm_up.py"
    begun = file.read_bytes()
    file.write_text("x = 1\n")
    assert "+x = 1" in quick("diff", "warm-up", cwd=root).stdout
    assert quick("reset", "warm-up", cwd=root).returncode == 0 and file.read_bytes() == begun


def test_diff_and_reset_of_an_unknown_exercise_name_the_nearest(mine):
    for verb in ("diff", "reset"):
        refused(quick(verb, "warmup", cwd=mine), "did you mean `warm-up`")


def test_update_restores_what_was_released_and_leaves_what_the_learner_wrote(mine):
    released = contents(mine)
    folder = mine / "warm-up"
    (folder / "warm_up.py").write_text("mine = 1\n")
    (folder / "notes.txt").write_text("my notes\n")
    (folder / "test_warm_up.py").write_text((folder / "test_warm_up.py").read_text() + "# a note of mine\n")
    (folder / "warm_up.expected").write_bytes(b"damaged")
    (folder / "README.md").unlink()
    assert grade("warm-up", cwd=mine).returncode == 7
    result = quick("start", "--update", cwd=folder)
    assert result.returncode == 0, result.stderr
    now = contents(mine)
    assert {path for path in released if now[path] != released[path]} == {"warm-up/warm_up.py"}
    assert now["warm-up/warm_up.py"] == b"mine = 1\n" and now["warm-up/notes.txt"] == b"my notes\n"
    assert now["warm-up/test_warm_up-1.py"].endswith(b"# a note of mine\n")
    assert "untouched" in quick("start", "--update", cwd=mine).stdout and contents(mine) == now


@pytest.mark.parametrize("damage", ["deleted", "damaged"])
def test_update_mends_the_manifest_itself(mine, damage):
    before = contents(mine)
    (mine / "course.toml").unlink() if damage == "deleted" else (mine / "course.toml").write_text("[[")
    assert quick("start", mine, "--update", cwd=mine).returncode == 0
    assert contents(mine) == before


def test_update_brings_a_newer_release_and_says_when_the_start_of_begun_work_is_another(made, mine, tmp_path):
    root = Path(shutil.copytree(made, tmp_path / "copy", ignore=shutil.ignore_patterns(".grade")))
    source = root / "solutions" / "warm-up" / "warm_up.py"
    source.write_text(source.read_text().replace("All arrays are float64;", "All arrays are float64 here;"))
    assert quick("new", "second", cwd=root).returncode == 0
    assert grade("release", cwd=root).returncode == 0
    untouched = Path(shutil.copytree(mine, tmp_path / "untouched"))
    (mine / "warm-up" / "warm_up.py").write_text("mine = 1\n")
    newer = zip_of(root / "assignments", tmp_path / "newer.zip")
    result = quick("start", "--update", "--from", newer, cwd=mine)
    assert result.returncode == 0 and "warm-up/warm_up.py: yours, untouched; its start is a new one" in result.stdout, result.stderr
    assert (mine / "warm-up" / "warm_up.py").read_text() == "mine = 1\n" and "second" in quick("list", cwd=mine).stdout
    assert "float64 here" in quick("diff", "warm-up", cwd=mine).stdout
    assert quick("start", "--update", "--from", newer, cwd=untouched).returncode == 0
    assert b"float64 here" in (untouched / "warm-up" / "warm_up.py").read_bytes() and not list((untouched / "warm-up").glob("*-1.py"))


def test_update_takes_no_other_course_and_none_of_an_instructor(made, mine):
    before = contents(mine)
    refused(quick("start", "--update", "--from", ROOT / "assignments", cwd=mine), "another course")
    refused(quick("start", "--update", cwd=made), "grade release")
    refused(quick("start", "--update", cwd=made.parent), "no course")
    assert contents(mine) == before


# -- submit ------------------------------------------------------------------------------------------------------------


def test_after_a_full_pass_and_only_then_the_page_says_how_to_hand_in(made, mine):
    file = mine / "warm-up" / "warm_up.py"
    assert "Hand in" not in grade("warm-up", cwd=mine).stdout
    shutil.copy(made / "solutions" / "warm-up" / "warm_up.py", file)
    assert "Hand in: Upload warm-up/warm_up.py to the box.\n" in grade("warm-up", cwd=mine).stdout
    assert "Hand in" not in grade("warm-up", "--part", "forward", cwd=mine).stdout
    file.write_text(file.read_text().replace("scale * x + shift", "scale * x"))
    assert "Hand in" not in grade("warm-up", cwd=mine).stdout


def test_a_part_that_passes_is_not_remembered_as_the_exercise(made, mine):
    shutil.copy(made / "solutions" / "warm-up" / "warm_up.py", mine / "warm-up" / "warm_up.py")
    assert grade("warm-up", "--part", "forward", cwd=mine).returncode == 0
    assert "passed" not in quick("list", cwd=mine).stdout


# -- torch, and the whole way from the wheel ---------------------------------------------------------------------------


@pytest.mark.slow
def test_a_torch_exercise_as_it_is_begun_audits_releases_and_marks(tmp_path):
    pytest.importorskip("torch")
    assert quick("new", "layer", "--framework", "torch", cwd=tmp_path).returncode == 0
    result = grade("audit", cwd=tmp_path)
    assert result.returncode == 0 and "green" in result.stdout and "warning" not in result.stdout, result.stdout
    assert grade("release", cwd=tmp_path).returncode == 0
    reference = tmp_path / "solutions" / "layer" / "layer.py"
    home = Path(shutil.copytree(tmp_path / "assignments", tmp_path / "home" / "course"))
    assert grade("layer", cwd=home).returncode == 5
    assert grade("layer", "--file", reference, cwd=home).returncode == 0
    wrong = tmp_path / "wrong.py"
    wrong.write_text(reference.read_text().replace("parameter -= rate", "parameter += rate"))
    report = json.loads(grade("layer", "--file", wrong, "--format", "json", cwd=home).stdout)
    assert {part["name"]: part["verdict"] for part in report["parts"]} == {"layer": "passed", "loss": "passed", "step": "failed"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The interpreter of a fresh environment that holds the wheel, outside of this repository."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(place), str(ROOT)], check=True)
    venv.create(place / "venv", with_pip=True)
    python = place / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", *map(str, place.glob("*.whl"))], check=True)
    return python


@pytest.mark.slow
def test_the_commands_of_the_guide_work_as_they_stand_with_the_wheel_alone(wheel, tmp_path, capsys):
    """Each block of solutions/README.md marked bash, in order, in one folder; files it shows are written as it shows them."""
    guide = (ROOT / "solutions" / "README.md").read_text(encoding="utf-8")
    steps = re.findall(r"^(?:`([^`\n]+)`:\n\n)?```(bash|toml|python)\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    commands = [text for _, kind, text in steps if kind == "bash"]
    assert len(commands) >= 6
    started = time.perf_counter()
    environment = PLAIN | {"PATH": f"{wheel.parent}{os.pathsep}{PLAIN['PATH']}", "SHIPPED": str(ROOT)}
    for name, kind, text in steps:
        if kind == "bash" and "pip install" not in text:
            done = subprocess.run(["bash", "-euc", text], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
            assert done.returncode == 0, (text, done.stdout, done.stderr)
        elif name:
            with open(tmp_path / name, "a", encoding="utf-8") as file:
                file.write(text)
    with capsys.disabled():
        print(f"\nthe guide's commands, installing aside: {time.perf_counter() - started:.0f} s")
