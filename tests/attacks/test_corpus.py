"""Every hostile submission of the corpus, through the engine at `strict`, as root and as a user without rights.

`corpus/expected.toml` says what each must come to; what holds for all of them is asserted here.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import toy
from tests.attacks.everybody import ROOT, python_for_everybody

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="`strict` is Linux's")]

CORPUS = Path(__file__).with_name("corpus")
EXPECTED = tomllib.loads((CORPUS / "expected.toml").read_text())
TARGET = Path("/tmp/attack-target")  # named by the attacks
NOBODY = 64_999
AT_ONCE = 12
DEADLINE_S, SLACK_S = 1.0, 0.5
PUBLIC_CASES = {"test_double": 2, "test_double_hidden": 2}
NAMES = sorted(EXPECTED)
GROUPS = [NAMES[k::-(-len(NAMES) // AT_ONCE)] for k in range(-(-len(NAMES) // AT_ONCE))]


@pytest.fixture(scope="module", params=["this user", "nobody"])
def marked(request):
    """Attack -> (what became of it, its honest neighbours, an honest one alone, the session)."""
    python, user = sys.executable, {}
    if request.param == "nobody":
        if os.geteuid() != 0:
            pytest.skip("only root can become another user; this user has no rights anyway")
        python, user = python_for_everybody(), {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    if TARGET.exists():
        shutil.rmtree(TARGET)
    course = toy.course(TARGET / "course", tests=toy.TESTS + "\nSECRET = 'CANARY-tests-51c0'\n")
    (TARGET / "file.txt").write_text("CANARY-file-c3d1\n")
    (TARGET / "file.txt").chmod(0o644)
    if user:
        for path in (TARGET, *TARGET.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    found = {}
    running = []
    for group in GROUPS:  # two at a time: as many as there are processors
        running.append((group, _start(python, user, course, group)))
        if len(running) == 2:
            _collect(*running.pop(0), found)
    for group, process in running:
        _collect(group, process, found)
    yield found
    assert not _processes_of(NOBODY)
    assert not [p for p in TARGET.rglob("*") if "attack-leftover" in p.name or p.name == "results.json"]
    assert (TARGET / "file.txt").read_text() == "CANARY-file-c3d1\n" and (TARGET / "file.txt").stat().st_mode & 0o777 == 0o644
    shutil.rmtree(TARGET)


def _start(python, user, course, group):
    asked = {"course": str(course), "attacks": [str(CORPUS / name) for name in group]}
    environment = {"CANARY": "CANARY-environment-90ab", "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen([python, "-s", str(Path(__file__).with_name("session.py")), json.dumps(asked)], env=environment, cwd="/", text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **user)


def _collect(group, process, found) -> None:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-3000:]
    session = json.loads(out.splitlines()[-1])
    alone, *rest = session["marked"]
    for k, name in enumerate(group):
        found[name] = (rest[2 * k + 1], (rest[2 * k], rest[2 * k + 2]), alone, session)


def _processes_of(uid: int) -> list[str]:
    return [p.name for p in Path("/proc").glob("[0-9]*") if p.exists() and p.stat().st_uid == uid]


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_comes_to_what_is_required(marked, name):
    attack, neighbours, alone, session = marked[name]
    report, required = json.loads(attack["report"]), EXPECTED[name]
    double = next(t for t in report["tests"] if t["id"] == "test_double")
    assert report["verdict"] in required["verdict"] and double["verdict"] in required["double"], (report["verdict"], double)
    assert report["score"] <= required["most"]
    assert [n["timeless"] for n in neighbours] == [alone["timeless"]] * 2, "an honest neighbour was marked otherwise"
    for form in ("report", "for_students", "terminal"):
        assert "ESCAPED" not in attack[form]  # sources have it in two pieces
        assert "CANARY-" not in attack[form]


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_leaves_nothing_behind_and_takes_no_longer_than_allowed(marked, name):
    attack, (_, after), _, session = marked[name]
    report = json.loads(attack["report"])
    assert session["children"] == [] and session["left"]
    assert attack["descriptors"] <= 0 and after["descriptors"] == 0  # fewer where no worker waits for the next submission
    assert attack["grown_kib"] < 64 << 10
    for test in report["tests"]:
        assert test["duration_s"] <= PUBLIC_CASES.get(test["id"], 1) * (DEADLINE_S + SLACK_S), test
    assert attack["seconds"] < 12


@pytest.mark.parametrize("name", NAMES)
def test_every_report_of_an_attack_can_be_read_by_machines_and_people(marked, name):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "grader" / "render" / "report.schema.json").read_text())
    attack = marked[name][0]
    for form in ("report", "for_students"):
        assert "\n" not in attack[form].strip()
        jsonschema.validate(json.loads(attack[form]), schema)
    text = attack["terminal"]
    assert not [c for c in text if ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069]
    assert not any(line.startswith(("::", "##[")) for line in text.splitlines())


def test_the_corpus_has_every_file_once_and_covers_the_catalogue():
    assert sorted(EXPECTED) == sorted(f.name for f in CORPUS.iterdir() if f.suffix in (".py", ".ipynb")) and len(EXPECTED) >= 70
    catalogue = {int(k) for k in tomllib.loads((CORPUS.parent / "catalogue.toml").read_text())}
    lines = {line for e in EXPECTED.values() for line in e["lines"]}
    elsewhere = {60, 63, 67, 70, 71, 76, 78}  # honest views, two commands, copies, audience, files and archives: tested where they are read
    assert lines <= catalogue and catalogue - lines <= elsewhere, catalogue - lines
