"""Comparing: whatever a worker may send is judged, named and drawn; nothing a student returns is a fault of ours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader import wire
from grader.feedback.picture import picture_of
from grader.testing.compare import compare
from grader.testing.relations import relation
from tests.test_wire import values

DTYPES = [np.dtype(code) for code in wire.DTYPES]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
EXTREME = st.sampled_from([0.0, -0.0, 5e-324, 4.566468536721193e-309, -1e-300, 1.0, 1e300, -1.7976931348623157e308, np.inf, -np.inf, np.nan])


def arrays(shape):
    """Of any dtype that can travel; floats also near the ends of their range."""
    return st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, shape) if dtype.kind != "f" or dtype.itemsize < 8
                                           else hnp.arrays(dtype, shape, elements=st.floats() | EXTREME))


same_shapes = SHAPES.flatmap(lambda shape: st.tuples(arrays(shape), arrays(shape)))


def judged(actual, expected, names=()):
    found = compare(actual, expected, names)
    for finding in found:
        drawn = picture_of(finding, actual, expected, names)
        assert finding.message and (drawn is None or all("\n" not in row for row in drawn.rows))
    return found


@settings(max_examples=400, deadline=None)
@given(same_shapes, st.sampled_from(["", "y", "h (N, T, H)", "y (N, C, H, W)"]))
def test_arrays_of_any_dtype_and_any_numbers_are_judged(pair, name):
    actual, expected = pair
    judged(actual, expected, name)
    assert compare(expected, expected, name) == ()


@settings(max_examples=200, deadline=None)
@given(st.lists(same_shapes, min_size=1, max_size=4))
def test_several_results_are_judged(pairs):
    judged(tuple(a for a, _ in pairs), tuple(e for _, e in pairs), tuple(f"y{k} (N, T)" for k in range(len(pairs))))


@settings(max_examples=300, deadline=None)
@given(values, values)
def test_any_value_is_judged_where_any_other_is_expected(actual, expected):
    judged(actual, expected)


@settings(max_examples=200, deadline=None)
@given(EXTREME | st.floats(), EXTREME | st.floats())
def test_any_number_is_judged_where_another_is_expected(actual, expected):
    for a, e in ((actual, expected), (np.asarray(actual), np.asarray(expected))):
        judged(a, e)


@pytest.mark.parametrize("actual, phrase", [(6.0, "2 times the expected"), (-1.5, "-1/2 times the expected"), (7.0, None), (0.0, None), (1e-309, None)])
def test_of_one_number_only_a_simple_factor_is_said(actual, phrase):
    assert relation(np.array([actual]), np.array([3.0])) == phrase
