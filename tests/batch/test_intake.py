"""Who handed in what: one rule per layout, nothing guessed, nothing followed out of the folder."""

import datetime
import os
import stat
import subprocess
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.batch import gradescope
from grader.batch.intake import Exercise, Intake
from grader.batch.moments import of_timestamp
from grader.batch.run_folder import digest
from grader.batch.tree import MOST_BYTES, open_tree
from grader.errors import UsageError
from grader.gradebook.roster import Person, Roster
from grader.source.submission import MAX_NOTEBOOK_BYTES

SOURCE = "def double(x):\n    return 2 * x\n"
STUB = "def double(x):\n    raise NotImplementedError\n"
TOY = Exercise(slug="my-toy", functions=("double", "norm"), stubs=frozenset({digest(STUB.encode())}))


def write(root, files):
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def take(path, roster=(), attributed=None):
    people = Roster(people=tuple(roster), there=bool(roster))
    return Intake(open_tree(path), TOY, people, attributed or {})


def owners(intake):
    return {h.student: h.file for h in intake.hand_ins}


LAYOUTS = {
    "a file per student": ({"ada.py": SOURCE, "bob.ipynb": SOURCE}, {"ada": "ada.py", "bob": "bob.ipynb"}),
    "a folder per student": ({"ada/my_toy.py": SOURCE, "bob/whatever.py": SOURCE, "bob/numpy.py": "", "bob/pytest.ini": "", "ada/data.csv": ""},
                             {"ada": "ada/my_toy.py", "bob": "bob/whatever.py"}),
    "a folder in a folder": ({"submissions/ada/my_toy.py": SOURCE, "submissions/bob/x.py": SOURCE},
                             {"ada": "submissions/ada/my_toy.py", "bob": "submissions/bob/x.py"}),
    "one student's folder": ({"ada/my_toy.py": SOURCE}, {"ada": "ada/my_toy.py"}),
    "Canvas": ({"doejane_123_456_my_toy-2.py": SOURCE, "roebob_LATE_124_457_x.ipynb": SOURCE, "roebob_LATE_124_458_report.pdf": "x"},
               {"doejane_123": "doejane_123_456_my_toy-2.py", "roebob_124": "roebob_LATE_124_457_x.ipynb"}),
    "Moodle folders": ({"Jane Doe_123_assignsubmission_file_/my_toy.py": SOURCE, "Bob Roe_124_assignsubmission_file/a/b.py": SOURCE},
                       {"Jane Doe_123": "Jane Doe_123_assignsubmission_file_/my_toy.py", "Bob Roe_124": "Bob Roe_124_assignsubmission_file/a/b.py"}),
    "Moodle files": ({"Jane Doe_123_assignsubmission_file_my_toy.py": SOURCE, "Bob Roe_124_assignsubmission_file_x.py": SOURCE},
                     {"Jane Doe_123": "Jane Doe_123_assignsubmission_file_my_toy.py", "Bob Roe_124": "Bob Roe_124_assignsubmission_file_x.py"}),
    "nbgrader": ({"submitted/ada/my-toy/problem.ipynb": SOURCE, "submitted/ada/my-toy/timestamp.txt": "2026-11-20 15:58:23.948203 UTC",
                  "submitted/ada/other/problem.ipynb": SOURCE, "submitted/bob/my_toy/p.py": SOURCE, "submitted/bob/other/p.py": SOURCE, "gradebook.db": ""},
                 {"ada": "submitted/ada/my-toy/problem.ipynb", "bob": "submitted/bob/my_toy/p.py"}),
    "a stub beside the work": ({"ada/my_toy.py": STUB, "ada/my_toy.ipynb": SOURCE, "bob/my_toy.py": STUB},
                               {"ada": "ada/my_toy.ipynb", "bob": "bob/my_toy.py"}),
    "the exercise's own name": ({"ada/my_toy.py": SOURCE, "ada/old.py": SOURCE + "# old\n"}, {"ada": "ada/my_toy.py"}),
    "names that want to be options": ({"--help.py": SOURCE, "$(touch x).py": SOURCE}, {"--help": "--help.py", "$(touch x)": "$(touch x).py"}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path, name):
    files, expected = LAYOUTS[name]
    assert owners(take(write(tmp_path, files))) == expected


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_zip_is_read_like_its_folder(tmp_path, name):
    files, expected = LAYOUTS[name]
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    assert owners(take(tmp_path / "class.zip")) == expected


def test_gradescope_groups_and_times(tmp_path):
    metadata = """---
submission_1:
  :submitters:
  - :name: Ada
    :sid: '7'
    :email: ada@x.org
  - :name: Bob
    :sid: ''
    :email: bob@x.org
  :created_at: 2026-11-20 15:55:13.103466000 Z
  :score: 0.0
submission_2:
  :submitters: []
"""
    write(tmp_path, {"assignment_9_export/submission_metadata.yml": metadata, "assignment_9_export/submission_1/x.py": SOURCE,
                     "assignment_9_export/submission_2/x.py": SOURCE, "assignment_9_export/submission_3/x.py": SOURCE})
    taken = take(tmp_path)
    assert owners(taken) == {"7": "assignment_9_export/submission_1/x.py", "bob@x.org": "assignment_9_export/submission_1/x.py"}
    assert {h.at for h in taken.hand_ins} == {"2026-11-20T15:55:13.103466+00:00"}
    assert len(taken.unowned) == 2
    roster = [Person(student="ada", email="ada@x.org"), Person(student="bob", email="bob@x.org")]
    assert set(owners(take(tmp_path, roster))) == {"ada", "bob"}
    for text, reason in (("!!python/object/apply:os.system ['touch x']", "names no submissions"), ("a: [", "cannot be read")):
        (tmp_path / "assignment_9_export" / "submission_metadata.yml").write_text(text)
        with pytest.raises(UsageError, match=reason):
            take(tmp_path)


def test_numbers_of_students_in_gradescopes_export_stay_as_they_are_written(tmp_path):
    people = "".join(f"submission_{k}:\n  :submitters:\n  - :name: Ada {k}\n    :sid: {sid}\n  :created_at: {at}\n"
                     for k, (sid, at) in enumerate([("0017", "2026-11-20 15:55:13 +0100"), ("1_000", "2026-02-30 10:00:00 Z"), ("~", "!!timestamp no"), ("12:30", "2026-11-20")]))
    write(tmp_path, {"export/submission_metadata.yml": people, **{f"export/submission_{k}/x.py": SOURCE + f"# {k}\n" for k in range(4)}})
    taken = take(tmp_path)
    assert {h.student: h.at for h in taken.hand_ins} == {"0017": "2026-11-20T15:55:13+01:00", "1_000": None, "Ada 2": None, "12:30": None}


@pytest.mark.parametrize("text", ["2026-13-01 10:00:00 UTC", "2026-11-20 25:00:00", "2026-11-20 10:00:00 +99:99", "2026-11-20 10:00:00 Nowhere/Else", "yesterday", "", "\0"])
def test_a_time_that_is_none_is_unknown(text):
    assert of_timestamp(text.encode()) is None


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_metadata_of_gradescope_is_a_fault_of_ours(raw):
    try:
        list(gradescope.claims(raw, ["export/submission_1/lstm.py"], "export/"))
    except UsageError as error:
        assert "export" in str(error)


def test_times(tmp_path):
    assert of_timestamp(b"2026-11-20 15:58:23 UTC\n") == "2026-11-20T15:58:23+00:00"
    assert of_timestamp(b"2026-11-20 15:58:23.9 +0130").startswith("2026-11-20T15:58:23.900000+01:30")
    assert of_timestamp(b"yesterday") is None and of_timestamp(b"2026-11-20 15:58:23 ../../etc/passwd") is None


def test_github_clones_take_the_commits_time_and_run_nothing(tmp_path):
    clone = write(tmp_path, {"my-toy-octocat/my_toy.py": SOURCE, "my-toy-octocat/solutions/x.txt": ""}) / "my-toy-octocat"
    git = ["git", "-c", "user.name=o", "-c", "user.email=o@x", "-C", str(clone)]
    stamp = {**os.environ, "GIT_COMMITTER_DATE": "2026-11-20T12:00:00+0100", "GIT_AUTHOR_DATE": "2020-01-01T00:00:00+0000"}
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True, env=stamp)
    with (clone / ".git" / "config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = touch {tmp_path}/ran\n\tpager = touch {tmp_path}/ran\n[log]\n\tshowSignature = true\n[gpg]\n\tprogram = touch {tmp_path}/ran\n")
    (hand_in,) = take(tmp_path, [Person(student="octo", github="octocat")]).hand_ins
    assert (hand_in.student, hand_in.file) == ("octo", "my-toy-octocat/my_toy.py")
    assert datetime.datetime.fromisoformat(hand_in.at) == datetime.datetime(2026, 11, 20, 11, tzinfo=datetime.UTC)
    assert not (tmp_path / "ran").exists()


def test_a_roster_knows_people_by_every_name(tmp_path):
    roster = [Person(student="ada", name="Ada Lovelace", email="ada@x.org", sis_id="s1", github="al"), Person(student="bob", name="Bob van Dyk", group="g1"),
              Person(student="cy", group="g1"), Person(student="eve", others={"canvas_id": "77"})]
    files = {"lovelaceada_1_2_x.py": SOURCE, "vandykbob_3_4_x.py": SOURCE, "x_77_5_x.py": SOURCE, "stranger_9_9_x.py": SOURCE}
    taken = take(write(tmp_path / "a", files), roster)
    assert owners(taken) == {"ada": "lovelaceada_1_2_x.py", "bob": "vandykbob_3_4_x.py", "eve": "x_77_5_x.py"}
    assert [u.path for u in taken.unowned] == ["stranger_9_9_x.py"] and "roster" in taken.unowned[0].reason
    assert set(owners(take(write(tmp_path / "b", {"g1.py": SOURCE, "S1.py": SOURCE}), roster))) == {"bob", "cy", "ada"}


def test_what_fits_two_readings_is_listed(tmp_path):
    files = {"ada/my_toy.py": SOURCE, "ada/my_toy.ipynb": SOURCE + "#", "bob/a.py": SOURCE, "bob/b.py": SOURCE + "#", "cy/a.py": "x = 1", "cy/b.py": "",
             "eve/report.pdf": "", "dan/x.py": SOURCE}
    taken = take(write(tmp_path, files))
    assert owners(taken) == {"dan": "dan/x.py"}
    assert {u.path: u.reason.split(";")[0] for u in taken.unowned} == {
        "ada": "2 files could count (my_toy.ipynb, my_toy.py)", "bob": "2 files could count (a.py, b.py)",
        "cy": "none of 2 files defines a function of my-toy", "eve": "holds no .py or .ipynb file"}
    attributed = take(tmp_path, attributed={"ada/my_toy.py": "ada", "bob/b.py": "bob"})
    assert {s: f for s, f in owners(attributed).items() if s in ("ada", "bob")} == {"ada": "ada/my_toy.py", "bob": "bob/b.py"}


def test_two_hand_ins_of_one_student_are_listed_unless_equal(tmp_path):
    roster = [Person(student="ada", name="Ada Lovelace"), Person(student="bob", name="Bob Roe")]
    files = {"adalovelace_1_2_x.py": SOURCE, "ada.py": SOURCE + "#", "bob.py": SOURCE, "roebob_4_5_x.py": SOURCE}
    taken = take(write(tmp_path, files), roster)
    assert owners(taken) == {"bob": "bob.py"} and {u.path for u in taken.unowned} == {"adalovelace_1_2_x.py", "ada.py"}


def test_hostile_folders(tmp_path):
    root = write(tmp_path / "in", {"ada.py": SOURCE, ".hidden/x.py": SOURCE, "__MACOSX/y.py": SOURCE, "odd\n::error::\x1b[31m.py": SOURCE, "x" * 200 + ".py": SOURCE})
    (root / os.fsdecode(b"latin\xe9.py")).write_text(SOURCE)
    os.symlink(tmp_path, root / "loop")
    os.symlink("/dev/zero", root / "zero.py")
    os.mkfifo(root / "pipe.py")
    taken = take(root)
    assert set(owners(taken)) == {"ada", "odd\\n::error::\\x1b[31m", "latin\\udce9", "x" * 200}
    assert {u.path for u in taken.unowned} == {"loop", "zero.py", "pipe.py"}


def test_as_much_is_read_as_a_submission_may_have():
    assert MOST_BYTES == MAX_NOTEBOOK_BYTES


def test_hostile_zips(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.py", SOURCE)
        for name in ("../evil.py", "/abs.py", "a/../../b.py", "C:\\x.py"):
            archive.writestr(name, SOURCE)
        link = zipfile.ZipInfo("link.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning):
            archive.writestr("twice.py", SOURCE)
            archive.writestr("twice.py", SOURCE)
        archive.writestr("bomb.py", b"#" * (40 << 20))
    taken = take(tmp_path / "z.zip")
    assert set(owners(taken)) == {"ada", "bomb"}  # the bomb is read as far as a submission may be long, and refused by the lane
    assert len(taken.read(next(h for h in taken.hand_ins if h.student == "bomb"))) == (32 << 20) + 1
    reasons = {u.path: u.reason for u in taken.unowned}
    assert {"../evil.py", "/abs.py", "a/../../b.py", "link.py", "twice.py"} <= set(reasons) and len(reasons) == 6
    data = bytearray((tmp_path / "z.zip").read_bytes())
    data[40:60] = b"\xff" * 20
    (tmp_path / "broken.zip").write_bytes(data)
    assert "ada" not in owners(take(tmp_path / "broken.zip"))
    assert list(tmp_path.iterdir()) and not (tmp_path.parent / "evil.py").exists()
