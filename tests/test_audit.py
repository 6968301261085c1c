"""`grade audit` finds what is wrong with an exercise, each kind of flaw planted in a course of one exercise."""

import json
import os
import subprocess
import sys

import pytest

from grader.audit.audit import Audit, Campaign, work
from tests import toy

MISTAKE = '''
[[mistakes]]
name = "tripled"
part = "double"
edits = [{ find = "return 2.0 * x", replace = "return 3.0 * x" }]
says = "You take three times x."
hint = ["What is twice one?"]
'''
HIDDEN = '''
@part("double")
@pytest.mark.parametrize("n", [2, 5])
def test_double_hidden(student, reference, rng, n):
    """Other sizes."""
    x = rng.standard_normal((n, 7))
    assert_close(student.double(x), reference.double(x), names="y (N, D)")
'''


def audited(folder, mistakes: str = MISTAKE, reference: str = toy.REFERENCE, tests: str = toy.TESTS, settings: str = toy.SETTINGS) -> Audit:
    root = toy.course(folder, reference=reference, tests=tests, settings=settings)
    (root / "solutions" / "toy" / "mistakes.toml").write_text(mistakes)
    return work(Campaign(str(root), "toy", None, True))


def said(audit: Audit) -> dict[str, str]:
    return {note.check: note.what for note in audit.notes if note.blocks}


def test_a_sound_exercise_is_green(tmp_path):
    assert said(audited(tmp_path)) == {}


FLAWED = {
    "an edit that fits nowhere": ("edits", dict(mistakes=MISTAKE.replace("return 2.0 * x", "return 2.5 * x"))),
    "a mistake that hidden tests do not see": ("mistakes", dict(tests=toy.TESTS.replace(HIDDEN, ""))),
    "two mistakes that answer alike": ("diagnosis", dict(mistakes=MISTAKE + MISTAKE.replace("tripled", "thrice").replace("3.0 * x", "x * 3.0"))),
    "an equivalent that is none": ("equivalents", dict(mistakes=MISTAKE.replace("says = ", 'equivalent = "the same"\nsays = '))),
    "a slow mistake that is wrong": ("speed", dict(mistakes=MISTAKE.replace("says = ", "slow = true\nsays = "))),
    "a claim that is not true": ("claims", dict(mistakes=MISTAKE + 'claims = ["double(np.ones((1, 1)))[0, 0] == 3"]\n')),
    "a test that zeros pass": ("cheats", dict(tests=toy.TESTS + '''

@part("norm")
def test_norm_of_nothing(student, reference):
    """The norm of zeros."""
    assert_close(student.norm(np.zeros((2, 2))), reference.norm(np.zeros((2, 2))))
''')),
    "a result that rounding changes": ("rounding", dict(reference=toy.REFERENCE.replace("return 2.0 * x", "return 2.0 * x + 1e9 * ((x + x * 1e-7).sum() - x.sum() - 1e-7 * x.sum())"),
                                                        mistakes="")),
}


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_flaw_is_found(flaw, tmp_path):
    check, course = FLAWED[flaw]
    found = said(audited(tmp_path, **course))
    assert check in found, found


@pytest.mark.parametrize(("hint", "what"), [('["Think of two."]', "the first hint asks nothing"), ('["' + "What is twice one? " * 50 + '"]', "words, at most")])
def test_prose_is_a_warning_only(hint, what, tmp_path):
    audit = audited(tmp_path, mistakes=MISTAKE.replace('["What is twice one?"]', hint))
    assert audit.green and any(what in note.what for note in audit.notes if not note.blocks)


def test_the_command_exits_6_names_the_flaw_and_remembers(tmp_path):
    root = toy.course(tmp_path)
    (root / "solutions" / "toy" / "mistakes.toml").write_text(FLAWED["an edit that fits nowhere"][1]["mistakes"])

    def audit():
        environment = {k: v for k, v in os.environ.items() if k != "FORCE_COLOR"} | {"NO_COLOR": "1"}
        return subprocess.run([sys.executable, "-m", "grader", "-C", str(root), "audit", "--format", "json"], capture_output=True, text=True, env=environment)

    first, again = audit(), audit()
    assert first.returncode == again.returncode == 6 and first.stdout == again.stdout
    assert "fits nowhere" in first.stdout and "tripled" in first.stdout
    assert [json.loads(line) for line in first.stdout.splitlines()]
