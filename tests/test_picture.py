"""Pictures of a difference: each kind where it helps, drawn from what the test compared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.feedback.picture import MOST_ROWS, picture_of
from grader.testing.compare import compare


def picture(actual, expected, names=()):
    return picture_of(compare(actual, expected, names)[0], actual, expected, names)


def test_an_array_over_time_shows_the_norm_of_each_step():
    expected = np.ones((2, 4, 3))
    actual = expected.copy()
    actual[:, 1] = 0.0
    drawn = picture(actual, expected, "dx (N, T, D)")
    assert drawn.kind == "norm of dx over time"
    assert [row.split() for row in drawn.rows] == [["t=0", "yours", "2.449", "expected", "2.449", "right"], ["t=1", "yours", "0", "expected", "2.449", "differs"],
                                                   ["t=2", "yours", "2.449", "expected", "2.449", "right"], ["t=3", "yours", "2.449", "expected", "2.449", "right"]]


def test_a_long_time_shows_its_two_ends():
    drawn = picture(np.zeros((1, 40, 1)), np.ones((1, 40, 1)), "h (N, T, H)")
    assert len(drawn.rows) == MOST_ROWS + 1 and drawn.rows[0].startswith("t=0 ") and drawn.rows[-1].startswith("t=39 ") and "(28 steps between)" in drawn.rows


def test_several_wrong_results_become_a_table_with_their_names_and_factors():
    expected = (np.arange(1.0, 7.0).reshape(2, 3), np.ones(4), np.arange(3.0))
    drawn = picture((2 * expected[0], expected[1], expected[2] + 1), expected, ("dx (N, D)", "dw", "db"))
    assert drawn.kind == "result by result"
    assert drawn.rows == ("dx  largest error 1.0e+00 of the largest number, 2 times the expected", "dw  right", "db  largest error 5.0e-01 of the largest number")


def test_one_wrong_plane_becomes_a_map():
    expected = np.ones((1, 1, 3, 4))
    actual = expected.copy()
    actual[0, 0, 1, 2] = 5.0
    drawn = picture((actual, np.ones(2), np.ones(2)), (expected, np.ones(2), np.ones(2)), ("out (N, C, H, W)", "a", "b"))
    assert drawn.rows == ("|        |", "|    @@  |", "|        |")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(0, 4), max_size=4), st.floats(allow_nan=True, allow_infinity=True)), min_size=1, max_size=5))
def test_no_difference_of_any_shape_breaks_the_drawing(outputs):
    expected = tuple(np.ones(shape) for shape, _ in outputs)
    actual = tuple(np.full(shape, value) for shape, value in outputs)
    names = tuple(f"y{k} (N, T, H, W)" for k in range(len(outputs)))
    for finding in compare(actual, expected, names):
        drawn = picture_of(finding, actual, expected, names)
        assert drawn is None or all(isinstance(row, str) and "\n" not in row for row in drawn.rows)


@pytest.mark.parametrize("actual", ["text", None, ([1.0], 2.0), {"a": 1}])
def test_what_is_no_array_has_no_picture(actual):
    assert picture_of(compare(np.zeros(3), np.ones(3))[0], actual, np.ones(3), "y (N)") is None
