"""Released notebooks and `%grade`: the cells, what the kernel holds, the page, which file is marked."""

from __future__ import annotations

import ast
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from msgspec.structs import replace

from grader.course import material
from grader.course.course import find_course, load_course
from grader.errors import CourseError
from grader.notebook import held, marking
from grader.notebook.held import Cell
from grader.release import searching
from grader.release.notebook import notebook
from grader.release.release import made as make_exercise
from grader.release.release import recorded, release
from grader.render.html import to_html
from grader.source import begun
from grader.source.submission import read_submission, submission_from_bytes
from tests import sample_reports, toy
from tests.test_cli import grade

ROOT = Path(__file__).resolve().parents[1]

REFERENCE = '''
"""Doubling and norms: x (N, D)."""

from typing import NamedTuple

import numpy as np


class Size(NamedTuple):
    """How large."""

    value: float


# Given ----------------------------------------------------------------------------------


def total(x):
    """The sum."""
    return x.sum()


# Doubling -------------------------------------------------------------------------------


def double(x):
    """Twice x: x (N, D) -> (N, D).

    In every entry.
    """
    # BEGIN SOLUTION
    return 2.0 * x
    # END SOLUTION


# Norms ----------------------------------------------------------------------------------
# They are never negative.

FACTOR = 1.0


def norm(x):
    """Euclidean norm of all entries: x (N, D) -> float."""
    # BEGIN SOLUTION
    return float(FACTOR * np.sqrt(total(x * x)))
    # END SOLUTION


# Q1: How many?
# BEGIN SOLUTION
Q1 = 41734
# END SOLUTION
'''

TESTS = toy.TESTS.replace("@secondary\ndef test_double_pure", "@public\n@secondary\ndef test_double_pure") \
    .replace('@part("double")\n@public\n@secondary', '@part("purity")\n@public\n@secondary') + '''

@part("question")
def test_question(student, reference):
    """The question."""
    assert_close(student.value("Q1"), reference.value("Q1"), names="Q1")
'''

BODIES = {"double": "def double(x):\n    return 2.0 * x", "norm": "def norm(x):\n    return float(FACTOR * np.sqrt(total(x * x)))", "Q1": "Q1 = 41734"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The root of a course and its release. Read only."""
    root = toy.course(tmp_path_factory.mktemp("made"), REFERENCE, TESTS)
    release(load_course(find_course(root)), (), root / "assignments")
    return root


@pytest.fixture
def home(made, tmp_path):
    """What a learner has."""
    return Path(shutil.copytree(made / "assignments", tmp_path / "home"))


def cells_of(folder: Path) -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(folder / "toy" / "toy.ipynb", 4).cells}


def filled(file: Path, bodies: dict[str, str]) -> nbformat.NotebookNode:
    """A released notebook with something written where something was to be written."""
    sheet = nbformat.read(file, 4)
    for cell in (cell for cell in sheet.cells if cell.cell_type == "code" and "TODO" in cell.source):
        node = ast.parse(cell.source).body[-1]
        cell.source = bodies[node.name if isinstance(node, ast.FunctionDef) else node.targets[0].id]
    return sheet


def executed(sheet: nbformat.NotebookNode, folder: Path) -> dict[str, list]:
    """Outputs by cell, of a run from top to bottom in a real kernel; an error of any cell is one here."""
    from nbclient import NotebookClient

    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    NotebookClient(sheet, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return {cell.id: cell.outputs for cell in sheet.cells if cell.cell_type == "code"}


def last_page(outputs: dict[str, list]) -> dict[str, str]:
    return outputs["all-grade"][-1].data


# The released notebook ------------------------------------------------------------------------------------------------


def test_a_released_notebook_is_valid_and_was_never_run(made):
    sheet = nbformat.read(made / "assignments" / "toy" / "toy.ipynb", as_version=4)
    nbformat.validate(sheet)
    assert (sheet.nbformat, sheet.nbformat_minor) == (4, 5)
    assert len({cell.id for cell in sheet.cells}) == len(sheet.cells)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in sheet.cells if cell.cell_type == "code")


def test_a_notebook_has_a_section_for_each_part_with_its_cells_and_one_that_marks_it(made):
    cells = cells_of(made / "assignments")
    assert list(cells) == [
        "handout-0", "handout-1", "set-up", "load-grader", "given-size", "given-note", "given-total",
        "double", "double-double", "double-grade", "purity",
        "norm", "norm-note", "norm-factor", "norm-norm", "norm-grade", "question", "question-q1", "all", "all-grade", "afterwards"]
    assert cells["double"].startswith("## Double\n\n") and "- `double`: Twice x: x (N, D) -> (N, D)." in cells["double"]
    assert cells["double-grade"] == "%grade toy --part double" and cells["all-grade"] == "%grade toy"
    assert "%load_ext grader" in cells["load-grader"] and 'pip install "deepgrader>=' in cells["load-grader"]
    assert cells["given-note"] == "### Given" and cells["norm-note"] == "They are never negative."
    assert cells["question-q1"] == "# Q1: How many?\nQ1 = None  # TODO: your answer"
    assert "Tested after you hand in." in cells["question"] and "The question" in cells["afterwards"]
    assert "at the end" in cells["purity"]


def test_the_cells_together_hold_the_code_of_the_stub(made):
    folder = made / "assignments" / "toy"
    parts = [ast.parse(piece.text).body for piece in read_submission(folder / "toy.ipynb").pieces]
    stub = ast.parse((folder / "toy.py").read_text()).body
    assert sorted(ast.dump(node) for body in parts for node in body) == sorted(map(ast.dump, stub))


def test_notebooks_of_two_checkouts_are_equal(made, tmp_path):
    root = toy.course(tmp_path / "elsewhere", REFERENCE, TESTS)
    release(load_course(find_course(root)), (), tmp_path / "there")
    assert (tmp_path / "there" / "toy" / "toy.ipynb").read_bytes() == (made / "assignments" / "toy" / "toy.ipynb").read_bytes()


def test_headings_in_code_do_not_cut_the_handout(made):
    assignment = load_course(find_course(made))
    own = material.load(assignment, "toy").assignment.with_parts(["double"])
    page = "# T\n\n```\n## no heading\n```\n\n## One\n\na\n"
    sheet = json.loads(notebook(page, "def double(x):\n    pass\n", "", own, (), {}, "Upload {file} to the box."))
    texts = ["".join(cell["source"]) for cell in sheet["cells"]]
    assert texts[:2] == ["# T\n\n```\n## no heading\n```", "## One\n\na"]
    assert "## All of it\n\nUpload toy.ipynb to the box." in texts


def test_what_only_omitted_parts_ask_for_stands_in_no_section(tmp_path):
    root = toy.course(tmp_path, REFERENCE, TESTS, toy.SETTINGS.replace("[limits]", 'omit = ["norm", "question"]\n[limits]'))
    cells = json.loads(make_exercise(material.load(load_course(find_course(root)), "toy")).files["toy.ipynb"])["cells"]
    ids = [cell["id"] for cell in cells]
    assert "double-grade" in ids and not any(name.startswith(("norm", "question")) for name in ids)


@pytest.mark.parametrize("metadata", [
    {"authors": ["me"]}, {"kernelspec": {"name": "/home/somebody/venv"}}, {"kernelspec": {"name": "s3cret"}}, {"kernelspec": {"name": "test_double_hidden"}},
], ids=str)
def test_metadata_of_the_authors_are_refused(made, metadata):
    source = material.load(load_course(find_course(made)), "toy")
    files = make_exercise(source).files
    sheet = json.loads(files["toy.ipynb"])
    sheet["metadata"] |= metadata
    with pytest.raises(CourseError, match=r"toy\.ipynb"):
        searching.search(source, files | {"toy.ipynb": json.dumps(sheet).encode()}, recorded(source))


def test_grade_start_brings_the_notebook_along(made, tmp_path):
    assert grade("start", tmp_path / "mine", "--from", made / "assignments", cwd=tmp_path).returncode == 0
    assert (tmp_path / "mine" / "toy" / "toy.ipynb").read_bytes() == (made / "assignments" / "toy" / "toy.ipynb").read_bytes()


# In a kernel ----------------------------------------------------------------------------------------------------------


def test_a_stub_runs_from_top_to_bottom_and_with_right_bodies_gets_full_marks(home):
    """Both in one session: the bodies are written into further cells, as the later definitions that count."""
    file = home / "toy" / "toy.ipynb"
    sheet = nbformat.read(file, 4)
    solved = [cell for cell in filled(file, BODIES).cells if cell.source in BODIES.values()]
    sheet.cells += [*(nbformat.v4.new_code_cell(cell.source) for cell in solved), nbformat.v4.new_code_cell("%grade toy", id="again")]
    outputs = executed(sheet, file.parent)
    empty, page = outputs["all-grade"][-1].data, outputs["again"][-1].data
    assert "Nothing begun yet" in empty["text/plain"] and 'class="grade-report"' in empty["text/html"]
    assert "todo" in outputs["double-grade"][-1].data["text/plain"]
    total = sum(row.hundredths for row in make_table(home) if row.public) / 100
    assert f"Visible {total:g} of {total:g} points" in page["text/html"] and "ok" in page["text/plain"] and "todo" not in page["text/plain"]


def make_table(home: Path):
    return material.load(load_course(find_course(home)), "toy").recorded().table


@pytest.mark.slow
@pytest.mark.parametrize("slug", sorted(path.parent.name for path in ROOT.glob("solutions/*/assignment.toml")))
def test_the_shipped_notebooks_run_as_stubs_and_get_full_marks_with_the_references_bodies(slug, tmp_path):
    home = Path(shutil.copytree(ROOT / "assignments", tmp_path / "home", ignore=shutil.ignore_patterns(".grade")))
    file = home / slug / f"{slug.replace('-', '_')}.ipynb"
    assert "Nothing begun yet" in last_page(executed(nbformat.read(file, 4), file.parent))["text/plain"]
    text = (ROOT / "solutions" / slug / file.with_suffix(".py").name).read_text(encoding="utf-8")
    tree = ast.parse(text).body
    named = {node.name: node for node in tree if isinstance(node, ast.FunctionDef)}
    named |= {node.targets[0].id: node for node in tree if isinstance(node, ast.Assign)}
    sheet = filled(file, {name: ast.get_source_segment(text, node) for name, node in named.items()})
    written = {name for cell in sheet.cells if cell.cell_type == "code" for node in ast.walk(ast.parse(cell.source.replace("%", "#")))
               for name in [getattr(node, "name", None), getattr(node, "id", None) if isinstance(getattr(node, "ctx", None), ast.Store) else None]}
    helpers = [ast.get_source_segment(text, node) for name, node in named.items() if name not in written]
    place = next(k for k, cell in enumerate(sheet.cells) if cell.id == "all")
    sheet.cells[place:place] = [nbformat.v4.new_code_cell(helper) for helper in helpers]
    nbformat.write(sheet, file)
    page = last_page(executed(sheet, file.parent))["text/plain"]
    record = material.load(load_course(find_course(home)), slug).recorded()
    total = sum(row.hundredths for row in record.table if row.public) / 100
    assert f"Visible {total:g} of {total:g} points" in page and "Save before" not in page, page


# The extension in a shell ---------------------------------------------------------------------------------------------


@pytest.fixture
def shell(home, monkeypatch):
    """A shell in the exercise's folder that keeps what it shows in `shell.display_pub.outputs`."""
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.chdir(home / "toy")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    made = InteractiveShell(config=config)
    made.display_pub = CapturingDisplayPublisher()
    made.run_cell("%load_ext grader\nimport numpy as np\n", store_history=True)
    yield made
    made.history_manager.end_session()


@pytest.fixture
def asked(monkeypatch):
    """What the command is asked to mark, without marking it."""
    calls = []
    monkeypatch.setattr(marking, "marked", lambda course, words, sources: calls.append(SimpleNamespace(words=words, sources=sources, course=course))
                        or marking.Marked(None, "said"))
    return calls


def run(shell, *cells: str) -> None:
    for cell in cells:
        shell.run_cell(cell, store_history=True, silent=False)


def test_the_last_definition_counts_and_old_attempts_are_not_run_again(shell, asked):
    run(shell, "def double(x):\n    while True: pass", "double_result = [k for k in range(3)]", "print(double_result)",
        "def double(x):\n    return helper(x)", "def helper(x):\n    return 2 * x", "%grade toy --part double -v")
    assert asked[0].words == ["toy", "--part", "double", "-v"]
    assert asked[0].sources == {1: "\nimport numpy as np", 5: "def double(x):\n    return helper(x)", 6: "def helper(x):\n    return 2 * x"}


def test_a_cell_magic_runs_its_cell_and_marks_it_in_place_of_the_older_text(shell, asked):
    run(shell, "def double(x):\n    return x", "%%grade toy\ndef double(x):\n    return np.add(x, x)")
    assert list(asked[0].sources.values()) == ["\nimport numpy as np", "\n\ndef double(x):\n    return np.add(x, x)".removeprefix("\n")]
    assert shell.user_ns["double"](2) == 4


def test_what_was_deleted_or_never_came_to_be_is_not_marked(shell, asked):
    run(shell, "def double(x):\n    return x", "def norm(x):\n    return x", "del double", "1 / 0\nQ1 = 3", "%grade toy")
    assert asked[0].sources == {1: "\nimport numpy as np", 3: "def norm(x):\n    return x"}


def test_a_cell_that_does_not_parse_is_told_and_not_marked(shell, asked):
    run(shell, "%%grade toy\ndef double(x:\n    return x")
    assert asked == []


def test_the_page_is_html_with_text_beside_it_and_names_cells_by_their_prompts(shell):
    run(shell, "def double(x):\n    return 3 * x", "%grade toy")
    (page,) = [output["data"] for output in shell.display_pub.outputs]
    assert set(page) == {"text/html", "text/plain"}
    for shown in page.values():
        assert "In [2]:1" in shown and "this notebook" in shown and "/tmp" not in shown


def test_where_the_saved_notebook_differs_it_is_said_and_where_not_not(shell, home):
    file = home / "toy" / "toy.ipynb"
    sheet = filled(file, BODIES)
    nbformat.write(sheet, file)
    run(shell, *(cell.source for cell in sheet.cells if cell.cell_type == "code" and "TODO" not in cell.source and "%" not in cell.source), "%grade toy")
    run(shell, "def double(x):\n    return x * 2.0", "%grade toy")
    first, second = (output["data"] for output in shell.display_pub.outputs)
    assert "Save before" not in first["text/plain"]
    for shown in second.values():
        assert "Save before you hand in: toy.ipynb on disk has another double." in shown


def test_without_a_course_at_hand_the_packaged_one_is_marked(shell, home, tmp_path, asked, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grader.starting.packaged_course", lambda: home)
    run(shell, "def double(x):\n    return 2.0 * x", "%grade toy")
    assert asked[0].course == home and "return 2.0 * x" in asked[0].sources[2]


@pytest.mark.parametrize(("line", "words"), [
    ("%grade", "`%grade toy`"), ("%grade top", "top"), ("%grade toy --prat double", "--prat"), ("%grade 'toy", "quotation"), ("%grade toy --help", "--part"),
])
def test_what_cannot_be_marked_is_said_in_a_line_and_the_notebook_goes_on(shell, capsys, line, words):
    result = shell.run_cell(line, store_history=True)
    assert result.success and words in capsys.readouterr().err
    assert shell.display_pub.outputs == []


def test_loading_the_package_loads_neither_ipython_nor_anything_heavy():
    script = "import sys, grader; print(sorted(m for m in ('IPython', 'numpy', 'msgspec', 'grader.notebook') if m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"


# What a kernel holds --------------------------------------------------------------------------------------------------


def kept(names, *cells):
    run_ = held.statements(Cell(n, text) for n, text in enumerate(cells, 1))
    return held.written(held.held(run_, names))


@pytest.mark.parametrize(("cells", "expected"), [
    (["def f(): return 1", "def f(): return 2"], {2: "def f(): return 2"}),
    (["def f(): return 1", "f = trace(f)", "def trace(g): return g"], {1: "def f(): return 1", 2: "f = trace(f)"}),
    (["def t(g): return g", "@t\ndef f(): return 1", "def t(g): return 2"], {1: "def t(g): return g", 2: "@t\ndef f(): return 1"}),
    (["k = 1", "def f(): return k", "k = 2", "k += 1"], {2: "def f(): return k", 3: "k = 2", 4: "k += 1"}),
    (["import a, b", "def f(x=a.b): pass"], {1: "import a, b", 2: "def f(x=a.b): pass"}),
    (["class f: pass", "f.size = 3", "x = f()"], {1: "class f: pass", 2: "f.size = 3"}),
    (["import np", "np.seterr(all='ignore')", "np.seterr(all='ignore')", "np.plot(y)", "def f(): return np"],
     {1: "import np", 3: "np.seterr(all='ignore')", 5: "def f(): return np"}),
    (["def f(: pass", "try:\n    f = 1\nexcept E:\n    f = 2"], {2: "try:\n    f = 1\nexcept E:\n    f = 2"}),
    (["x = 1\n\n\ndef f():\n    return 1\n\nf()"], {1: "\n\n\ndef f():\n    return 1"}),
    (["def f(): return g()", "def g(): return [h for h in f2]", "f2 = (1,)"], {1: "def f(): return g()", 2: "def g(): return [h for h in f2]", 3: "f2 = (1,)"}),
    (["f, g = 1, 2", "g = 3"], {1: "f, g = 1, 2"}),
    (["n = 0", "def f():\n    global n\n    n += 1"], {1: "n = 0", 2: "def f():\n    global n\n    n += 1"}),
    ([], {}),
])
def test_what_is_held_is_the_last_definition_and_what_it_uses(cells, expected):
    assert kept({"f"}, *cells) == expected


def test_answers_are_functions_classes_and_plain_values():
    run_ = held.statements([Cell(1, "def f(): pass\nclass C: pass\nQ1 = 3 * 2\nQ2: str = 'a'\nx = train()\nprint(Q1)\nimport os")])
    assert held.answers(run_) == {"f", "C", "Q1", "Q2"}


def test_equal_code_elsewhere_is_no_difference():
    one, two = (held.statements([Cell(n, text)]) for n, text in ((1, "def f():\n    return 1\nk = 2"), (7, "# why\nk = 2\ndef f(): return 1")))
    assert held.differing(one, two) == ()
    assert held.differing(one, held.statements([Cell(1, "def f(): return 2\nk = 2")])) == ("f",)


# The page -------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Fails on tags that do not match; `text` is what a reader sees."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ""

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data if "style" not in self.open else ""


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


SAMPLES = {name: value for name, value in vars(sample_reports).items() if type(value).__name__ == "Report"}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_report_is_a_whole_page_that_stands_by_itself(name):
    report = SAMPLES[name]
    page = to_html(report)
    tags = parsed(page)
    assert page == to_html(report) and report.assignment.title in tags.text and " points" in tags.text
    assert not tags.seen & {"script", "link", "img", "iframe"} and "http" not in page.replace(tags.text, "")


def test_text_of_students_is_escaped_and_cut():
    evil = "<script>alert(1)</script>\x1b[31m\u202e" + "x" * 100_000
    report = next(report for report in SAMPLES.values() if any(t.finding and t.finding.exception for t in report.tests))
    tests = tuple(replace(t, title=evil, output=sample_reports.Output(text=evil * 3), finding=t.finding and replace(
        t.finding, message=evil, exception=t.finding.exception and replace(t.finding.exception, message=evil))) for t in report.tests)
    page = to_html(replace(report, tests=tests, remarks=(sample_reports.Remark(kind="x", text=evil),)))
    assert "script" not in parsed(page).seen and "\x1b" not in page and "\u202e" not in page and len(page) < 50_000 * len(tests)


# Which file -----------------------------------------------------------------------------------------------------------


def touch(file: Path) -> None:
    """Run and saved by a notebook program: other bytes, the same code."""
    sheet = nbformat.read(file, 4)
    sheet.metadata["language_info"]["version"] = "3.12.1"
    for n, cell in enumerate((c for c in sheet.cells if c.cell_type == "code"), 1):
        cell.execution_count = n
    nbformat.write(sheet, file)


@pytest.mark.parametrize(("py", "sheet", "score", "told"), [
    (None, "touched", "0 of", ""), (BODIES["double"], "touched", "double", ""), (None, "filled", "passed", ""), (BODIES["double"], "filled", "double", "--file"),
    ("gone", "filled", "passed", ""),
], ids=["neither", "py", "ipynb", "both", "no py"])
def test_the_file_that_is_begun_is_marked_and_of_two_without_a_terminal_the_py_which_is_said(home, py, sheet, score, told):
    place = home / "toy"
    if sheet == "filled":
        nbformat.write(filled(place / "toy.ipynb", BODIES), place / "toy.ipynb")
    touch(place / "toy.ipynb")
    if py == "gone":
        (place / "toy.py").unlink()
    elif py:
        (place / "toy.py").write_text("import numpy as np\n" + py + "\n")
    result = grade("toy", "--format", "json", cwd=home)
    report = json.loads(result.stdout)
    marked_sheet = report["submission"]["kind"] == "ipynb"
    assert marked_sheet == (score == "passed") and report["verdict"] == {"0 of": "not_attempted", "double": "failed", "passed": "passed"}[score]
    assert told in result.stderr and bool(told) == bool(result.stderr)
    if told:
        assert "toy.py is taken; toy.ipynb is begun too, `--file toy/toy.ipynb` takes that one" in result.stderr
        other = grade("toy", "--file", "toy/toy.ipynb", cwd=home)
        assert other.returncode == 0 and other.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("typed", "code", "kind"), [("toy.ipynb\n", 0, "ipynb"), ("toy.py\n", 1, "py"), ("\n", 0, "ipynb"), ("toy\ntoy.py\n", 1, "py"),
                                                    ("\x03", 130, None), ("\x04", 130, None)],
                         ids=["ipynb", "py", "the latest", "a wrong answer first", "Ctrl-C", "end of input"])
def test_on_a_terminal_two_files_that_are_begun_are_a_question(home, typed, code, kind):
    place = home / "toy"
    nbformat.write(filled(place / "toy.ipynb", BODIES), place / "toy.ipynb")
    (place / "toy.py").write_text("import numpy as np\n" + BODIES["double"] + "\n")
    os.utime(place / "toy.py", (time.time() - 7200,) * 2)
    said, status = in_terminal(["toy", "--format", "json", "-o", "report.json"], home, typed)
    assert "toy.py (saved 2 hours ago) and toy.ipynb (saved just now) are both begun." in said and "[toy.ipynb]" in said
    assert status == code and "Traceback" not in said
    assert (home / "report.json").exists() == (kind is not None)
    if kind:
        assert json.loads((home / "report.json").read_text())["submission"]["kind"] == kind


def in_terminal(arguments, cwd, typed) -> tuple[str, int]:
    """What the command says on a terminal whose user types when there is a question, again when nothing comes of it, and its exit status."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whatever the tests were started with
        os.execve(sys.executable, [sys.executable, "-m", "grader", *arguments], {**os.environ, "CI": ""})
    said, line = b"", ""
    while True:
        if not select.select([terminal], [], [], 2)[0]:
            os.write(terminal, line.encode())
            continue
        try:
            said += (chunk := os.read(terminal, 4096))
        except OSError:  # Linux's way to say that nobody writes any more
            chunk = b""
        if not chunk:
            break
        if typed and said.endswith(b"]: "):
            answer, end, typed = typed.partition("\n")
            line = answer + end
            os.write(terminal, line.encode())
    os.close(terminal)
    return said.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(("change", "untouched"), [
    (lambda sheet: sheet, True), (lambda sheet: sheet["cells"][-2]["source"].append("\n# mine"), False), (lambda sheet: sheet["metadata"].clear(), False),
    (lambda sheet: sheet["metadata"].update(grade=[]), False), (lambda sheet: sheet["cells"].clear(), False),
], ids=["as it is", "code", "no digest", "odd digest", "empty"])
def test_a_notebook_is_untouched_as_long_as_its_code_is(made, change, untouched):
    sheet = json.loads((made / "assignments" / "toy" / "toy.ipynb").read_bytes())
    change(sheet)
    assert begun.is_untouched(json.dumps(sheet).encode()) is untouched
    assert not begun.is_untouched(b"{") and not begun.is_untouched(b"[1]")


def test_a_notebook_reads_as_the_same_submission_after_it_was_run(made, tmp_path):
    file = Path(shutil.copy(made / "assignments" / "toy" / "toy.ipynb", tmp_path))
    before = read_submission(file).pieces
    touch(file)
    assert submission_from_bytes(file.read_bytes(), file="a", kind="ipynb", name="a").pieces == before


# Hand-ins that hold both files ----------------------------------------------------------------------------------------


def both(folder: Path, released: Path, py: str | None, sheet_is_filled: bool) -> Path:
    """A repository of a student who ran the notebook, and worked in one of the files."""
    shutil.copytree(released / "toy", folder)
    if py is not None:
        (folder / "toy.py").write_text(py)
    if sheet_is_filled:
        nbformat.write(filled(folder / "toy.ipynb", BODIES), folder / "toy.ipynb")
    touch(folder / "toy.ipynb")
    return folder


@pytest.mark.parametrize(("py", "sheet_is_filled", "counts"), [(toy.HONEST, False, "toy.py"), (None, True, "toy.ipynb"), (None, False, "toy.ipynb")])
def test_gradescope_takes_the_file_that_is_no_stub(made, tmp_path, py, sheet_is_filled, counts):
    from grader.cli.gradescope import _the_file

    folder = both(tmp_path / "submission", made / "assignments", py, sheet_is_filled)
    assert _the_file(folder, material.load(load_course(find_course(made)), "toy")).name == counts


@pytest.mark.parametrize(("py", "sheet_is_filled", "counts"), [(toy.HONEST, False, "toy.py"), (None, True, "toy.ipynb"), (toy.HONEST, True, None)])
def test_a_batch_takes_the_file_that_is_no_stub_and_of_two_none(made, tmp_path, py, sheet_is_filled, counts):
    from grader.batch.intake import Exercise, Intake
    from grader.batch.tree import open_tree
    from grader.gradebook.roster import Roster

    both(tmp_path / "class" / "ada", made / "assignments", py, sheet_is_filled)
    digests = tomllib.loads((made / "assignments" / "course.toml").read_text())["digests"]
    exercise = Exercise(slug="toy", functions=("double", "norm"), stubs=frozenset(digests.values()))
    found = Intake(open_tree(tmp_path / "class"), exercise, Roster(people=(), there=False), {})
    assert [Path(hand_in.file).name for hand_in in found.hand_ins] == ([counts] if counts else [])
    assert len(found.unowned) == (counts is None)


def test_a_notebook_that_would_not_mark_as_a_stub_is_not_released(made, tmp_path, monkeypatch):
    root = Path(shutil.copytree(made, tmp_path / "course"))
    (root / "assignments" / "course.toml").unlink()
    shutil.rmtree(root / "assignments")
    monkeypatch.setattr("grader.release.notebook._section", lambda *arguments: None)
    with pytest.raises(CourseError, match=r"stub\.ipynb"):
        release(load_course(find_course(root)), (), root / "assignments")
    assert not (root / "assignments").exists()


def test_the_notebook_that_jupyter_names_is_the_one_that_is_compared(shell, home, tmp_path, monkeypatch, asked):
    from grader.notebook.magic import _saved_notebook

    other = Path(shutil.copy(home / "toy" / "toy.ipynb", tmp_path / "Homework 3.ipynb"))
    assert _saved_notebook(shell, "toy") == Path("toy.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "gone.ipynb"))
    assert _saved_notebook(shell, "toy") == Path("toy.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(other))
    assert _saved_notebook(shell, "toy") == other
    shell.user_ns["__vsc_ipynb_file__"] = str(home / "toy" / "toy.ipynb")
    assert _saved_notebook(shell, "toy") == home / "toy" / "toy.ipynb"
