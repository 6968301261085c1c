"""`grade hint`: rungs of the diagnosed mistake, one after the other, never a counter or a score."""

import shutil

from grader.hinting import Rung, next_rung
from tests import toy
from tests.test_cli import grade, write
from tests.test_diagnosis import MISTAKES, REFERENCE, TESTS, affine


def test_the_next_rung_comes_after_a_changed_file_or_two_minutes():
    first = next_rung(None, "bias", 3, "a", 0.0)
    assert first.place == 0
    assert next_rung(first, "bias", 3, "a", 60.0) is first
    assert next_rung(first, "bias", 3, "a", 121.0).place == 1
    assert next_rung(first, "bias", 3, "b", 1.0).place == 1
    assert next_rung(Rung(ladder="bias", place=2, sha256="a", at=0), "bias", 3, "b", 999.0).place == 2
    assert next_rung(first, "other", 3, "b", 1.0).place == 0


def test_hints_climb_the_mistakes_ladder_as_the_file_changes(tmp_path):
    root = toy.course(tmp_path / "course", reference=REFERENCE, tests=TESTS)
    (root / "solutions" / "toy" / "mistakes.toml").write_text(MISTAKES)
    text = affine("return np.maximum(x @ w, 0)")
    pages = [grade("hint", "toy", "--file", write(tmp_path, text + f"# try {k}\n"), cwd=root).stdout for k in (0, 0, 1, 2, 3)]
    assert pages[0] == pages[1] == "You never add the bias.\n"
    assert pages[2:] == ["Which argument is not used?\n", "It is a vector.\n", "It is a vector.\n"]
    assert not any(c.isdigit() for page in pages for c in page)
    assert "no hint is needed" in grade("hint", "toy", "--file", write(tmp_path, affine("return np.maximum(x @ w + b, 0)")), cwd=root).stdout
    shutil.rmtree(root / ".grade")


def test_the_hint_is_offered_after_three_runs_with_the_same_failure(tmp_path):
    grade("start", "mine", cwd=tmp_path)
    file = tmp_path / "mine" / "lstm" / "lstm.py"
    shutil.copy("tests/submissions/lstm/swapped_gates.py", file)
    pages = [grade("lstm", cwd=tmp_path / "mine").stdout for _ in range(3)]
    assert ["third run" in page for page in pages] == [False, False, True]
