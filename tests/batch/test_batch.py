"""`grade batch` on a small class: nothing lost, nothing twice, everybody pays for himself only."""

import json
import os
import random
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.batch.lanes import processors_for
from grader.batch.marking import Request, batch
from grader.batch.run_folder import Options, RunFolder
from grader.course.course import find_course, load_course
from grader.errors import GradeError, UsageError
from grader.gradebook.book import read_book
from grader.render.json import to_json
from tests import toy
from tests.batch.running import (
    descendants,
    gone,
    grade,
    lanes_of,
    machinery,
    manifest,
    reports,
    start,
    timeless,
    wait_for_lines,
)

ROOT = Path(__file__).resolve().parents[2]
LEVEL = ("--sandbox", "available")  # fast everywhere; one test marks at the default
WRONG = "def double(x):\n    return 3.0 * x\ndef norm(x):\n    return float((x * x).sum() ** 0.5)\n"
LOOP = "def double(x):\n    while True: pass\ndef norm(x):\n    return 1.0\n"
CRASH = "import os\ndef double(x):\n    os._exit(0)\ndef norm(x):\n    return 1.0\n"


class Silent:
    def preparing(self, slug): pass
    def begin(self, total, done): self.total, self.done = total, done
    def marked(self, verdict): pass
    def end(self): pass


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("course"), settings=toy.SETTINGS.replace("deadline_s = 1.0", "deadline_s = 0.5"))


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    """A class of 24: right, wrong, hostile, unreadable, and four who share a file."""
    folder = tmp_path_factory.mktemp("class")
    for k in range(12):
        (folder / f"right{k:02}.py").write_text(toy.HONEST + f"# {k}\n")
    for k in range(4):
        (folder / f"wrong{k}.py").write_text(WRONG + f"# {k}\n")
        (folder / f"same{k}.py").write_text(WRONG + "# together\n")
    (folder / "loop.py").write_text(LOOP)
    (folder / "crash.py").write_text(CRASH)
    (folder / "empty.py").write_text("")
    (folder / "utf16.py").write_bytes(toy.HONEST.encode("utf-16"))
    return folder


@pytest.fixture(scope="module")
def lasting(submissions, tmp_path_factory):
    """The same class, and at its end six who keep the two lanes busy while a test disturbs them."""
    folder = tmp_path_factory.mktemp("lasting") / "in"
    shutil.copytree(submissions, folder)
    for k in range(6):
        (folder / f"zoe{k}.py").write_text(LOOP + f"# {k}\n")
    return folder


@pytest.fixture(scope="module")
def undisturbed_lasting(root, lasting, tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "run"
    grade(root, "batch", "toy", lasting, "--to", run, "-j", 2, *LEVEL)
    return run


@pytest.fixture(scope="module")
def undisturbed(root, submissions, tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "run"
    grade(root, "batch", "toy", submissions, "--to", run, "-j", 2, *LEVEL)
    return run


def request(root, submissions, run, command=None, **more):
    from grader.cli.marker import LANE

    return Request(course=load_course(find_course(root)), slug="toy", submissions=submissions, run=run, lanes=more.pop("lanes", 2),
                   command=command or LANE, options=Options(level="available", timeout_scale=1.0, shard=more.pop("shard", None)), **more)


def test_everybody_gets_a_report_and_the_verdict_that_is_due(undisturbed):
    found = reports(undisturbed)
    assert len(found) == 24
    due = {"right": "passed", "wrong": "failed", "same": "failed", "loop": "stopped", "crash": "stopped", "empty": "not_loaded", "utf16": "not_loaded"}
    assert {name: r["verdict"] for name, r in found.items()} == {name: due[name.rstrip("0123456789") if name != "utf16" else name] for name in found}
    assert {r["score"] for name, r in found.items() if name.startswith("right")} == {100}
    assert "UTF-16" in found["utf16"]["remarks"][0]["text"] and found["utf16"]["max_score"] == 100


def test_the_run_is_self_contained(undisturbed):
    said = manifest(undisturbed)
    assert said["state"] == "complete" and sum(said["counts"].values()) == 24 and said["unowned"] == []
    for report in reports(undisturbed).values():
        known = report["submission"]
        assert (undisturbed / "sources" / f"{known['sha256']}.{known['kind']}").is_file()


def test_equal_files_are_marked_once(root, submissions, tmp_path):
    summary = batch(request(root, submissions, tmp_path / "run"), to_json, Silent())
    assert sum(summary.counts.values()) == 24 and summary.marked == 21 and summary.lanes_started == 2
    same = [r for name, r in reports(tmp_path / "run").items() if name.startswith("same")]
    assert len({r["submission"]["file"] for r in same}) == 4 and len({json.dumps(r["tests"]) for r in same}) == 1


def test_the_default_is_the_strict_sandbox(root, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.py").write_text(toy.HONEST)
    grade(root, "batch", "toy", tmp_path / "in", "--to", tmp_path / "run", "-j", 1)
    assert reports(tmp_path / "run")["ada"]["sandbox"] == {"level": "strict", "missing": []}


def test_a_lane_that_dies_costs_one_retry_then_the_submission_is_ungraded(root, submissions, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(submissions, folder)
    (folder / "once.py").write_text(toy.HONEST + f"# lane dies once {tmp_path}/died\n")
    (folder / "always.py").write_text(toy.HONEST + "# lane dies\n")
    command = (sys.executable, str(ROOT / "tests" / "batch" / "dying_lane.py"))
    summary = batch(request(root, folder, tmp_path / "run", command), to_json, Silent())
    found = reports(tmp_path / "run")
    assert found["once"]["verdict"] == "passed" and found["always"]["verdict"] == "ungraded"
    assert {t["verdict"] for t in found["always"]["tests"]} == {"ungraded"} and len(found) == 26
    assert 4 <= summary.lanes_started <= 5


def test_a_lane_that_cannot_start_stops_the_batch_with_its_reason(root, submissions, tmp_path):
    with pytest.raises(GradeError, match="no such thing|could not be started"):
        batch(request(root, submissions, tmp_path / "run", (sys.executable, "-c", "raise SystemExit('no such thing')")), to_json, Silent())


def test_kill_9_of_the_batch_loses_nothing_and_nothing_is_marked_twice(root, lasting, undisturbed_lasting, tmp_path):
    run = tmp_path / "run"
    process = start(root, "batch", "toy", lasting, "--to", run, "-j", 2, *LEVEL)
    wait_for_lines(run, 5, process)
    others = descendants(process.pid)
    process.kill()
    process.communicate()
    assert len(others) >= 3 and gone(others)
    before = (run / "reports.jsonl").read_bytes()
    assert 5 <= before.count(b"\n") < 30
    with (run / "reports.jsonl").open("ab") as file:
        file.write(b'{"schema": "grade/report/v1", "torn')  # as a power cut leaves it
    grade(root, "batch", "toy", lasting, "--to", run, "-j", 2, "--resume", *LEVEL)
    assert (run / "reports.jsonl").read_bytes().startswith(before)
    assert timeless(run) == timeless(undisturbed_lasting)


def test_kill_9_of_any_other_process_changes_no_mark(root, lasting, undisturbed_lasting, tmp_path):
    run, chance = tmp_path / "run", random.Random(7)
    process = start(root, "batch", "toy", lasting, "--to", run, "-j", 2, *LEVEL)
    for n in (2, 5, 8, 11):
        wait_for_lines(run, n, process)
        if victims := machinery(process.pid):
            os.kill(chance.choice(victims), signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert timeless(run) == timeless(undisturbed_lasting)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupt_keeps_what_is_finished(root, lasting, undisturbed_lasting, tmp_path, number):
    run = tmp_path / "run"
    process = start(root, "batch", "toy", lasting, "--to", run, "-j", 2, *LEVEL)
    wait_for_lines(run, 3, process)
    others = descendants(process.pid)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in err and gone(others, 5)
    assert manifest(run)["state"] == "stopped" and len(reports(run)) >= 3
    if number == signal.SIGINT:
        grade(root, "batch", "toy", lasting, "--to", run, "-j", 2, "--resume", *LEVEL)
        assert timeless(run) == timeless(undisturbed_lasting)


def test_shards_merged_equal_one_run(root, submissions, undisturbed, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: batch(request(root, submissions, tmp_path / f"s{k}", lanes=1, shard=(k, 4)), to_json, Silent()), (1, 2, 3, 4)))
    grade(root, "merge", *(tmp_path / f"s{k}" for k in (3, 1, 4, 2)), "--to", tmp_path / "merged")
    assert timeless(tmp_path / "merged") == timeless(undisturbed)
    assert manifest(tmp_path / "merged")["hand_ins"] == manifest(undisturbed)["hand_ins"]
    refused = grade(root, "merge", *(tmp_path / f"s{k}" for k in (1, 2, 4)), "--to", tmp_path / "three", status=2)
    assert "shard 3/4 is missing" in refused.stderr
    assert "some are not" in grade(root, "merge", tmp_path / "s1", undisturbed, "--to", tmp_path / "mixed", status=2).stderr


def test_a_folder_that_is_there_needs_resume_and_the_same_options(root, submissions, undisturbed, tmp_path):
    assert "--resume" in grade(root, "batch", "toy", submissions, "--to", undisturbed, *LEVEL, status=2).stderr
    other = grade(root, "batch", "toy", submissions, "--to", undisturbed, "--resume", "--sandbox", "off", status=2)
    assert "sandbox level available" in other.stderr
    assert "neither a folder nor a zip" in grade(root, "batch", "toy", ROOT / "README.md", "--to", tmp_path / "x", *LEVEL, status=2).stderr
    assert "from 1 to N" in grade(root, "batch", "toy", submissions, "--to", tmp_path / "x", "--shard", "5/4", status=2).stderr


def test_two_batches_do_not_write_to_one_run(tmp_path):
    first = RunFolder(tmp_path / "run")
    first.open(resume=False)
    with pytest.raises(UsageError, match="another batch"):
        RunFolder(tmp_path / "run").open(resume=True)
    first.close()


def test_what_has_no_owner_is_listed_and_the_others_are_marked(root, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ada.py").write_text(toy.HONEST)
    (folder / "notes.pdf").write_text("x")
    os.symlink("/etc/passwd", folder / "eve.py")
    os.mkfifo(folder / "bob.py")
    result = grade(root, "batch", "toy", folder, "--to", tmp_path / "run", "-j", 1, *LEVEL, status=1)
    assert set(reports(tmp_path / "run")) == {"ada"}
    listed = {u["path"]: u["reason"] for u in manifest(tmp_path / "run")["unowned"]}
    assert set(listed) == {"notes.pdf", "eve.py", "bob.py"} and "link" in listed["eve.py"] and "pipe" in listed["bob.py"]
    assert all(path in result.stderr for path in listed)


def test_forked_and_spawned_lanes_mark_alike(root, submissions, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADE_WORKERS", "spawn")
    few = tmp_path / "in"
    few.mkdir()
    for name in ("right00.py", "wrong0.py", "crash.py", "utf16.py"):
        shutil.copy(submissions / name, few)
    batch(request(root, few, tmp_path / "run"), to_json, Silent())
    due = timeless(undisturbed)
    assert timeless(tmp_path / "run") == {name: due[name] for name in ("right00", "wrong0", "crash", "utf16")}


def test_a_lane_that_finds_other_tests_than_the_first_one_stops_the_batch(submissions, tmp_path):
    """Tests change while the batch runs, and so does every process that lanes are made from."""
    root = toy.course(tmp_path / "course")
    command = (sys.executable, str(ROOT / "tests" / "batch" / "dying_lane.py"))
    tests = root / "solutions" / "toy" / "test_toy.py"
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ada.py").write_text(toy.HONEST)
    (folder / "bob.py").write_text(toy.HONEST + f"# stem dies once {tmp_path}/died, {tests} grows\n")
    (folder / "cy.py").write_text(toy.HONEST + "# cy\n")
    with pytest.raises(GradeError, match="changed while the batch ran.*--resume"):
        batch(request(root, folder, tmp_path / "run", command, lanes=1), to_json, Silent())
    assert set(reports(tmp_path / "run")) == {"ada"} and manifest(tmp_path / "run")["state"] == "stopped"
    assert "changed since" in grade(root, "batch", "toy", folder, "--to", tmp_path / "run", "--resume", *LEVEL, status=2).stderr
    tests.write_text(tests.read_text().removesuffix("# more\n"))
    batch(request(root, folder, tmp_path / "run", lanes=1, resume=True), to_json, Silent())
    assert set(reports(tmp_path / "run")) == {"ada", "bob", "cy"}


def test_tests_that_change_while_the_batch_runs_change_no_mark(root, lasting, undisturbed_lasting, tmp_path):
    """All lanes mark by what was read at the start, also one that replaces another."""
    mine = tmp_path / "course"
    shutil.copytree(root, mine)
    run = tmp_path / "run"
    process = start(mine, "batch", "toy", lasting, "--to", run, "-j", 2, *LEVEL)
    wait_for_lines(run, 2, process)
    (mine / "solutions" / "toy" / "test_toy.py").write_text("import nothing")
    (mine / "solutions" / "toy" / "toy.py").write_text("(")
    os.kill(lanes_of(process.pid)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert timeless(run) == timeless(undisturbed_lasting)


@pytest.mark.skipif(sys.platform != "linux", reason="lanes are forked on Linux only")
def test_as_many_lanes_as_processors_have_one_each_also_the_lane_that_replaces_another(root, lasting, tmp_path):
    usable = sorted(os.sched_getaffinity(0))
    process = start(root, "batch", "toy", lasting, "--to", tmp_path / "run", "-j", len(usable), *LEVEL)
    for n in (2, 8):
        wait_for_lines(tmp_path / "run", n, process)
        lanes = lanes_of(process.pid)
        assert sorted((os.sched_getaffinity(pid) for pid in lanes), key=min) == [{place} for place in usable]
        if n == 2:
            os.kill(lanes[0], signal.SIGKILL)
            assert gone(lanes[:1])
    assert process.communicate(timeout=120) and process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="nobody says which processors may be used")
def test_fewer_lanes_than_processors_run_where_the_system_likes():
    usable = sorted(os.sched_getaffinity(0))
    assert [processors_for(n) for n in (len(usable) - 1, len(usable), len(usable) + 1)] == [(), tuple(usable), ()]


def test_a_read_only_run_is_one_clear_error(root, submissions):
    result = grade(root, "batch", "toy", submissions, "--to", "/proc/run", *LEVEL, status=2)
    assert "cannot be written" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error_and_keeps_what_was_there(root, submissions, tmp_path, monkeypatch):
    whole = RunFolder._write

    def write(self, data):
        if self.path == tmp_path / "run" and len(self.path.joinpath("reports.jsonl").read_bytes()) > 20_000:
            whole(self, data[:100])
            raise OSError(28, "No space left on device")
        whole(self, data)

    monkeypatch.setattr(RunFolder, "_write", write)
    with pytest.raises(GradeError, match="No space left.*--resume"):
        batch(request(root, submissions, tmp_path / "run"), to_json, Silent())
    kept = reports(tmp_path / "run")
    assert 0 < len(kept) < 24 and manifest(tmp_path / "run")["state"] == "stopped"
    monkeypatch.undo()
    batch(request(root, submissions, tmp_path / "run", resume=True), to_json, Silent())
    assert len(reports(tmp_path / "run")) == 24


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_run_that_is_damaged_anywhere_is_one_clear_error_or_reads_as_before(undisturbed, data):
    """One file of a run with some bytes replaced, left out or put in."""
    file = undisturbed / data.draw(st.sampled_from(["run.json", "reports.jsonl"]))
    whole = file.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    damaged = whole[:at] + data.draw(st.binary(max_size=12)) + whole[at + data.draw(st.integers(0, 40)):]
    try:
        file.write_bytes(damaged)
        book = read_book(undisturbed, None)
        assert {row.student for row in book.rows} or file.name == "run.json"
    except GradeError as error:
        assert str(undisturbed) in str(error)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize(("field", "advice"), [("score", "--resume` marks it again"), ("assignment", "delete its line, then")])
def test_a_damaged_report_is_marked_again(root, submissions, undisturbed, tmp_path, field, advice):
    run = tmp_path / "run"
    shutil.copytree(undisturbed, run)
    lines = (run / "reports.jsonl").read_text().splitlines(keepends=True)
    bad = next(line for line in lines if '"verdict":"passed"' in line)
    damaged = [line.replace(f'"{field}":', '"x":') if line == bad else line for line in lines]
    (run / "reports.jsonl").write_text("".join(damaged))
    said = grade(root, "report", run, status=7).stderr
    assert advice in said and "--resume" in said and "Traceback" not in said
    if "delete" in advice:
        assert repr(json.loads(bad)["submission"]["name"]) in said
        (run / "reports.jsonl").write_text("".join(line for line in lines if line != bad))
    grade(root, "batch", "toy", submissions, "--to", run, "--resume", "-j", 1, *LEVEL)
    assert timeless(run) == timeless(undisturbed)
