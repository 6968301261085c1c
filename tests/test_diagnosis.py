"""Diagnosis on a toy course: the mistake is named from the numbers, and nothing is said of right work."""

import pytest

from tests import toy

REFERENCE = '''
import numpy as np


def affine(x, w, b):
    """y = x w + b."""
    # BEGIN SOLUTION
    y = x @ w
    y = y + b
    return np.maximum(y, 0)
    # END SOLUTION


def twice(x, w, b):
    """affine, twice."""
    # BEGIN SOLUTION
    return 2 * affine(x, w, b)
    # END SOLUTION
'''

TESTS = '''
import numpy as np
import pytest
from grader.testing import assert_close, part, public, secondary

def inputs(rng, n, d):
    return rng.standard_normal((n, d)), rng.standard_normal((d, d)), rng.standard_normal(d)

@part("affine")
@public
@pytest.mark.parametrize("n, d", [(1, 3), (2, 3), (4, 4)])
def test_affine(student, reference, rng, n, d):
    """One layer."""
    a = inputs(rng, n, d)
    assert_close(student.affine(*a), reference.affine(*a), names="y (N, D)")

@part("affine")
def test_affine_hidden(student, reference, rng):
    """Larger."""
    a = inputs(rng, 7, 5)
    assert_close(student.affine(*a), reference.affine(*a))

@part("twice")
@public
def test_twice(student, reference, rng):
    """Twice."""
    a = inputs(rng, 3, 4)
    assert_close(student.twice(*a), reference.twice(*a))
'''

MISTAKES = '''
[[mistakes]]
name = "bias_missing"
part = "affine"
edits = [{ find = "y = y + b", replace = "y = y" }]
says = "You never add the bias."
hint = ["Which argument is not used?", "It is a vector."]

[[mistakes]]
name = "weight_transposed"
part = "affine"
edits = [{ find = "x @ w", replace = "x @ w.T" }]
says = "The weight is transposed."
hint = ["What is the shape of w?"]

[[mistakes]]
name = "no_relu"
part = "affine"
edits = [{ find = "return np.maximum(y, 0)", replace = "return y" }]
says = "Negative values stay."
hint = ["What happens to numbers below 0?"]

[[mistakes]]
name = "not_doubled"
part = "twice"
edits = [{ find = "return 2 * affine", replace = "return affine" }]
says = "It is not doubled."
hint = ["Twice?"]
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = toy.course(tmp_path_factory.mktemp("diagnosis"), reference=REFERENCE, tests=TESTS)
    (root / "solutions" / "toy" / "mistakes.toml").write_text(MISTAKES)
    return root


def affine(body: str, twice: str = "2 * affine(x, w, b)") -> str:
    return f"import numpy as np\ndef affine(x, w, b):\n    {body}\ndef twice(x, w, b):\n    return {twice}\n"


def said(root, text):
    return [(d.mistakes, d.certainty) for d in toy.mark(root, text)[0].diagnoses]


def test_a_single_mistake_is_named_and_said_once_although_it_fails_two_parts(root):
    report = toy.mark(root, affine("return np.clip(np.dot(x, w), 0, None)"))[0]
    [diagnosis] = report.diagnoses
    assert (diagnosis.mistakes, diagnosis.certainty) == (("bias_missing",), "certain")
    assert set(diagnosis.tests) == {"test_affine", "test_affine_hidden", "test_twice"}
    assert diagnosis.says == "You never add the bias." and diagnosis.hint == "Which argument is not used?"


def test_two_mistakes_of_one_function_are_named_as_a_pair(root):
    assert (("bias_missing", "no_relu"), "certain") in said(root, affine("return np.einsum('nd,de->ne', x, w)"))


def test_two_mistakes_of_two_functions_are_both_named(root):
    assert ("bias_missing",) in [m for m, _ in said(root, affine("return np.maximum(x @ w, 0)", "affine(x, w, b)"))]


def test_a_mistake_any_exercise_knows_is_named_without_an_author(root):
    assert said(root, affine("return -np.maximum(x @ w + b, 0)", "2 * abs(affine(x, w, b))")) == [(("negated",), "certain")]
    assert said(root, affine("return 3 * np.maximum(x @ w + b, 0)", "2 * np.maximum(x @ w + b, 0)")) == [(("constant_factor",), "certain")]


def test_a_mistake_in_float32_is_recognised_with_its_coarser_numbers(root):
    assert (("bias_missing",), "certain") in said(root, affine("return np.maximum(x.astype('f') @ w.astype('f'), 0)"))


def test_an_unknown_mistake_gets_no_name_but_the_contrast_of_right_and_wrong_cases(root):
    report = toy.mark(root, affine("return np.maximum(x @ w + b, 0) + (np.arange(5.0)[:len(w)] if len(x) > 1 else 0)", "2 * np.maximum(x @ w + b, 0)"))[0]
    assert not report.diagnoses
    assert report.contrasts[0].text == "Passes when n = 1, fails when n > 1."


def test_an_equal_exception_alone_is_never_certain(root):
    assert all(certainty != "certain" for _, certainty in said(root, affine("raise ValueError('x')")))


@pytest.mark.parametrize("body", ["return np.maximum(x @ w + b, 0)", "return np.where((z := x @ w + b) > 0, z, 0)", "return np.float32(x) * 0 + np.maximum(x @ w + b, 0)"])
def test_right_work_never_gets_a_diagnosis(root, body):
    report = toy.mark(root, affine(body))[0]
    assert report.score == 100 and not report.diagnoses and not report.contrasts


def test_a_passing_submission_pays_nothing(root, tmp_path):
    fresh = toy.course(tmp_path, reference=REFERENCE, tests=TESTS)
    (fresh / "solutions" / "toy" / "mistakes.toml").write_text(MISTAKES)
    toy.mark(fresh, affine("return np.maximum(x @ w + b, 0)"))
    assert not list((fresh / ".grade" / "cache").glob("*.known"))
