"""What would leak, or would not hold, stops a release with file, line and text; what is released judges by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from grader.course import material
from grader.course.course import find_course, load_course
from grader.errors import CourseError, GradeError
from grader.record import recording
from grader.release import drift, searching
from grader.release.archive import zipped
from grader.release.release import made as make_exercise
from grader.release.release import plan, recorded, release
from tests.test_release import SECRET, contents, grade, make_course, replace_in, write

MISTAKES = '''\
[[mistakes]]
name = "added"
part = "scale"
edits = [{ find = "k * x", replace = "k + x" }]
says = "You add k where you should multiply."
hint = ["What does twice as long mean for an entry of 3?", "Try k = 1: what must come out?"]

[[mistakes]]
name = "mean"
part = "total"
edits = [{ find = "np.einsum('nd->', x)", replace = "x.mean()" }]
says = "You divide by the number of entries."
hint = ["How often is the sum of one entry divided?"]

[[mistakes]]
name = "large_only"
part = "total"
edits = [{ find = "np.einsum('nd->', x)", replace = "np.einsum('nd->', x) if x.size < 100 else 0.0" }]
says = "Large arrays are left out."
hint = ["What happens above a hundred entries?"]
'''
ADDED = "def scale(x, k):\n    if k < 0:\n        raise ValueError('k')\n    return x + k\ndef total(x):\n    return float(x.mean())\nQ1 = None\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A course with mistakes and its release. Read only."""
    root = make_course(tmp_path_factory.mktemp("gate"))
    source = root / "solutions" / "scale" / "scale.py"
    source.write_text(source.read_text().replace('"nd->"', "'nd->'"))
    write(root / "solutions" / "scale" / "mistakes.toml", MISTAKES)
    release(course_of(root), (), root / "assignments")
    return root


@pytest.fixture
def root(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "course"))


def course_of(root: Path):
    return load_course(find_course(root))


def refusal(root: Path) -> str:
    """The error of a release that must not be made; nothing may have been written."""
    before = contents(root / "assignments")
    with pytest.raises(GradeError) as caught:
        release(course_of(root), (), root / "assignments")
    assert contents(root / "assignments") == before and caught.value.exit_code == 6
    return str(caught.value)


# Sabotage: (file, old text, new text) ..., the place, the text found

SCALE, TESTS, PAGE, DEMO = "scale/scale.py", "scale/test_scale.py", "scale/README.md", "scale/demo_scale.py"
HELPER = '    """Normal entries."""\n'
SABOTAGE = {
    "end marker missing": ([(SCALE, "    return scaled_entries\n    # END SOLUTION\n", "    return scaled_entries\n")], "scale.py:17", "BEGIN SOLUTION"),
    "begin marker missing": ([(SCALE, "    # BEGIN SOLUTION\n", "")], "scale.py:12", "END SOLUTION"),
    "typo in a marker": ([(SCALE, "# BEGIN SOLUTION", "# BEGIN SOLUTON")], "scale.py:8", "SOLUTON"),
    "small letters in a marker": ([(SCALE, "# END SOLUTION", "# end solution")], "scale.py:13", "end solution"),
    "marker without a space": ([(SCALE, "# BEGIN SOLUTION", "#BEGIN SOLUTION")], "scale.py:8", "#BEGIN"),
    "marker behind code": ([(SCALE, "    return scaled_entries\n    # END SOLUTION", "    return scaled_entries  # END SOLUTION")],
                           "scale.py:12", "END SOLUTION"),
    "nested region": ([(SCALE, "    scaled_entries =", "    # BEGIN SOLUTION\n    scaled_entries =")], "scale.py:11", "nested"),
    "function without a region": ([(SCALE, "    # BEGIN SOLUTION\n    return float", "    return float"),
                                   (SCALE, "x))\n    # END SOLUTION\n", "x))\n")], "scale.py:16", "total"),
    "region that cuts a statement": ([(SCALE, "    # BEGIN SOLUTION\n    return float(np.einsum('nd->', x))\n    # END SOLUTION\n",
                                       "    return float(\n        # BEGIN SOLUTION\n        np.einsum('nd->', x)\n        # END SOLUTION\n    )\n")],
                                     "scale.py:19", "cuts a statement"),
    "answer outside its region": ([(SCALE, "# Q1. How", "Q1 = 41734\n# Q1. How")], "scale.py:23", "Q1"),
    "solution in a docstring": ([(SCALE, '"""Scaling: x (N, D).', '"""Scaling: x (N, D).\n\nscaled_entries = k  *  x\n')],
                                "scale.py:3", "scaled_entries = k * x"),
    "solution in a comment": ([(SCALE, "# Q1. How", "# total: float( np.einsum( 'nd->', x) )\n# Q1. How")], "scale.py:23", "np . einsum"),
    "comment of a solution": ([(SCALE, "the whole trick", "each entry grows by k"), (PAGE, "Multiply.", "Each entry... each entry grows by k!")],
                              "README.md:3", "each entry grows by k"),
    "solution in the handout": ([(PAGE, "Multiply.", "    return float(np.einsum('nd->', x))")], "README.md:3", "np . einsum"),
    "solution wrapped and quoted in the handout": ([(PAGE, "Multiply.", "> `scaled_entries`\n> `= k *`\n> `x`")], "README.md:4", "scaled_entries = k * x"),
    "solution in a demo": ([(DEMO, "print", "x = k = 2\nscaled_entries = k*x\nprint")], "demo_scale.py:2", "scaled_entries = k * x"),
    "solution in a public helper": ([(TESTS, HELPER, HELPER + "    answer = lambda x: float(np.einsum('nd->', x))\n")], "test_scale.py:13", "np . einsum"),
    "solution in a hint": ([("scale/mistakes.toml", "Try k = 1: what must come out?", "Write scaled_entries = k * x")],
                           "mistakes.toml:6", "scaled_entries = k * x"),
    "answer in the handout": ([(PAGE, "Multiply.", "Hint: Q1 = 41734")], "README.md:3", "Q1 = 41734"),
    "hidden constant in a public helper": ([(TESTS, HELPER, HELPER + "    shift = 271828.5\n")], "test_scale.py:13", "271828.5"),
    "hidden constant in a demo": ([(DEMO, "print", "x = 271_828.5\nprint")], "demo_scale.py:1", "271828.5"),
    "hidden seed in a public helper": ([(TESTS, "return rng.standard_normal(ODD_SIZES)", "return np.random.default_rng(77).normal(size=ODD_SIZES)"),
                                        (TESTS, HELPER, HELPER + "    rng = rng or np.random.default_rng(77)\n")], "test_scale.py:13", "77"),
    "hidden test named in the handout": ([(PAGE, "Multiply.", "See test_total_odd.")], "README.md:3", "test_total_odd"),
    "hidden test named in a public one": ([(TESTS, '"""The sum."""', '"""The sum, see test_total_odd."""')], "test_scale.py:51", "test_total_odd"),
    "secret in a fixture": ([(TESTS, HELPER, HELPER + f'    salt = "{SECRET}"\n')], "test_scale.py:13", SECRET),
    "secret in the handout": ([(PAGE, "Multiply.", f"({SECRET})")], "README.md:3", SECRET),
    "secret in the title of the course": ([("course.toml", 'title = "', f'title = "{SECRET} ')], "course.toml:2", SECRET),
    "path of the author's machine": ([(DEMO, "print", "open('/home/ada/solutions/scale.txt')\nprint")], "demo_scale.py:1", "/home/ada"),
    "solution imported by a public test": ([(TESTS, "import numpy as np\n", "import numpy as np\nfrom scale import total as answer\n"),
                                            (TESTS, HELPER, HELPER + "    answer(0)\n")], "test_scale.py:4", "scale"),
    "solution imported by its name": ([(TESTS, HELPER, HELPER + "    __import__('scale')\n")], "test_scale.py:13", "scale"),
    "star import in the tests": ([(TESTS, "import numpy as np\n", "import numpy as np\nfrom math import *\n")], "test_scale.py:4", "math"),
    "test that zeros pass": ([(TESTS, "    x = entries(rng, n=4)\n", "    x = np.zeros((4, 3))\n")], "test_scale.py:50", "zeros"),
    "reference that fails": ([(TESTS, "reference.total(x), names=\"sum\", atol=1e-12)\n\n\n@part", "1.0, names=\"sum\", atol=1e-12)\n\n\n@part")],
                             "test_scale.py:48", "test_total"),
}


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_a_sabotaged_source_is_refused_with_its_place(root, sabotage):
    edits, place, found = SABOTAGE[sabotage]
    for file, old, new in edits:
        replace_in(root / "solutions" / file, old, new)
    said = refusal(root)
    first = said.partition("\n")[0]
    assert place in first.rpartition(" @ ")[2], said
    assert found in said


@pytest.mark.parametrize("stray", ["scale.py.orig", "scale.py~", "scale.ipynb", "solution.md", ".#scale.py.txt/x", "scale.zip", "old/scale.py"])
def test_a_stray_file_is_refused_or_stays_behind(root, stray):
    write(root / "solutions" / "scale" / stray, "Q1 = 41734\n")
    if stray.startswith("."):
        release(course_of(root), (), root / "assignments")
        assert not any(b"41734" in data for data in contents(root / "assignments").values())
    else:
        assert f"solutions/scale/{stray.partition('/')[0]}" in refusal(root)


@pytest.mark.parametrize("value", [np.array(["Q1 = 41734"]), np.array([{"Q1": 41734}], dtype=object)], ids=["texts", "objects"])
def test_data_that_hold_more_than_numbers_are_refused(root, value):
    np.savez(root / "solutions" / "scale" / "data.npz", x=value)
    assert "solutions/scale/data.npz" in refusal(root)


def notebook(**cell) -> bytes:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None} | cell
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.mark.parametrize(("cell", "found"), [
    ({"outputs": [{"output_type": "stream", "name": "stdout", "text": "41734"}]}, "41734"), ({"execution_count": 3}, "3"),
    ({"metadata": {"execution": {"iopub.status.busy": "2031"}}}, "execution"), ({"source": "scaled_entries = k * x"}, "scaled_entries"),
    ({"source": ["see ", "test_total_odd"]}, "test_total_odd"), ({"source": SECRET}, "secret")])
def test_a_notebook_with_outputs_or_answers_is_refused(made, cell, found):
    source = material.load(course_of(made), "scale")
    files = make_exercise(source).files
    searching.search(source, files | {"scale.ipynb": notebook()}, recorded(source))
    with pytest.raises(CourseError, match="scale.ipynb:cell 1") as caught:
        searching.search(source, files | {"scale.ipynb": notebook(**cell)}, recorded(source))
    assert found in str(caught.value)


def test_a_line_that_may_be_shown_is_printed_with_its_reason(root):
    replace_in(root / "solutions" / PAGE, "Multiply.", "scaled_entries = k * x")
    replace_in(root / "solutions" / "scale" / "assignment.toml", "may_show = [",
               'may_show = [{line = "scaled_entries = k * x", reason = "the lecture has it"}, ')
    result = grade(root, "release", "scale")
    assert result.returncode == 0, result.stderr
    assert "shown on purpose, solutions/scale/README.md:3: scaled_entries = k * x (the lecture has it)" in result.stdout


def test_the_secret_may_never_be_shown(root):
    replace_in(root / "solutions" / PAGE, "Multiply.", SECRET)
    replace_in(root / "solutions" / "scale" / "assignment.toml", "may_show = [", f'may_show = [{{line = "{SECRET}", reason = "x"}}, ')
    assert SECRET in refusal(root)


# What the released folder tells


def test_the_released_folder_alone_names_the_misconceptions(made, tmp_path):
    home = shutil.copytree(made / "assignments", tmp_path / "home")
    write(tmp_path / "mine.py", ADDED)
    told = []
    for place, more in ((home, ()), (made, ("--tests", "public"))):
        report = json.loads(grade(place, "scale", "--file", str(tmp_path / "mine.py"), "--format", "json", *more).stdout)
        told.append([(d["mistakes"], d["certainty"], d["says"], d["hint"], d["tests"]) for d in report["diagnoses"]])
    assert told[0] == told[1]
    assert [names for names, *_ in told[0]] == [["added"], ["mean"]] and "multiply" in told[0][0][2]


def test_a_recording_tells_mistakes_by_public_items_and_not_how_they_are_made(made):
    expected = recording.read(made / "assignments" / "scale" / "scale.expected")
    assert [known.names for known in expected.known] == [("added",), ("mean",)]  # `large_only` shows in hidden tests alone
    assert all(key.partition("|")[0] in expected.items for known in expected.known for key in known.calls)
    assert all(known.statements == () for known in expected.known)
    assert expected.known[0].hint == ("What does twice as long mean for an entry of 3?", "Try k = 1: what must come out?")
    data = (made / "assignments" / "scale" / "scale.expected").read_bytes()
    assert b"k + x" not in data and b"x.mean()" not in data and b"large_only" not in data


# The same every time


def test_a_check_is_clean_after_a_release_and_names_what_drifted(root):
    clean = grade(root, "release", "--check")
    assert (clean.returncode, clean.stderr) == (0, "") and "is what a release of today would write" in clean.stdout
    before = contents(root / "assignments")
    replace_in(root / "solutions" / PAGE, "Multiply", "Stretch")
    replace_in(root / "solutions" / "scale" / "mistakes.toml", "You add k", "You added k")
    write(root / "assignments" / "scale" / "left.txt", "x")
    result = grade(root, "release", "--check")
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert any("scale/README.md: line 3 is `Multiply.`, released would be `Stretch.`" in line for line in lines)
    assert any("scale/scale.expected: the mistake added" in line for line in lines) and any("scale/left.txt: not of this release" in line for line in lines)
    (root / "assignments" / "scale" / "left.txt").unlink()
    assert contents(root / "assignments") == before


def test_a_recording_that_means_the_same_keeps_its_bytes(root):
    """As if made by another BLAS: values differ in the last place."""
    file = root / "assignments" / "scale" / "scale.expected"
    made = recording.read(file)

    def nudged(call):
        value = recording.unpack(call.value) if call.value else None
        return msgspec.structs.replace(call, value=recording.pack(np.nextafter(value, 9))) if isinstance(value, np.ndarray) else call

    items = {k: msgspec.structs.replace(i, student=tuple(map(nudged, i.student)), reference=tuple(map(nudged, i.reference))) for k, i in made.items.items()}
    other = recording.encode(msgspec.structs.replace(made, items=items))
    assert other != file.read_bytes()
    digests = (root / "assignments" / "course.toml").read_text()
    import hashlib

    replace_in(root / "assignments" / "course.toml", hashlib.sha256(file.read_bytes()).hexdigest(), hashlib.sha256(other).hexdigest())
    file.write_bytes(other)
    release(course_of(root), (), root / "assignments")
    assert file.read_bytes() == other
    assert grade(root, "release", "--check").returncode == 0
    assert grade(root / "assignments", "scale").returncode == 5
    assert digests != (root / "assignments" / "course.toml").read_text()


@pytest.mark.parametrize("change", ["value", "draw", "title", "says", "call"])
def test_a_recording_that_means_something_else_is_told_apart(made, change):
    old = recording.read(made / "assignments" / "scale" / "scale.expected")
    item = old.items["test_total"]
    call = item.student[0]
    items = {
        "value": msgspec.structs.replace(item, student=(msgspec.structs.replace(call, value=recording.pack(recording.unpack(call.value) * (1 + 1e-8))),)),
        "draw": msgspec.structs.replace(item, draws=((item.draws[0][0], recording.pack(recording.unpack(item.draws[0][1]) + 1e-6)),)),
        "call": msgspec.structs.replace(item, student=(call, call)),
    }
    new = msgspec.structs.replace(old, items=old.items | {"test_total": items[change]}) if change in items else old
    if change == "title":
        new = msgspec.structs.replace(old, table=(msgspec.structs.replace(old.table[0], title="x"), *old.table[1:]))
    if change == "says":
        new = msgspec.structs.replace(old, known=(msgspec.structs.replace(old.known[0], says="x"), *old.known[1:]))
    assert drift.difference(old, new) and not drift.difference(old, old)


def test_trees_and_zips_of_two_checkouts_are_equal(made, tmp_path):
    other = make_course(tmp_path / "else where" / "repo")
    for name in ("scale.py", "mistakes.toml"):
        shutil.copy(made / "solutions" / "scale" / name, other / "solutions" / "scale" / name)
    for file in other.rglob("*.*"):
        os.utime(file, (10**9, 10**9))
    zips = []
    for root, mask in ((made, 0o022), (other, 0o077)):
        code = f"import os, sys; os.umask({mask}); from grader.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
        words = ["release", "--to", str(tmp_path / f"tree{mask}"), "--zip", str(tmp_path / f"{mask}.zip")]
        subprocess.run([sys.executable, "-c", code, *words], cwd=root, check=True, capture_output=True)
        zips.append((tmp_path / f"{mask}.zip").read_bytes())
    assert contents(tmp_path / f"tree{0o022}") == contents(tmp_path / f"tree{0o077}")
    assert zips[0] == zips[1]
    with zipfile.ZipFile(tmp_path / f"{0o022}.zip") as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == contents(tmp_path / f"tree{0o022}")
    started = grade(tmp_path, "start", "mine", "--from", str(tmp_path / f"{0o022}.zip"))
    assert started.returncode == 0 and grade(tmp_path / "mine", "scale").returncode == 5


def test_an_archive_is_sorted_and_has_one_time_and_two_modes():
    data = zipped({"b": b"2", "a/x": b"1"}, programs=("b",))
    assert data == zipped({"a/x": b"1", "b": b"2"}, programs=["b"])
    import io

    entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [(e.filename, e.date_time[0], oct(e.external_attr >> 16)) for e in entries] == [("a/x", 1980, "0o100644"), ("b", 1980, "0o100755")]


def test_a_zip_of_one_exercise_holds_those_that_stay(root, tmp_path):
    assert grade(root, "release", "scale", "--zip", str(tmp_path / "all.zip")).returncode == 0
    names = zipfile.ZipFile(tmp_path / "all.zip").namelist()
    assert set(names) == set(contents(root / "assignments"))


def test_what_was_proven_is_not_proven_again_until_something_changes(root, monkeypatch):
    from grader.release import gate

    plan(course_of(root), ("scale",), root / "assignments")
    monkeypatch.setattr(gate, "_markings", lambda *a: pytest.fail("marked again"))
    plan(course_of(root), ("scale",), root / "assignments")
    replace_in(root / "solutions" / PAGE, "Multiply", "Stretch")
    with pytest.raises(pytest.fail.Exception):
        plan(course_of(root), ("scale",), root / "assignments")
