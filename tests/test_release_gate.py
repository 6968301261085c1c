"""What is released judges by itself, tells what it should and no more, and is the same every time."""

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

from grader.course.course import find_course, load_course
from grader.errors import GradeError
from grader.record import recording
from grader.release import drift, lessons
from grader.release.archive import zipped
from grader.release.release import plan, release
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


# What may be shown


def test_a_line_that_may_be_shown_is_printed_with_its_reason(root):
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply.", "scaled_entries = k * x")
    replace_in(root / "solutions" / "scale" / "assignment.toml", "may_show = [",
               'may_show = [{line = "scaled_entries = k * x", reason = "the lecture has it"}, ')
    result = grade(root, "release", "scale")
    assert result.returncode == 0, result.stderr
    assert "shown on purpose, solutions/scale/README.md:3: scaled_entries = k * x (the lecture has it)" in result.stdout


def test_the_secret_may_never_be_shown(root):
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply.", SECRET)
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


@pytest.mark.parametrize("lost", ["one", "answers"])
def test_a_release_that_would_tell_a_mistake_otherwise_than_solutions_do_is_refused(root, monkeypatch, lost):
    told = lessons.told
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply", "Stretch")  # not what was proven before

    def short(learned, public):
        first, *others = told(learned, public)
        return tuple(others) if lost == "one" else (msgspec.structs.replace(first, calls=dict(list(first.calls.items())[:1])), *others)

    monkeypatch.setattr(lessons, "told", short)
    assert "with the release alone the mistake added is told as" in refusal(root)


# The same every time


def test_a_check_is_clean_after_a_release_and_names_what_drifted(root):
    clean = grade(root, "release", "--check")
    assert (clean.returncode, clean.stderr) == (0, "") and "is what a release of today would write" in clean.stdout
    before = contents(root / "assignments")
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply", "Stretch")
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
    replace_in(root / "solutions" / "scale" / "README.md", "Multiply", "Stretch")
    with pytest.raises(pytest.fail.Exception):
        plan(course_of(root), ("scale",), root / "assignments")
