"""Sources that would leak, or would not hold, each with the file and line that a release names; nothing is written then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from grader.course import material
from grader.course.course import find_course, load_course
from grader.errors import CourseError
from grader.release import searching
from grader.release.release import made as make_exercise
from grader.release.release import recorded, release
from tests.test_release import SECRET, contents, make_course, replace_in, write
from tests.test_release_gate import MISTAKES, refusal

SCALE, TESTS, PAGE, DEMO, DATA, KNOWN, SETTINGS, COURSE = (
    "scale/scale.py", "scale/test_scale.py", "scale/README.md", "scale/demo_scale.py", "scale/data.txt", "scale/mistakes.toml",
    "scale/assignment.toml", "course.toml")
HELPER = '    """Normal entries."""\n'
END = "    # END SOLUTION\n"
QUESTION = "# Q1. How"
SABOTAGE = {  # what is done -> ((file, old text, new text) ..., file, line, what is said)
    # markers
    "end marker missing": ([(SCALE, f"    return scaled_entries\n{END}", "    return scaled_entries\n")], SCALE, 17, "BEGIN SOLUTION"),
    "end marker twice": ([(SCALE, END, END + END)], SCALE, 14, "without `# BEGIN SOLUTION` before it"),
    "begin marker missing": ([(SCALE, "    # BEGIN SOLUTION\n", "")], SCALE, 12, "END SOLUTION"),
    "typo in a marker": ([(SCALE, "# BEGIN SOLUTION", "# BEGIN SOLUTON")], SCALE, 8, "SOLUTON"),
    "small letters in a marker": ([(SCALE, "# END SOLUTION", "# end solution")], SCALE, 13, "end solution"),
    "marker without a space": ([(SCALE, "# BEGIN SOLUTION", "#BEGIN SOLUTION")], SCALE, 8, "#BEGIN"),
    "marker behind code": ([(SCALE, f"    return scaled_entries\n{END}", "    return scaled_entries  # END SOLUTION\n")], SCALE, 12, "END SOLUTION"),
    "nested region": ([(SCALE, "    scaled_entries =", "    # BEGIN SOLUTION\n    scaled_entries =")], SCALE, 11, "nested"),
    "function without a region": ([(SCALE, "    # BEGIN SOLUTION\n    return float", "    return float"), (SCALE, f"x))\n{END}", "x))\n")], SCALE, 16, "total"),
    "region that cuts a statement": ([(SCALE, f"    # BEGIN SOLUTION\n    return float(np.einsum('nd->', x))\n{END}",
                                       f"    return float(\n        # BEGIN SOLUTION\n        np.einsum('nd->', x)\n    {END}    )\n")],
                                     SCALE, 19, "cuts a statement"),
    # solutions elsewhere
    "answer outside its region": ([(SCALE, QUESTION, f"Q1 = 41734\n{QUESTION}")], SCALE, 23, "Q1"),
    "solution in a docstring": ([(SCALE, '"""Scaling: x (N, D).', '"""Scaling: x (N, D).\n\nscaled_entries = k  *  x\n')], SCALE, 3, "scaled_entries = k * x"),
    "formula in a comment": ([(SCALE, QUESTION, f"# total: float( np.einsum( 'nd->', x) )\n{QUESTION}")], SCALE, 23, "np . einsum"),
    "comment of a solution": ([(SCALE, "the whole trick", "each entry grows by k"), (PAGE, "Multiply.", "Each entry... each entry grows by k!")],
                              PAGE, 3, "each entry grows by k"),
    "solution in the handout": ([(PAGE, "Multiply.", "    return float(np.einsum('nd->', x))")], PAGE, 3, "np . einsum"),
    "solution wrapped and quoted in the handout": ([(PAGE, "Multiply.", "> `scaled_entries`\n> `= k *`\n> `x`")], PAGE, 4, "scaled_entries = k * x"),
    "solution in a demo": ([(DEMO, "print", "x = k = 2\nscaled_entries = k*x\nprint")], DEMO, 2, "scaled_entries = k * x"),
    "check of an argument in a demo": ([(DEMO, "print", "k = 0\nraise ValueError(f'k is negative and that is forbidden: {k}')\nprint")], DEMO, 2, "forbidden"),
    "solution beside the data": ([(DATA, "from nowhere", "scaled_entries = k * x")], DATA, 1, "scaled_entries = k * x"),
    "solution in a title": ([(SETTINGS, 'title = "Scaling"', 'title = "scaled_entries = k * x"')], SETTINGS, 1, "scaled_entries = k * x"),
    "solution in a public helper": ([(TESTS, HELPER, HELPER + "    answer = lambda x: float(np.einsum('nd->', x))\n")], TESTS, 13, "np . einsum"),
    "solution in a hint": ([(KNOWN, "Try k = 1: what must come out?", "Write scaled_entries = k * x")], KNOWN, 6, "scaled_entries = k * x"),
    "answer in what a mistake says": ([(KNOWN, "You add k where you should multiply.", "Q1 = 41734")], KNOWN, 5, "Q1 = 41734"),
    "answer in the handout": ([(PAGE, "Multiply.", "Hint: Q1 = 41734")], PAGE, 3, "Q1 = 41734"),
    "solution imported by a public test": ([(TESTS, "import numpy as np\n", "import numpy as np\nfrom scale import total as answer\n"),
                                            (TESTS, HELPER, HELPER + "    answer(0)\n")], TESTS, 4, "scale"),
    "solution imported by its name": ([(TESTS, HELPER, HELPER + "    __import__('scale')\n")], TESTS, 13, "scale"),
    "solution imported late": ([(TESTS, HELPER, HELPER + "    import importlib\n    importlib.import_module('scale')\n")], TESTS, 14, "scale"),
    "star import in the tests": ([(TESTS, "import numpy as np\n", "import numpy as np\nfrom math import *\n")], TESTS, 4, "math"),
    # hidden tests
    "hidden constant in a public helper": ([(TESTS, HELPER, HELPER + "    shift = 271828.5\n")], TESTS, 13, "271828.5"),
    "hidden constant in a demo": ([(DEMO, "print", "x = 271_828.5\nprint")], DEMO, 1, "271828.5"),
    "hidden constant written otherwise": ([(DEMO, "print", "x = 2.718285e5\nprint")], DEMO, 1, "271828.5"),
    "hidden seed in a public helper": ([(TESTS, "return rng.standard_normal(ODD_SIZES)", "return np.random.default_rng(77).normal(size=ODD_SIZES)"),
                                        (TESTS, HELPER, HELPER + "    rng = rng or np.random.default_rng(77)\n")], TESTS, 13, "77"),
    "hidden test named in the handout": ([(PAGE, "Multiply.", "See test_total_odd.")], PAGE, 3, "test_total_odd"),
    "hidden test named in a public one": ([(TESTS, '"""The sum."""', '"""The sum, see test_total_odd."""')], TESTS, 51, "test_total_odd"),
    # the secret, the machine
    "secret in a helper": ([(TESTS, HELPER, HELPER + f'    salt = "{SECRET}"\n')], TESTS, 13, SECRET),
    "secret in a fixture": ([(TESTS, "# ---- scale\n", f"@pytest.fixture\ndef salt():\n    return '{SECRET}'\n"), (TESTS, "def test_total(", "def test_total(salt, ")],
                            TESTS, 22, SECRET),
    "secret in the handout": ([(PAGE, "Multiply.", f"({SECRET})")], PAGE, 3, SECRET),
    "secret in what a mistake says": ([(KNOWN, "You add k where you should multiply.", SECRET)], KNOWN, 5, SECRET),
    "secret in the title of the course": ([(COURSE, 'title = "', f'title = "{SECRET} ')], COURSE, 2, SECRET),
    "path of the author's machine": ([(DEMO, "print", "open('/home/ada/solutions/scale.txt')\nprint")], DEMO, 1, "/home/ada"),
    "path of the author's Windows": ([(DEMO, "print", "open(r'C:\\Users\\ada\\scale.txt')\nprint")], DEMO, 1, "C:\\Users"),
    # what would not hold
    "test that zeros pass": ([(TESTS, "    x = entries(rng, n=4)\n", "    x = np.zeros((4, 3))\n")], TESTS, 50, "zeros"),
    "reference that fails": ([(TESTS, "reference.total(x), names=\"sum\", atol=1e-12)\n\n\n@part", "1.0, names=\"sum\", atol=1e-12)\n\n\n@part")],
                             TESTS, 48, "test_total"),
    "test that breaks": ([(TESTS, "x = entries(rng, n=4)", "x = 1 / 0")], TESTS, 52, "ZeroDivisionError"),
    "mistake that fits nowhere": ([(KNOWN, 'find = "k * x"', 'find = "k ** x"')], KNOWN, "added", "k ** x"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A course with mistakes and its release. Read only."""
    root = make_course(tmp_path_factory.mktemp("sabotage"))
    source = root / "solutions" / SCALE
    source.write_text(source.read_text().replace('"nd->"', "'nd->'"))
    write(root / "solutions" / KNOWN, MISTAKES)
    release(load_course(find_course(root)), (), root / "assignments")
    return root


@pytest.fixture
def root(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "course"))


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_a_sabotaged_source_is_refused_with_file_and_line(root, sabotage):
    edits, file, line, found = SABOTAGE[sabotage]
    for place, old, new in edits:
        replace_in(root / "solutions" / place, old, new)
    said = refusal(root)
    where = said.partition("\n")[0].rpartition(" @ ")[2]
    assert where.endswith(f":{line}") and where.rpartition(":")[0] in (f"solutions/{file}", str(root / "solutions" / file), Path(file).name), said
    assert found in said


@pytest.mark.parametrize("stray", ["scale.py.orig", "scale.py~", "scale.ipynb", "solution.md", ".#scale.py.txt/x", "scale.zip", "old/scale.py",
                                   ".ipynb_checkpoints/scale-checkpoint.ipynb", ".git/config"])
def test_a_stray_file_is_refused_or_stays_behind(root, stray):
    write(root / "solutions" / "scale" / stray, "Q1 = 41734\n")
    if stray.startswith("."):
        release(load_course(find_course(root)), (), root / "assignments")
        assert not any(b"41734" in data or stray in path for path, data in contents(root / "assignments").items())
    else:
        assert refusal(root).endswith(f" @ solutions/scale/{stray.partition('/')[0]}")


@pytest.mark.parametrize("value", [np.array(["Q1 = 41734"]), np.array([{"Q1": 41734}], dtype=object)], ids=["texts", "objects"])
def test_data_that_hold_more_than_numbers_are_refused(root, value):
    np.savez(root / "solutions" / "scale" / "data.npz", x=value)
    assert refusal(root).endswith(" @ solutions/scale/data.npz")


def notebook(**cell) -> bytes:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None} | cell
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.mark.parametrize(("cell", "found"), [
    ({"outputs": [{"output_type": "stream", "name": "stdout", "text": "41734"}]}, "41734"), ({"execution_count": 3}, "3"),
    ({"metadata": {"execution": {"iopub.status.busy": "2031"}}}, "execution"), ({"source": "scaled_entries = k * x"}, "scaled_entries"),
    ({"source": ["see ", "test_total_odd"]}, "test_total_odd"), ({"source": SECRET}, "secret")])
def test_a_notebook_with_outputs_or_answers_is_refused(made, cell, found):
    source = material.load(load_course(find_course(made)), "scale")
    files = make_exercise(source).files
    searching.search(source, files | {"scale.ipynb": notebook()}, recorded(source))
    with pytest.raises(CourseError, match="scale.ipynb:cell 1") as caught:
        searching.search(source, files | {"scale.ipynb": notebook(**cell)}, recorded(source))
    assert found in str(caught.value)
