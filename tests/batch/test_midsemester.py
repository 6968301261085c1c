"""One semester's troubles through the real command, and what Canvas, Moodle, CI and students get of it."""

import csv
import io
import os
import re
import shutil
import subprocess

import pytest

from tests import toy
from tests.batch import strict_readers
from tests.batch.running import grade, manifest, reports

LEVEL = ("--sandbox", "available")
ROSTER = """student,name,email,sis_id,canvas_id
ada,Ada Lovelace,ada@x.org,s1,101
bob,Bob Roe,bob@x.org,s2,102
cy,"=cmd|' /C calc'!A0",cy@x.org,s3,103
dan,Dan Doe,dan@x.org,s4,104
eve,Eve Moe,eve@x.org,s5,105
"""
COURSE = """title = "Toys"
secret = "s3cret"
due = {toy = 2026-11-20T12:00:00Z}
grace = "1h"
late_percent_per_day = 10
[[assignments]]
slug = "toy"
"""
WRONG_REFERENCE = toy.REFERENCE.replace("np.sqrt((x * x).sum())", "(x * x).sum()")
WRONG_TEST = toy.TESTS + '''

@part("norm")
def test_nonsense(student, reference, rng):
    """A test that is wrong."""
    assert_close(student.norm(rng.standard_normal((2, 2))) + 1.0, reference.norm(rng.standard_normal((2, 2))), names="norm")
'''
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Toy (555),Other (556)
    Points Possible,,,,,20,10
"Lovelace, Ada",101,s1,ada,A,,7
"Roe, Bob",102,s2,bob,A,,7
"=cmd|' /C calc'!A0",103,s3,cy,A,,7
"Doe, Dan",104,s4,dan,A,3,7
"Moe, Eve",105,s5,eve,A,,7
"""
TITLES, PEOPLE = {"555": "Toy", "556": "Other"}, {"101": "ada", "102": "bob", "103": "cy", "104": "dan", "105": "eve"}


@pytest.fixture(scope="module")
def semester(tmp_path_factory):
    """Marked with a reference that is wrong, then mended, regraded, adjusted."""
    root = toy.course(tmp_path_factory.mktemp("course"), reference=WRONG_REFERENCE)
    (root / "solutions" / "course.toml").write_text(COURSE)
    (root / "solutions" / "roster.csv").write_text(ROSTER)
    folder = root / "download"
    folder.mkdir()
    (folder / "lovelaceada_101_9001_toy.py").write_text(toy.HONEST)
    (folder / "roebob_LATE_102_9002_toy-1.py").write_text("def double(x):\n    return 2 * x\n\ndef norm(x):\n    return (x * x).sum()\n")
    (folder / "cycy_103_9003_toy.py").write_text(toy.HONEST.replace("x + x", "x * 3").replace("return np", 'print("<script>alert(1)</script>\x1b[31m")\n    return np'))
    (folder / "Untitled(3).ipynb").write_text('{"cells": [{"cell_type": "code", "source": ' + repr(toy.HONEST).replace("'", '"')
                                              + ', "metadata": {}, "outputs": [], "execution_count": null}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    run = root / "run"
    first = grade(root, "batch", "toy", folder, "--to", run, "-j", 2, *LEVEL, status=1)
    assert "Untitled(3).ipynb" in first.stderr and {u["path"] for u in manifest(run)["unowned"]} == {"Untitled(3).ipynb"}
    before = {name: r["score"] for name, r in reports(run).items()}
    assert before["ada"] < before["bob"]

    adjustments = root / "solutions" / "adjustments.csv"
    adjustments.write_text("student,assignment,kind,value,by,why\neve,toy,attribute,Untitled(3).ipynb,ta,asked her\n")
    early = grade(root, "report", run, status=6)
    assert "--resume" in early.stderr and "adjustments.csv:2" in early.stderr
    grade(root, "batch", "toy", folder, "--to", run, "-j", 2, "--resume", *LEVEL)
    assert set(reports(run)) == {"ada", "bob", "cy", "eve"} and manifest(run)["unowned"] == []

    (root / "solutions" / "toy" / "toy.py").write_text(toy.REFERENCE)
    raw = (run / "reports.jsonl").read_bytes()
    shown = grade(root, "regrade", run)
    assert (run / "reports.jsonl").read_bytes() == raw and "--accept" in shown.stdout
    assert re.search(rf"ada: {before['ada']:g} -> 100", shown.stdout) and re.search(rf"bob: {before['bob']:g} -> 50", shown.stdout)
    grade(root, "regrade", run, "--accept")
    assert (run / "reports.before-1.jsonl").read_bytes() == raw and not (run / "regrade").exists()
    again = grade(root, "regrade", run)
    assert "0 marked again, 4 not affected" in again.stdout

    hidden = "test_double_hidden"
    with adjustments.open("a") as rows:
        rows.write(f"*,toy,void,{hidden},prof,was wrong\nbob,toy,extension,2d,prof,ill\nbob,toy,comment,<b>Nice</b> loops.,ta,\n"
                   "dan,toy,excuse,,prof,exchange year\nada,toy,points,+2,ta,style\n")
    return root


def exported(root, *arguments):
    file = root / "out.txt"
    result = grade(root, "export", root / "run", *arguments, "-o", file)
    return file.read_text(), result.stderr


def test_canvas_gets_every_adjustment_and_raw_marks_stay(semester):
    (semester / "gradebook.csv").write_text(CANVAS)
    text, said = exported(semester, "--format", "canvas", "--gradebook", semester / "gradebook.csv", "--column", "Toy")
    marks = strict_readers.canvas(text, TITLES, PEOPLE)
    assert marks == {"Toy": {"101": 20.4, "102": 10.0, "103": 8.33, "104": "EX", "105": 20.0}}
    assert "'=cmd" in text and said.startswith("toy: late penalties included (10 % per started day)") and "scaled" in said
    assert {name: r["score"] for name, r in reports(semester / "run").items()} == {"ada": 100, "bob": 50, "cy": 25, "eve": 100}
    for title in ("Toi", "Toy (5)"):
        refused = grade(semester, "export", semester / "run", "--format", "canvas", "--gradebook", semester / "gradebook.csv", "--column", title, status=2)
        assert "no column" in refused.stderr and "'Toy (555)'" in refused.stderr
    (semester / "other.csv").write_text("Name,Mark\n")
    assert "none of Canvas" in grade(semester, "export", semester / "run", "--format", "canvas", "--gradebook", semester / "other.csv", "--column", "Toy", status=2).stderr


def test_csv_explains_everything(semester):
    text, _ = exported(semester, "--format", "csv")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(text), strict=True)}
    score = "score (late penalties included (10 % per started day))"
    assert text.startswith("student,name,email,sis_id,section,score (late penalties included")
    assert (rows["ada"][score], rows["ada"]["raw"], rows["ada"]["adjustments"]) == ("102", "100", "points: +2 (ta: style)")
    assert rows["dan"][score] == "" and rows["dan"]["state"] == "excused" and rows["cy"]["name"].startswith("'=cmd")
    assert "a test did not count" in rows["cy"]["adjustments"] and rows["cy"]["part: double"] == "0"


def test_the_class_view_and_an_appeal(semester):
    page = grade(semester, "report", semester / "run").stdout
    assert "5 students" in page and "1 excused" in page and "constant_factor" in page and "\x1b" not in page
    appeal = grade(semester, "report", semester / "run", "cy", "--width", 88).stdout
    assert "raw 25" in appeal and "test_double_hidden" in appeal and "was wrong" in appeal and "\x1b[31m" not in appeal
    assert "did you mean 'ada'" in grade(semester, "report", semester / "run", "adda", status=2).stderr
    shutil.copy(semester / "run" / "gradebook.sqlite", semester / "copy.sqlite")
    os.unlink(semester / "run" / "gradebook.sqlite")
    assert grade(semester, "report", semester / "run").stdout == page and (semester / "run" / "gradebook.sqlite").is_file()


def test_junit_and_markdown(semester):
    junitparser = pytest.importorskip("junitparser")
    text, _ = exported(semester, "--format", "junit")
    suites = {suite.name: suite for suite in junitparser.JUnitXml.fromstring(text.encode())}
    assert set(suites) == {"ada", "bob", "cy", "eve"} and suites["ada"].tests == 5 and suites["ada"].failures == 0
    failed = [case for case in suites["cy"] if case.result and isinstance(case.result[0], junitparser.Failure)]
    assert failed and all(case.result[0].text for case in failed) and len({case.name for case in suites["cy"]}) == 5
    text, _ = exported(semester, "--format", "markdown")
    assert text.startswith("# Toy: 5 students, late penalties included") and "<script>" not in text and "| Ada Lovelace | 102 | 100 |" in text


def test_feedback_pages_are_for_students_only_and_harmless(semester):
    grade(semester, "export", semester / "run", "--format", "feedback", "--to", semester / "fb")
    names = sorted(p.name for p in (semester / "fb").iterdir())
    pages = {name: (semester / "fb" / name).read_text() for name in names}
    of = {strict_readers.canvas_comment(name): name for name in names if name.endswith(".html") and strict_readers.canvas_comment(name)[0]}
    assert set(of) == {("101", "9001"), ("102", "9002"), ("103", "9003")} and {"dan.html", "eve.html", "dan.txt"} <= set(names)
    bob, cy = pages[of["102", "9002"]], pages[of["103", "9003"]]
    assert "&lt;b&gt;Nice&lt;/b&gt; loops." in bob and "more time: 2d (prof: ill)" in bob and "excused (prof: exchange year)" in pages["dan.html"]
    assert "<script" not in cy and "\x1b" not in cy and "1.5 times" in cy
    assert not any("test_double_hidden" in page for page in pages.values())
    for name, page in pages.items():
        if name.endswith(".html"):
            text = pages[name.removesuffix(".html") + ".txt"]
            assert [page.partition("<h2>Tests")[0].count(sign) for sign in ("✓ ok", "✗ fails", "· waits")] == [text.count(sign) for sign in ("✓ ok", "✗ FAIL", "· wait")], name
            assert "http://" not in page and "https://" not in page and page.count("<html") == 1 and "s3cret" not in page


def test_feedback_in_a_browser(semester):
    """Opened for real: the page draws, and its text is what the file says."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("needs chromium")
    grade(semester, "export", semester / "run", "--format", "feedback", "--to", semester / "seen")
    file = next((semester / "seen").glob("*_103_*.html"))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={semester / 'profile'}"]
    dom = subprocess.run([*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120).stdout
    assert "What is behind it" in dom and "<script" not in dom
    subprocess.run([*command, f"--screenshot={semester / 'page.png'}", "--window-size=900,1400", file.as_uri()], capture_output=True, timeout=120)
    assert (semester / "page.png").stat().st_size > 10_000


def test_pseudonyms_lead_back_only_by_the_key(semester):
    key = semester / "key.csv"
    text, _ = exported(semester, "--format", "csv", "--anonymous", key)
    assert not re.search(r"\bada|lovelace|bob|\beve\b|x\.org|9001|Untitled", text, re.IGNORECASE) and text.count("student-000") == 5
    assert key.stat().st_mode & 0o077 == 0
    again, _ = exported(semester, "--format", "csv", "--anonymous", key)
    assert again == text
    grade(semester, "export", semester / "run", "--format", "feedback", "--to", semester / "hidden", "--anonymous", key)
    pages = "".join(p.name + p.read_text() for p in (semester / "hidden").iterdir())
    assert not re.search("lovelace|9001|Untitled|=cmd", pages, re.IGNORECASE)
    assert "must find its students" in grade(semester, "export", semester / "run", "--format", "canvas", "--gradebook", key, "--column", "x",
                                             "--anonymous", key, status=2).stderr


def test_a_wrong_test_never_takes_a_good_mark_by_fault(semester, tmp_path):
    """The tests break after the run: `regrade` shows it, and `--accept` keeps the good marks."""
    root = tmp_path / "course"
    shutil.copytree(semester, root, ignore=shutil.ignore_patterns(".grade", "fb", "seen", "profile"))
    tests = root / "solutions" / "toy" / "test_toy.py"
    tests.write_text(tests.read_text() + "\n\n# a comment changes nothing\n")
    assert "0 marked again, 4 not affected" in grade(root, "regrade", root / "run").stdout
    tests.write_text(toy.TESTS.replace('"""The length of all entries."""', '"""The length of all entries."""\n    if float(student.norm(np.ones((2, 2)))) < 3: raise KeyError("x")'))
    before = {name: r["score"] for name, r in reports(root / "run").items()}
    result = grade(root, "regrade", root / "run", "--accept", status=None)
    after = {name: r["score"] for name, r in reports(root / "run").items()}
    assert result.returncode == 6 and after == before, result.stdout


def test_moodle_worksheet(tmp_path):
    root = toy.course(tmp_path / "course")
    place = root / "in" / "Ada Lovelace_7001_assignsubmission_file_"
    place.mkdir(parents=True)
    (place / "toy.py").write_text(toy.HONEST)
    (root / "in" / "Bob Roe_7002_assignsubmission_file_toy.py").write_text("def double(x):\n    return 2 * x\n")
    grade(root, "batch", "toy", root / "in", "--to", root / "run", "-j", 1, *LEVEL)
    (root / "solutions" / "adjustments.csv").write_text("student,assignment,kind,value,by,why\nAda Lovelace_7001,toy,comment,Fine.,ta,\n")
    sheet = ("Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments\n"
             + "".join(f"Participant {n},{name},{n}@x.org,Submitted,,50.00,{may},-,-,\n" for n, name, may in
                       ((7001, "Ada Lovelace", "Yes"), (7002, "Bob Roe", "Yes"), (7003, "Cy", "Yes"))))
    (root / "sheet.csv").write_text("\ufeff" + sheet)
    text, _ = exported(root, "--format", "moodle", "--gradebook", root / "sheet.csv")
    assert strict_readers.moodle(text, {"7001": "", "7002": "", "7003": ""}, 50) == {"7001": (50.0, "Fine. (ta)"), "7002": (25.0, ""), "7003": (None, "")}
    grade(root, "export", root / "run", "--format", "feedback", "--to", root / "fb")
    assert {strict_readers.feedback_owner(p.name, {"7001", "7002"}) for p in (root / "fb").iterdir()} == {"7001", "7002"}
    german = sheet.replace("Identifier", "ID").replace("Grade,M", "Bewertung,M").replace("Participant", "Teilnehmer/in")
    (root / "sheet.csv").write_text(german)
    text, _ = exported(root, "--format", "moodle", "--gradebook", root / "sheet.csv", "--column", "Bewertung")
    assert ",50.00,50.00," in text
    assert "--column" in grade(root, "export", root / "run", "--format", "moodle", "--gradebook", root / "sheet.csv", status=2).stderr
