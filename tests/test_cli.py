"""The command: words, exit codes, where it looks, what it says when something is not there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import toy

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "FORCE_COLOR", "NO_COLOR")} | {"COLUMNS": "88"}


def grade(*arguments, cwd=ROOT, **environment):
    return subprocess.run([sys.executable, "-m", "grader", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, encoding="utf-8",
                          env=PLAIN | environment, timeout=900)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("toy"))


def write(folder: Path, text: str, name: str = "answer.py") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


STUB = "def double(x):\n    raise NotImplementedError('TODO: double')\ndef norm(x):\n    raise NotImplementedError('TODO: norm')\n"


@pytest.mark.parametrize("text, code", [
    (toy.HONEST, 0), ("def double(x):\n    return x\n", 1), ("this is no Python\n", 3), ("def double(x):\n    while True: pass\n", 4), (STUB, 5), ("", 3),
])
def test_exit_codes_of_one_submission(root, tmp_path, text, code):
    result = grade("toy", "--file", write(tmp_path, text), cwd=root)
    assert result.returncode == code, result.stdout + result.stderr
    assert grade("toy", "--file", write(tmp_path, text), "--exit-zero", cwd=root).returncode == 0


@pytest.mark.parametrize("name, content, words", [
    ("missing.py", None, "no"), ("answer.txt", b"x", ".py"), ("nul.py", b"x = '\0'", "NUL"), ("latin.py", "é = 1".encode("latin-1"), "UTF-8"),
    ("big.py", b"#" * (1 << 21), "MiB"), ("bad.ipynb", b"{", "notebook"),
])
def test_a_file_that_is_no_submission_gets_one_clear_message_and_exit_3(root, tmp_path, name, content, words):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    result = grade("toy", "--file", file, cwd=root)
    assert result.returncode == 3 and result.stdout == ""
    assert words.lower() in result.stderr.lower() and "Traceback" not in result.stderr and len(result.stderr.strip().splitlines()) <= 3


def test_a_misspelt_word_is_answered_with_the_nearest_of_verbs_and_slugs(root):
    assert "`toy`" in grade("tpy", cwd=root).stderr
    assert "`list`" in grade("lisst", cwd=root).stderr
    assert grade("tpy", cwd=root).returncode == 2


def test_a_broken_exercise_is_exit_6_and_says_where(tmp_path):
    broken = toy.course(tmp_path, tests="def test_nothing(student):\n    pass\n")
    result = grade("toy", "--file", write(tmp_path, toy.HONEST), cwd=broken)
    assert result.returncode == 6 and "test_toy.py:1" in result.stderr


def test_without_a_course_the_way_out_is_named(tmp_path):
    assert grade("run", "lstm", cwd=tmp_path).returncode == 2
    assert "grade start" in grade("run", "lstm", cwd=tmp_path).stderr
    assert "grade start" in grade(cwd=tmp_path).stdout and grade(cwd=tmp_path).returncode == 0


def test_the_course_is_found_from_the_root_and_from_any_folder_in_it(root):
    for folder in (root, root / "solutions", root / "solutions" / "toy"):
        assert "toy" in grade("list", cwd=folder).stdout
    assert "toy" in grade("-C", root, "list", cwd="/").stdout


def test_json_is_one_valid_object_per_line_also_for_several_files(root, tmp_path):
    result = grade("run", "toy", "--file", write(tmp_path, toy.HONEST), "--format", "json", cwd=root)
    report = json.loads(result.stdout)
    assert report["schema"] == "grade/report/v1" and report["verdict"] == "passed" and result.stdout.count("\n") == 1


def test_output_goes_to_a_file_when_asked(root, tmp_path):
    out = tmp_path / "out.json"
    result = grade("toy", "--file", write(tmp_path, toy.HONEST), "--format", "json", "-o", out, cwd=root)
    assert result.stdout == "" and json.loads(out.read_text())["score"] == 100


def test_a_page_has_no_colour_without_a_terminal_and_none_with_no_color(root, tmp_path):
    file = write(tmp_path, toy.HONEST)
    assert "\x1b" not in grade("toy", "--file", file, cwd=root).stdout
    assert "\x1b" in grade("toy", "--file", file, "--color", "always", cwd=root).stdout
    assert "\x1b" not in grade("toy", "--file", file, cwd=root, NO_COLOR="1", FORCE_COLOR="1").stdout


def test_ascii_pages_hold_only_ascii(root, tmp_path):
    assert grade("toy", "--file", write(tmp_path, "def double(x):\n    return -x\n"), "--ascii", cwd=root).stdout.isascii()


def test_a_seed_needs_the_solutions(tmp_path, root):
    assert grade("toy", "--file", write(tmp_path, toy.HONEST), "--seed", "3", cwd=root).returncode == 0
    shutil.copytree(ROOT / "assignments", tmp_path / "course", ignore=shutil.ignore_patterns(".grade"))
    result = grade("run", "lstm", "--seed", "3", cwd=tmp_path / "course")
    assert result.returncode == 2 and "solutions/" in result.stderr


def test_help_groups_the_verbs_and_hides_other_groups_from_learners(tmp_path):
    assert "Author" in grade("--help").stdout and "Learner" in grade("--help").stdout
    shutil.copytree(ROOT / "assignments", tmp_path / "course", ignore=shutil.ignore_patterns(".grade"))
    page = grade("--help", cwd=tmp_path / "course").stdout
    assert "Author" not in page and "release" in page.splitlines()[-1]


def test_slugs_complete_in_the_shell(root):
    result = grade(cwd=root, _GRADE_COMPLETE="bash_complete", COMP_WORDS="grade to", COMP_CWORD="1")
    assert "toy" in result.stdout


# -- a learner's day: start, list, show, run ---------------------------------------------------------------------------


def test_a_learner_starts_a_copy_and_is_led_through_it(tmp_path):
    assert grade("start", "mine", cwd=tmp_path).returncode == 0
    mine = tmp_path / "mine"
    assert "lstm" in grade("list", cwd=mine).stdout
    assert "# " in grade("show", "lstm", cwd=mine).stdout
    stub = grade("lstm", cwd=mine)
    assert stub.returncode == 5 and "hidden tests" in stub.stdout
    shutil.copy(ROOT / "solutions" / "lstm" / "lstm.py", mine / "lstm" / "lstm.py")
    done = grade("lstm", cwd=mine / "lstm")
    assert done.returncode == 0
    assert "after you hand in" in done.stdout.splitlines()[-1] and "all tests passed" not in done.stdout.lower()
    assert "passed" in grade("list", cwd=mine).stdout
    assert grade("start", "mine", cwd=tmp_path).returncode == 2  # not empty


def test_run_without_a_slug_marks_what_was_begun(tmp_path):
    grade("start", "mine", cwd=tmp_path)
    mine = tmp_path / "mine"
    assert grade("run", cwd=mine).returncode == 2
    shutil.copy(ROOT / "tests" / "submissions" / "lstm" / "swapped_gates.py", mine / "lstm" / "lstm.py")
    result = grade("run", "--format", "json", cwd=mine)
    assert [json.loads(line)["assignment"]["slug"] for line in result.stdout.splitlines()] == ["lstm"] and result.returncode == 1


def test_doctor_prints_the_schemas_path_and_names_a_shadowing_project(tmp_path):
    assert Path(grade("doctor", "--schema").stdout.strip()).is_file()
    info = tmp_path / "grader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: grader\nVersion: 1.0\n")
    assert "another project" in grade("doctor", PYTHONPATH=str(tmp_path)).stdout
