"""What platforms read: `results.json`, JUnit, annotations, summaries; the autograder in its folders; workflows without secrets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import jsonschema
import pytest
import yaml
from msgspec.structs import replace

from grader.course import manifest
from grader.course.course import find_course, load_course
from grader.record.audience import for_students
from grader.record.report import Line, Output, Verdict
from grader.release import targets
from grader.render.github import to_github, to_summary
from grader.render.gradescope import to_gradescope, without_report
from grader.render.junit import to_junit
from tests import sample_reports
from tests.test_release import SCALE, WRONG, grade, make_course, released, replace_in, write

linux = pytest.mark.skipif(sys.platform != "linux", reason="the autograder's image is Linux")

SHOWN = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
RESULTS = {  # gradescope-autograders.readthedocs.io, "Autograder Specifications"
    "type": "object", "additionalProperties": False, "anyOf": [{"required": ["score"]}, {"required": ["tests"]}],
    "properties": {
        "score": {"type": "number"}, "execution_time": {"type": "number"}, "output": {"type": "string"}, "output_format": FORMAT,
        "test_output_format": FORMAT, "test_name_format": FORMAT, "visibility": SHOWN, "stdout_visibility": SHOWN, "extra_data": {"type": "object"},
        "tests": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "properties": {
                "score": {"type": "number"}, "max_score": {"type": "number"}, "status": {"enum": ["passed", "failed"]}, "name": {"type": "string"},
                "name_format": FORMAT, "number": {"type": "string"}, "output": {"type": "string"}, "output_format": FORMAT,
                "tags": {"type": "array", "items": {"type": "string"}}, "visibility": SHOWN, "extra_data": {"type": "object"}}}},
        "leaderboard": {"type": "array"},
    },
}
JUNIT = {  # element -> (required attributes, further ones, children): what GitLab, GitHub and Jenkins read
    "testsuites": ({"name"}, set(), {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, set(), {"properties", "testcase"}),
    "properties": (set(), set(), {"property"}), "property": ({"name", "value"}, set(), set()),
    "testcase": ({"classname", "name", "file", "time"}, set(), {"failure", "error", "skipped"}),
    "failure": ({"message"}, set(), set()), "error": ({"message"}, set(), set()), "skipped": ({"message"}, set(), set()),
}
ANNOTATION = re.compile(r"::error title=[^,\n]+,file=[^,:\n]+(,line=\d+)?::[^\n]+")
EVIL = "\n::error::owned\r\n##[add-path]/evil\n::set-output name=x::y\x1b[2J</pre><script>alert(1)</script>|`*_[x](http://evil) @everyone %0A::debug::x"


def samples():
    return [value for name, value in vars(sample_reports).items() if type(value).__name__ == "Report"]


def evil_report():
    """A report in which everything that a student writes tries to break out."""
    base = sample_reports_with_failures()
    tests = []
    for test in base.tests:
        finding = test.finding and replace(test.finding, message=EVIL, line=Line(file="lstm.py", line=3, text=EVIL), exception=None)
        tests.append(replace(test, finding=finding, output=Output(text=EVIL)))
    return replace(base, tests=tuple(tests), submission=replace(base.submission, file="a,b:c%\n.py"))


def sample_reports_with_failures():
    return next(r for r in samples() if any(t.verdict in (Verdict.WRONG, Verdict.RAISED) and t.finding for t in r.tests))


# Formats


@pytest.mark.parametrize("report", [*samples(), evil_report()])
def test_results_json_fits_its_schema(report):
    for text in (to_gradescope(report), to_gradescope(for_students(report), "after_due_date", 1.5), without_report(EVIL)):
        jsonschema.validate(json.loads(text), RESULTS)
        assert text.isascii()
    results = json.loads(to_gradescope(for_students(report), "after_due_date"))
    assert results["score"] == report.score
    assert len({test["number"] for test in results["tests"]}) == len(results["tests"])
    for test, shown in zip(for_students(report).tests, results["tests"], strict=True):
        assert shown["visibility"] == ("visible" if test.visibility == "public" else "after_due_date")


@pytest.mark.parametrize("report", [*samples(), evil_report()])
def test_junit_fits_its_schema(report):
    text = to_junit([report, report])
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites" and len(root) == 2
    for element in root.iter():
        required, further, children = JUNIT[element.tag]
        assert required <= set(element.keys()) <= required | further, element.tag
        assert {child.tag for child in element} <= children
        assert element.tag not in ("failure", "error", "skipped") or (element.text or "").strip()
    suite = root[0]
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == len(report.tests)
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    names = [case.get("name") for case in suite.iter("testcase")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("report", [*samples(), evil_report()])
def test_annotations_are_few_and_everything_else_is_fenced(report):
    reports = [report] * 8
    assert len(annotations_of(to_github(reports))) <= 10
    assert to_github(reports) == to_github(reports)


def annotations_of(text: str) -> list[str]:
    """The annotations that a step prints; whatever follows them stands in fences."""
    lines = text.rstrip("\n").split("\n") if text else []
    annotations = [line for line in lines if line.startswith("::error ")]
    assert all(ANNOTATION.fullmatch(line) for line in annotations) and lines[: len(annotations)] == annotations
    token = None
    for line in lines[len(annotations):]:
        if token is None:
            token = re.fullmatch(r"::stop-commands::([0-9a-f]{64})", line)[1]
        elif line == f"::{token}::":
            token = None
        else:
            assert token not in line
    assert token is None
    return annotations


def test_a_diagnosis_is_one_annotation_and_the_tests_it_explains_are_none():
    report = next(r for r in samples() if r.diagnoses)
    annotations = [line for line in to_github([report]).split("\n") if line.startswith("::error ")]
    assert any(report.diagnoses[0].says.split()[0] in line for line in annotations)
    explained = {t for d in report.diagnoses for t in d.tests}
    titles = [t.title for t in report.tests if t.id in explained]
    assert not any(title in line.partition("::")[2].partition("::")[0] for title in titles for line in annotations)


@pytest.mark.parametrize("report", [*samples(), evil_report()])
def test_a_summary_is_markdown_in_which_students_write_nothing(report):
    text = to_summary([report])
    assert len(text.encode()) < 1 << 20 and text.count("<pre>") == text.count("</pre>") == 1
    before, page = text.split("<pre>")
    assert "<" not in page.partition("</pre>")[0] and "<" not in before
    assert re.match(r"### [^\n]+\n\n[^\n]+\n\n\| Part \| \| Points \|\n\| :--- \| :--- \| ---: \|\n(\| [^\n]+ \|\n)*\n", before)
    assert "\x1b" not in text


# The command


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("targets"))
    replace_in(root / "solutions" / "scale" / "assignment.toml", "deadline_s = 4", "deadline_s = 1")
    replace_in(root / "solutions" / "scale" / "assignment.toml", 'hidden = "after_due_date"\n', "")
    released(root)
    return root


def test_formats_of_the_command_and_their_exit_codes(course, tmp_path):
    write(tmp_path / "mine.py", WRONG)
    words = ("scale", "--file", str(tmp_path / "mine.py"), "--format")
    environment = dict(os.environ, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    command = [sys.executable, "-m", "grader"]
    github = subprocess.run([*command, *words, "github", "--sandbox", "available"], cwd=course, capture_output=True, text=True, env=environment)
    assert github.returncode == 1 and github.stdout.startswith("::error ")
    assert (tmp_path / "summary.md").read_text().startswith("### Scaling\n")
    assert grade(course, *words, "github", "--exit-zero").returncode == 0
    junit = grade(course, *words, "junit", "-o", str(tmp_path / "junit.xml"))
    assert junit.returncode == 1 and ElementTree.parse(tmp_path / "junit.xml").getroot().tag == "testsuites"
    results = grade(course, *words, "gradescope")
    assert results.returncode == 0
    jsonschema.validate(json.loads(results.stdout), RESULTS)
    assert grade(course, "run", "--format", "gradescope").returncode == 2


def test_on_github_nothing_begun_is_no_error(course):
    result = grade(course / "assignments", "run", "--format", "github")
    assert (result.returncode, result.stdout, result.stderr) == (5, "", "")


def test_hidden_tests_are_visible_by_title_and_kind_alone(course, tmp_path):
    write(tmp_path / "mine.py", WRONG)
    results = json.loads(grade(course, "scale", "--file", str(tmp_path / "mine.py"), "--format", "gradescope").stdout)
    hidden = [test for test in results["tests"] if test["extra_data"]["id"].startswith("hidden-")]
    assert [test["name"] for test in hidden] == ["Odd | even sizes", "Large sums", "The question"]
    assert {test["visibility"] for test in results["tests"]} == {"visible"}
    assert hidden[0]["output"] == "Values differ from the expected ones." and "test_scale_odd" not in json.dumps(results)


# Gradescope's folders


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> str:
    """The interpreter of an environment as `setup.sh` makes it: it has what the package needs, and not the package."""
    place = tmp_path_factory.mktemp("python")
    venv.create(place)
    requirements = [folder for folder in sys.path if folder.endswith("site-packages")]
    write(next(place.glob("lib/python*/site-packages")) / "requirements.pth", "\n".join(requirements))
    return str(place / "bin" / "python")


@pytest.fixture(scope="module")
def autograder(course, python, tmp_path_factory):
    """An image: the zip unpacked and `setup.sh` run."""
    root = tmp_path_factory.mktemp("autograder")
    (root / "source").mkdir()
    write(root / "zip", "")
    (root / "zip").write_bytes(targets.gradescope(load_course(find_course(course)), "scale"))
    with zipfile.ZipFile(root / "zip") as archive:
        for entry in archive.infolist():
            place = Path(archive.extract(entry, root / "source"))
            place.chmod(entry.external_attr >> 16 & 0o777)
    built = subprocess.run(["bash", "setup.sh"], cwd=root / "source", env=image(root, python), capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "canaries: the reference gets 100 points, a hostile file 0" in built.stdout
    assert f"in {root}/source/package/grader" in built.stdout  # not the one that is being tested
    return root


def image(root: Path, python: str) -> dict[str, str]:
    return {**os.environ, "GRADE_ROOT": str(root), "GRADE_PYTHON": python}


METADATA = {"id": 1, "created_at": "2031-01-01T00:00:00Z", "users": [{"id": 2, "email": "ada@x.example", "name": "Ada"}],
            "previous_submissions": [{"score": "1.0"}, {"score": "2.0"}]}


def submit(root: Path, python: str, tmp_path: Path, files: dict[str, str], links: dict[str, str] | None = None) -> tuple[dict | None, subprocess.CompletedProcess]:
    """`results.json` of a submission, in a container of its own that shares the image."""
    box = tmp_path / "autograder"
    (box / "results").mkdir(parents=True)
    (box / "source").symlink_to(root / "source")
    write(box / "submission_metadata.json", json.dumps(METADATA))
    (box / "submission").mkdir()
    for name, text in files.items():
        write(box / "submission" / name, text)
    for name, goal in (links or {}).items():
        (box / "submission" / name).symlink_to(goal)
    done = subprocess.run([str(box / "source" / "run_autograder")], cwd=tmp_path, env=image(box, python), capture_output=True, text=True, timeout=120)
    file = box / "results" / "results.json"
    results = json.loads(file.read_text()) if file.exists() else None
    if results is not None:
        jsonschema.validate(results, RESULTS)
    return results, done


HONEST = SCALE + "# mine\n"
SUBMISSIONS = {  # -> true score
    "right": (HONEST, 100.0),
    "half": ("def scale(x, k):\n    if k < 0:\n        raise ValueError('k')\n    return k * x\n", 50.0),
    "hanging": ("def scale(x, k):\n    while True: pass\n" + HONEST[HONEST.index("def total"):].replace("np.einsum", "__import__('numpy').einsum"), 50.0),
    "hanging while it is loaded": ("while True: pass\n" + HONEST, 0.0),
    "crashing": ("import os\n" + HONEST.replace("return scaled_entries", "os.abort()"), 50.0),
    "forging": ("import json, os\nfor p in ('/autograder/results/results.json', 'results.json', '../results/results.json'):\n    try:\n"
                "        open(p, 'w').write('{\"score\": 100}')\n    except OSError: pass\nprint('{\"score\": 100}')\n"
                "def scale(x, k):\n    print('{\"score\": 100}')\n    os._exit(0)\ndef total(x):\n    return x\n", 0.0),
    "not begun": ("def scale(x, k):\n    raise NotImplementedError\n", 0.0),
    "syntax error": ("def scale(x, k:\n", 0.0),
}


@linux
@pytest.mark.parametrize("kind", SUBMISSIONS)
def test_every_submission_gets_valid_results_with_its_true_score(autograder, python, tmp_path, kind):
    text, score = SUBMISSIONS[kind]
    results, done = submit(autograder, python, tmp_path, {"my work (2).py": text, "notes.txt": "x"})
    assert done.returncode == 0, done.stderr
    assert results["score"] == score == round(sum(test["score"] for test in results["tests"]), 2)
    assert results["extra_data"]["attempt"] == 3 and "100}" not in json.dumps(results["tests"])


@linux
@pytest.mark.parametrize(("files", "score", "said"), [
    ({"a.py": HONEST, "helpers.py": "x = 1\n", "sub/.x.py": HONEST, "__MACOSX/a.py": HONEST}, 100.0, ""),
    ({"old.py": WRONG, "scale.py": HONEST}, 100.0, ""),
    ({"old.py": WRONG, "new.py": HONEST}, 0.0, "Several files define functions of this exercise (new.py, old.py)"),
    ({"essay.txt": "hello"}, 0.0, "Seen: essay.txt"), ({}, 0.0, "Seen: no file at all")])
def test_the_names_of_uploaded_files_do_not_matter(autograder, python, tmp_path, files, score, said):
    results, done = submit(autograder, python, tmp_path, files)
    assert done.returncode == 0 and results["score"] == score and said in results["output"]


@linux
def test_a_link_to_the_solution_is_no_submission(autograder, python, tmp_path):
    results, _ = submit(autograder, python, tmp_path, {"notes.txt": "x"}, {"scale.py": "../source/solutions/scale/scale.py", "mine": "../source/solutions/scale"})
    assert results["score"] == 0 and "Seen: notes.txt." in results["output"]


@linux
def test_a_broken_exercise_gives_no_results_and_so_no_zero(course, autograder, python, tmp_path):
    box = tmp_path / "autograder"
    with zipfile.ZipFile(write_zip(course, tmp_path)) as archive:
        archive.extractall(box / "source")
    replace_in(box / "source" / "solutions" / "scale" / "test_scale.py", "x = entries(rng)", "x = 1 / 0")
    (box / "submission").mkdir()
    write(box / "submission" / "scale.py", HONEST)
    done = subprocess.run(["bash", "run_autograder"], cwd=box / "source", env=image(box, python), capture_output=True, text=True)
    assert done.returncode == 6 and not (box / "results" / "results.json").exists() and "test_scale" in done.stderr


def write_zip(course: Path, folder: Path) -> Path:
    file = folder / "autograder.zip"
    file.write_bytes(targets.gradescope(load_course(find_course(course)), "scale"))
    return file


def test_the_autograders_zip_is_the_same_twice_and_holds_no_strays(course, tmp_path):
    first, second = write_zip(course, tmp_path).read_bytes(), write_zip(course, tmp_path).read_bytes()
    assert first == second
    names = zipfile.ZipFile(tmp_path / "autograder.zip").namelist()
    assert {n for n in names if not n.startswith("package/")} == {
        "setup.sh", "run_autograder", "requirements.txt", "solutions/course.toml", *(f"solutions/scale/{name}" for name in (
            "scale.py", "test_scale.py", "assignment.toml", "mistakes.toml", "data.npz", "data.txt", "demo_scale.py"))}
    assert not [n for n in names if "__pycache__" in n or n.endswith(".pyc") or "/." in n or "grader/assignments" in n]
    write(course / "solutions" / "scale" / "scale.py.orig", "x")
    try:
        result = grade(course, "release", "scale", "--target", "gradescope", "--zip", str(tmp_path / "no.zip"))
        assert result.returncode == 6 and "scale.py.orig" in result.stderr and not (tmp_path / "no.zip").exists()
    finally:
        (course / "solutions" / "scale" / "scale.py.orig").unlink()


# GitHub


@pytest.fixture(scope="module")
def repositories(course, tmp_path_factory):
    target = tmp_path_factory.mktemp("github") / "out"
    result = grade(course, "release", "--target", "github", "--to", str(target))
    assert result.returncode == 0, result.stderr
    return target


def test_the_students_repository_is_a_release_with_its_workflow(repositories):
    assert grade(repositories / "student", "scale").returncode == 5
    workflow = yaml.safe_load((repositories / "student" / ".github" / "workflows" / "student.yml").read_text())
    steps = workflow["jobs"]["feedback"]["steps"]
    runs = " ".join(step.get("run", "") for step in steps)
    assert f'"{manifest.PACKAGE}>=0.1,<0.2"' in runs and "--format github" in runs and "--format junit" in runs
    assert workflow["permissions"] == {"contents": "read"} and set(workflow[True]) == {"push", "pull_request"}
    checkout = next(step for step in steps if step.get("uses", "").startswith("actions/checkout"))
    assert checkout["with"] == {"persist-credentials": False}


@linux
@pytest.mark.parametrize(("text", "code"), [(None, 0), (HONEST, 0), (WRONG + f"print({EVIL!r})\n", 1)], ids=["not begun", "right", "wrong and evil"])
def test_the_steps_of_the_students_workflow_speak_as_they_should(repositories, tmp_path, text, code):
    home = Path(shutil.copytree(repositories / "student", tmp_path / "student"))
    if text:
        write(home / "scale" / "scale.py", text)
    steps = {step.get("name"): step.get("run") for step in yaml.safe_load((home / ".github/workflows/student.yml").read_text())["jobs"]["feedback"]["steps"]}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}

    def run(step: str) -> subprocess.CompletedProcess:
        return subprocess.run(["bash", "-e", "-c", steps[step]], cwd=home, env=environment, capture_output=True, text=True)

    said, junit = run("What the public tests say"), run("JUnit")
    assert (said.returncode, junit.returncode) == (code, 0), said.stderr + junit.stderr
    assert bool(annotations_of(said.stdout)) == bool(code)
    if text:
        suite = ElementTree.parse(home / "junit.xml").getroot().find("testsuite")
        assert int(suite.get("failures")) == code
        assert (tmp_path / "summary.md").read_text().startswith("### Scaling\n")


def test_no_workflow_that_a_student_can_edit_reads_a_credential(repositories):
    for file in (repositories / "student").rglob("*"):
        if file.is_file() and file.suffix in (".yml", ".yaml", ".md", ".toml", ".py"):
            text = file.read_text()
            found = re.search(r"secrets\s*[.\[]|github\.token|GITHUB_TOKEN|pull_request_target|workflow_run|_TOKEN|id-token|solutions/", text)
            assert not found, (file, found)


def test_marking_happens_where_students_cannot_write(repositories):
    file = repositories / "course" / ".github" / "workflows" / "mark.yml"
    workflow = yaml.safe_load(file.read_text())
    assert set(workflow[True]) == {"workflow_dispatch"} and workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["mark"]["steps"]
    holding = [step for step in steps if "secrets." in json.dumps(step)]
    assert [step["name"] for step in holding] == ["Clone by roster"]  # what marks never holds the credential
    assert not any("${{ inputs" in step.get("run", "") or "${{ github" in step.get("run", "") for step in steps)
    marking = next(step["run"] for step in steps if step.get("name") == "Mark")
    assert "grade batch" in marking and "--sandbox strict" in marking
    assert not (repositories / "student" / ".github" / "workflows" / "mark.yml").exists()


def test_of_each_clone_the_exercise_alone_is_taken_and_no_link_is_followed(repositories, tmp_path):
    workflow = yaml.safe_load((repositories / "course" / ".github" / "workflows" / "mark.yml").read_text())
    script = next(step["run"] for step in workflow["jobs"]["mark"]["steps"] if step.get("name") == "Clone by roster")
    write(tmp_path / "solutions" / "scale" / "scale.py", SCALE)
    write(tmp_path / "solutions" / "roster.csv", "student,github\nada,ada\nbob,bob\neve,eve\n../mal,mal\nzoe,none\nian,\n")
    for name in ("ada", "bob", "eve", "mal"):
        write(tmp_path / "remote" / f"hw-{name}" / "scale" / ("scale.py" if name != "eve" else "notes.txt"), f"# {name}\n")
    for name, link, goal in (("bob", "scale", "../../solutions/scale"), ("eve", "scale/scale.py", "../../../solutions/scale/scale.py")):
        place = tmp_path / "remote" / f"hw-{name}" / link
        shutil.rmtree(place, ignore_errors=True)
        place.symlink_to(goal)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-c", "init.defaultBranch=main"]
    for clone in (tmp_path / "remote").iterdir():
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
            subprocess.run([*git, *words], cwd=clone, check=True)
    write(tmp_path / "gitconfig", f'[url "file://{tmp_path}/remote/"]\n\tinsteadOf = https://github.com/org/\n')
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "CLASSROOM_TOKEN": "t", "OWNER": "org", "PREFIX": "hw-", "SLUG": "scale",
                   "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True)
    taken = {path.relative_to(tmp_path / "submissions").as_posix(): path.read_text() for path in (tmp_path / "submissions").rglob("*") if path.is_file()}
    assert taken == {"ada/scale.py": "# ada\n", "eve/scale.py": "../../../solutions/scale/scale.py"}  # the text of the link
    assert {path.name for path in (tmp_path / "submissions").iterdir()} == {"ada", "bob", "eve", "zoe"} and not (tmp_path / "clones").exists()
