"""Tests of gradient clipping. `grads` is a list of arrays, one for each parameter of a network."""

import numpy as np
import pytest

from grader.testing import (
    assert_close,
    assert_fresh,
    assert_raises,
    assert_unchanged,
    part,
    points,
    public,
    secondary,
)

NETWORK = ((4, 3), (4,), (2, 4))  # two layers: weight, bias, weight
NETWORKS = {
    "one_vector": ((9,),),
    "one_matrix": ((5, 2),),
    "two_layers": ((5, 3), (5,), (2, 5), (2,)),
    "equal_shapes": ((3, 3), (3, 3), (3, 3)),
    "convolution": ((4, 2, 3, 3), (4,), (3, 16), (1,)),
    "single_numbers": ((1,), (1, 1), (1,)),
}

# PyTorch adds 1e-6 to the norm before it divides: who does the same shall fail in one test and nowhere else.
CLOSE = dict(rtol=1e-5, why="the 1e-6 of PyTorch is judged by one test of its own")


def gradients(rng, norm, shapes=NETWORK):
    """A list of arrays whose norm together (p = 2) is `norm`."""
    arrays = [rng.standard_normal(shape) for shape in shapes]
    return [norm / joint_norm(arrays) * array for array in arrays]


def joint(arrays):
    """All entries of all arrays, as one long vector."""
    return np.concatenate([array.ravel() for array in arrays])


def joint_norm(arrays):
    """The norm (p = 2) of this vector."""
    return np.sqrt((joint(arrays) ** 2).sum())


def assert_arrays(actual, expected, **tolerance):
    """Two lists of arrays agree."""
    assert_close(actual, expected, names=tuple(f"clipped[{k}]" for k in range(len(expected))), **tolerance)


# Clipping by the norm -------------------------------------------------------------------------------------------------
# The second result, total_norm, has tests of its own: a wrong one costs their points only.


@part("clip_by_norm")
@public
@points(5)
def test_norm_tiny(student):
    """The example of the handout: norm 7, clipped to 3.5."""
    clipped, _ = student.clip_grad_norm([np.array([2.0, 3.0]), np.array([[6.0]])], 3.5)
    assert_arrays(clipped, [np.array([1.0, 1.5]), np.array([[3.0]])], **CLOSE)


@part("clip_by_norm")
@public
@points(7)
@pytest.mark.parametrize(("norm", "max_norm"), [(5.0, 2.0), (1.5, 0.5), (0.8, 0.7)])
def test_norm_one_array(student, reference, rng, norm, max_norm):
    """One matrix whose norm is above max_norm."""
    grads = gradients(rng, norm, shapes=((3, 4),))
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    expected, _ = reference.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, expected, **CLOSE)


@part("clip_by_norm")
@public
@points(9)
@pytest.mark.parametrize(("norm", "max_norm"), [(20.0, 1.0), (3.0, 2.0), (0.8, 0.7)])
def test_norm_network(student, reference, rng, norm, max_norm):
    """Several arrays, clipped together."""
    grads = gradients(rng, norm)
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    expected, _ = reference.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, expected, **CLOSE)


@part("clip_by_norm")
@public
@secondary
@points(3)
@pytest.mark.parametrize(("norm", "max_norm"), [(0.2, 0.5), (1.8, 2.0), (3.0, 50.0)])
def test_norm_within(student, rng, norm, max_norm):
    """A gradient whose norm is below max_norm stays as it is."""
    grads = gradients(rng, norm)
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, grads, **CLOSE)


@part("clip_by_norm")
@public
@secondary
@points(3)
@pytest.mark.parametrize("max_norm", [3.5, 50.0])
def test_total_norm_tiny(student, max_norm):
    """The second result is the norm before clipping: 7."""
    _, total_norm = student.clip_grad_norm([np.array([2.0, 3.0]), np.array([[6.0]])], max_norm)
    assert_close(total_norm, 7.0, names="total_norm", **CLOSE)


@part("clip_by_norm")
@public
@secondary
@points(1.5)
@pytest.mark.parametrize("max_norm", [0.5, 8.0])
def test_norm_float32(student, reference, rng, max_norm):
    """float32 stays float32."""
    grads = [grad.astype(np.float32) for grad in gradients(rng, 3.0)]
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    expected, _ = reference.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, expected, **CLOSE)


@part("clip_by_norm")
@public
@secondary
@points(1.5)
def test_norm_changes_nothing(student, rng):
    """The arguments are left as they were."""
    assert_unchanged(student.clip_grad_norm, gradients(rng, 3.0), 0.5)


@part("clip_by_norm")
@points(7)
@pytest.mark.parametrize("network", NETWORKS)
def test_norm_networks(student, reference, rng, network):
    """Gradients of other networks."""
    grads = gradients(rng, 40.0, NETWORKS[network])
    clipped, _ = student.clip_grad_norm(grads, 3.0)
    expected, _ = reference.clip_grad_norm(grads, 3.0)
    assert_arrays(clipped, expected, **CLOSE)


@part("clip_by_norm")
@points(5)
@pytest.mark.parametrize(("norm", "max_norm"), [(0.9, 0.85), (0.6, 0.4), (0.2, 0.1), (1.1, 0.9), (300.0, 0.1)])
def test_norm_sizes(student, reference, rng, norm, max_norm):
    """Norms and thresholds of other sizes."""
    grads = gradients(rng, norm)
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    expected, _ = reference.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, expected, **CLOSE)


@part("clip_by_norm")
@secondary
@points(2)
@pytest.mark.parametrize(("norm", "max_norm"), [(0.4, 0.5), (1.9, 2.0), (3.8, 4.0), (7.0, 1000.0)])
def test_norm_within_more(student, rng, norm, max_norm):
    """More gradients whose norm is below max_norm."""
    grads = gradients(rng, norm, NETWORKS["two_layers"])
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, grads, **CLOSE)


@part("clip_by_norm")
@secondary
@points(3)
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, np.inf])
@pytest.mark.parametrize("max_norm", [0.3, 2.5, 90.0])
def test_total_norm(student, reference, rng, max_norm, norm_type):
    """The second result."""
    grads = gradients(rng, 6.0)
    _, total_norm = student.clip_grad_norm(grads, max_norm, norm_type=norm_type)
    _, expected = reference.clip_grad_norm(grads, max_norm, norm_type=norm_type)
    assert_close(total_norm, expected, names="total_norm", **CLOSE)


@part("clip_by_norm")
@secondary
def test_norm_exactly_there(student):
    """A norm that is exactly max_norm."""
    grads = [np.array([-1.0, 4.0]), np.array([[8.0]])]
    clipped, _ = student.clip_grad_norm(grads, 9.0)
    assert_arrays(clipped, grads, **CLOSE)


@part("clip_by_norm")
@secondary
@points(1.5)
@pytest.mark.parametrize("max_norm", [0.5, 8.0])
def test_norm_returns_new_arrays(student, rng, max_norm):
    """The clipped arrays are new ones, the old ones as they were."""
    assert_fresh(student.clip_grad_norm, gradients(rng, 3.0), max_norm)
    assert_unchanged(student.clip_grad_norm, gradients(rng, 3.0), max_norm)


@part("clip_by_norm")
@secondary
@points(0.5)
def test_norm_tuple(student, reference, rng):
    """A tuple of arrays."""
    grads = tuple(gradients(rng, 3.0))
    clipped, _ = student.clip_grad_norm(grads, 0.5)
    expected, _ = reference.clip_grad_norm(grads, 0.5)
    assert_arrays(clipped, expected, **CLOSE)


# Clipping entry by entry ----------------------------------------------------------------------------------------------


@part("clip_by_value")
@public
@points(3)
def test_value_tiny(student):
    """Entries beyond 1 and -1 are cut."""
    grads = [np.array([0.5, -2.0, 1.5]), np.array([[-1.0, 3.0]])]
    assert_arrays(student.clip_grad_value(grads, 1.0), [np.array([0.5, -1.0, 1.0]), np.array([[-1.0, 1.0]])])


@part("clip_by_value")
@public
@points(2)
@pytest.mark.parametrize("limit", [0.3, 1.2])
def test_value(student, reference, rng, limit):
    """Several arrays."""
    grads = [2.0 * rng.standard_normal(shape) for shape in NETWORK]
    assert_arrays(student.clip_grad_value(grads, limit), reference.clip_grad_value(grads, limit))


@part("clip_by_value")
@points(3)
@pytest.mark.parametrize("network", ["one_vector", "two_layers", "convolution"])
@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_value_networks(student, reference, rng, network, limit):
    """Gradients of other networks."""
    grads = [rng.permutation(np.linspace(-4.0, 5.0, np.prod(shape))).reshape(shape) for shape in NETWORKS[network]]
    assert_arrays(student.clip_grad_value(grads, limit), reference.clip_grad_value(grads, limit))


@part("clip_by_value")
@secondary
@points(0.75)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_value_dtype(student, reference, rng, dtype):
    """float32 gives float32, integers give float64."""
    grads = [(4.0 * rng.standard_normal(shape)).astype(dtype) for shape in NETWORK]
    assert_arrays(student.clip_grad_value(grads, 2.5), reference.clip_grad_value(grads, 2.5))


@part("clip_by_value")
@secondary
@points(0.25)
def test_value_within(student, rng):
    """No entry is beyond the limit."""
    grads = gradients(rng, 3.0)
    assert_arrays(student.clip_grad_value(grads, 3.5), grads)


@part("clip_by_value")
@secondary
@points(0.25)
def test_value_empty(student):
    """No arrays, and arrays without entries."""
    assert_arrays(student.clip_grad_value([], 1.0), [])
    grads = [np.zeros((0, 3)), np.array([2.0])]
    assert_arrays(student.clip_grad_value(grads, 1.0), [np.zeros((0, 3)), np.array([1.0])])


@part("clip_by_value")
@secondary
@points(0.5)
@pytest.mark.parametrize("limit", [0.5, 3.5])
def test_value_returns_new_arrays(student, rng, limit):
    """The clipped arrays are new ones."""
    assert_fresh(student.clip_grad_value, gradients(rng, 3.0), limit)


@part("clip_by_value")
@secondary
@points(0.25)
def test_value_changes_nothing(student, rng):
    """The arguments are left as they were."""
    assert_unchanged(student.clip_grad_value, gradients(rng, 3.0), 0.5)


# Huge, tiny, zero, empty: each costs its own points only ------------------------------------------------------------


@part("robustness")
@public
@secondary
@points(2)
def test_zero_gradients(student):
    """A gradient of zeros stays, its norm is 0."""
    clipped, total_norm = student.clip_grad_norm([np.zeros((2, 3)), np.zeros(4)], 1.0)
    assert_arrays(clipped, [np.zeros((2, 3)), np.zeros(4)], atol=1e-12)
    assert_close(total_norm, 0.0, names="total_norm", atol=1e-12)


@part("robustness")
@public
@secondary
@points(2.5)
@pytest.mark.parametrize(("norm_type", "total_norm"), [(1.0, 11.0), (np.inf, 6.0)])
def test_norm_types_tiny(student, norm_type, total_norm):
    """The example of the handout, with p = 1 and p infinite."""
    grads = [np.array([2.0, 3.0]), np.array([[6.0]])]
    clipped, _ = student.clip_grad_norm(grads, 3.5, norm_type=norm_type)
    assert_arrays(clipped, [3.5 / total_norm * grad for grad in grads], **CLOSE)


@part("robustness")
@secondary
@points(2, per_case=True)
@pytest.mark.parametrize("norm_type", [1.0, 1.5, 3.0, np.inf])
def test_norm_types(student, reference, rng, norm_type):
    """Norms with other p."""
    grads = gradients(rng, 5.0)
    grads[1][2] = -6.0  # the largest entry is a negative one
    clipped, _ = student.clip_grad_norm(grads, 0.7, norm_type=norm_type)
    expected, _ = reference.clip_grad_norm(grads, 0.7, norm_type=norm_type)
    assert_arrays(clipped, expected, **CLOSE)


@part("robustness")
@secondary
@points(2)
def test_huge_float32(student, reference, rng):
    """Huge entries in float32."""
    grads = [grad.astype(np.float32) for grad in gradients(rng, 7e25)]
    clipped, _ = student.clip_grad_norm(grads, 5.0)
    expected, _ = reference.clip_grad_norm(grads, 5.0)
    assert_arrays(clipped, expected, **CLOSE)


@part("robustness")
@secondary
@points(2)
@pytest.mark.parametrize("norm_type", [2.0, 3.0])
@pytest.mark.parametrize("sign", [None, -1.0])
def test_huge_float64(student, reference, rng, norm_type, sign):
    """Huge entries in float64, of both signs and all of one."""
    grads = gradients(rng, 7e200)
    grads = [sign * abs(grad) for grad in grads] if sign else grads
    clipped, _ = student.clip_grad_norm(grads, 5.0, norm_type=norm_type)
    expected, _ = reference.clip_grad_norm(grads, 5.0, norm_type=norm_type)
    assert_arrays(clipped, expected, **CLOSE)


@part("robustness")
@secondary
def test_minute_entries(student, reference, rng):
    """Minute entries."""
    grads = gradients(rng, 7e-200)
    _, total_norm = student.clip_grad_norm(grads, 1.0)
    _, expected = reference.clip_grad_norm(grads, 1.0)
    assert_close(total_norm, expected, names="total_norm", **CLOSE)


@part("robustness")
@secondary
@pytest.mark.parametrize(("norm", "max_norm"), [(1e-3, 2e-4), (1e-6, 5e-7)])
def test_small_norms(student, reference, rng, norm, max_norm):
    """Small norms and still smaller thresholds."""
    grads = gradients(rng, norm)
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    expected, _ = reference.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, expected)


@part("robustness")
@secondary
@points(0.5)
@pytest.mark.parametrize("norm_type", [1.0, 2.0, np.inf])
def test_zero_gradients_of_all_types(student, norm_type):
    """More zeros."""
    grads = [np.zeros((3, 1), dtype=np.float32), np.zeros((2, 4))]
    clipped, total_norm = student.clip_grad_norm(grads, 0.5, norm_type=norm_type)
    assert_arrays(clipped, grads, atol=1e-12)
    assert_close(total_norm, 0.0, names="total_norm", atol=1e-12)


@part("robustness")
@secondary
@points(0.5)
@pytest.mark.parametrize("norm_type", [2.0, np.inf])
def test_no_arrays(student, norm_type):
    """An empty list."""
    clipped, total_norm = student.clip_grad_norm([], 1.0, norm_type=norm_type)
    assert_arrays(clipped, [])
    assert_close(total_norm, 0.0, names="total_norm", atol=1e-12)


@part("robustness")
@secondary
@points(0.5)
@pytest.mark.parametrize("norm_type", [2.0, np.inf])
def test_empty_arrays(student, reference, rng, norm_type):
    """Arrays without entries, among others."""
    grads = gradients(rng, 4.0, shapes=((0,), (3, 2), (2, 0, 4), (5,)))
    clipped, _ = student.clip_grad_norm(grads, 0.5, norm_type=norm_type)
    expected, _ = reference.clip_grad_norm(grads, 0.5, norm_type=norm_type)
    assert_arrays(clipped, expected, **CLOSE)


@part("robustness")
@secondary
@points(0.5)
@pytest.mark.parametrize("max_norm", [2.5, 500.0])
def test_integers(student, reference, rng, max_norm):
    """Integers give float64."""
    grads = [rng.integers(-9, 10, shape) for shape in NETWORK]
    clipped, _ = student.clip_grad_norm(grads, max_norm)
    expected, _ = reference.clip_grad_norm(grads, max_norm)
    assert_arrays(clipped, expected, **CLOSE)


@part("robustness")
@secondary
@points(0.5)
def test_mixed_dtypes(student, reference, rng):
    """Each array keeps its own dtype."""
    weight, bias, last_weight = gradients(rng, 4.0)
    grads = [weight, bias.astype(np.float32), last_weight]
    clipped, _ = student.clip_grad_norm(grads, 0.5)
    expected, _ = reference.clip_grad_norm(grads, 0.5)
    assert_arrays(clipped, expected, **CLOSE)


# What clipping keeps --------------------------------------------------------------------------------------------------


@part("direction")
@public
@secondary
@points(3)
@pytest.mark.parametrize("norm", [0.7, 1.4, 1.6, 60.0])
def test_result_has_the_smaller_norm(student, rng, norm):
    """All arrays together: the smaller one of norm and max_norm."""
    clipped, _ = student.clip_grad_norm(gradients(rng, norm), 1.5)
    assert_close(joint_norm(clipped), min(norm, 1.5), names="norm of clipped", **CLOSE)


@part("direction")
@public
@secondary
@points(2)
def test_result_has_the_same_direction(student, rng):
    """The long vector of all entries keeps its direction."""
    grads = gradients(rng, 6.0)
    clipped, _ = student.clip_grad_norm(grads, 1.5)
    parallel = joint_norm(clipped) * joint(grads)
    assert_close(joint_norm(grads) * joint(clipped), parallel, names="all entries of clipped, scaled", **CLOSE)


@part("direction")
@secondary
@points(1.5)
def test_cut_in_two(student, rng):
    """One array, cut into two: the same result."""
    (whole,) = gradients(rng, 6.0, shapes=((5, 4),))
    (clipped,), _ = student.clip_grad_norm([whole], 1.5)
    pieces, _ = student.clip_grad_norm([whole[:2], whole[2:]], 1.5)
    assert_close(joint(pieces), clipped.ravel(), names="the two pieces, joined", **CLOSE)


@part("direction")
@secondary
def test_order_of_arrays(student, rng):
    """The arrays in another order."""
    grads = gradients(rng, 6.0)
    clipped, _ = student.clip_grad_norm(grads, 1.5)
    backwards, _ = student.clip_grad_norm(grads[::-1], 1.5)
    assert_arrays(backwards[::-1], clipped, **CLOSE)


@part("direction")
@secondary
def test_ten_times(student, rng):
    """Ten times the gradient."""
    grads = gradients(rng, 6.0)
    clipped, _ = student.clip_grad_norm(grads, 1.5)
    clipped_ten_times, _ = student.clip_grad_norm([10.0 * grad for grad in grads], 1.5)
    assert_arrays(clipped_ten_times, clipped, **CLOSE)


@part("direction")
@secondary
@points(1.5)
def test_clipped_twice(student, rng):
    """Clipping what is clipped."""
    clipped, _ = student.clip_grad_norm(gradients(rng, 6.0), 1.5)
    again, _ = student.clip_grad_norm(clipped, 1.5)
    assert_arrays(again, clipped, **CLOSE)


# A detective's case ---------------------------------------------------------------------------------------------------


@part("detective")
@public
@points(2)
@pytest.mark.parametrize(("norm", "threshold", "outcome"), [(7.0, 3.5, 0.5), (5.0, 10.0, 2.0)])
def test_outcome_tiny(student, norm, threshold, outcome):
    """Two gradients, to be followed by hand."""
    assert_close(student.squared_norm_outcome(norm, threshold), outcome, names="norm afterwards")


@part("detective")
@points(3)
@pytest.mark.parametrize(
    ("norm", "threshold"), [(10.0, 0.5), (0.8, 0.5), (0.6, 0.5), (0.25, 0.0625), (1.5, 2.0), (3.0, 4.0), (200.0, 40.0)]
)
def test_outcome(student, reference, norm, threshold):
    """More gradients and thresholds."""
    expected = reference.squared_norm_outcome(norm, threshold)
    assert_close(student.squared_norm_outcome(norm, threshold), expected, names="norm afterwards")


# Questions ------------------------------------------------------------------------------------------------------------


@part("questions")
@points(5, per_case=True)
@pytest.mark.parametrize("question", ["Q1", "Q2", "Q3", "Q4", "Q5"])
def test_question(student, reference, question):
    """Questions about clipping."""
    answer = reference.value(question)
    assert_close(student.value(question), answer, names=question, rtol=1e-2, why="three digits are enough")


# Input checks ---------------------------------------------------------------------------------------------------------


@part("checks")
@public
@secondary
@points(2.5)
@pytest.mark.parametrize("max_norm", [0.0, -1.0])
def test_max_norm_check(student, rng, max_norm):
    """A max_norm that is not positive: the error names it."""
    assert_raises(student.clip_grad_norm, gradients(rng, 3.0), max_norm, error="ValueError", naming="max_norm")


@part("checks")
@secondary
@points(1)
@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("function", ["clip_grad_norm", "clip_grad_value"])
def test_finite_check(student, rng, function, entry):
    """An entry that is not finite."""
    grads = gradients(rng, 3.0)
    grads[1][2] = entry
    assert_raises(getattr(student, function), grads, 1.0, error="ValueError", naming="grads")


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("function", ["clip_grad_norm", "clip_grad_value"])
def test_list_check(student, rng, function):
    """One array where a list is expected."""
    assert_raises(getattr(student, function), rng.standard_normal((3, 4)), 1.0, error="ValueError", naming="grads")


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize(
    ("argument", "value"),
    [("max_norm", np.nan), ("max_norm", np.inf), ("norm_type", 0.0), ("norm_type", -2.0), ("norm_type", np.nan)],
)
def test_norm_checks(student, rng, argument, value):
    """More bad numbers."""
    numbers = {"max_norm": 1.0, "norm_type": 2.0, argument: value}
    assert_raises(student.clip_grad_norm, gradients(rng, 3.0), **numbers, error="ValueError", naming=argument)


@part("checks")
@secondary
@points(0.25)
@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan])
def test_limit_check(student, rng, limit):
    """A bad limit."""
    assert_raises(student.clip_grad_value, gradients(rng, 3.0), limit, error="ValueError", naming="limit")


@part("checks")
@secondary
@points(0.25)
@pytest.mark.parametrize(
    ("argument", "value"), [("norm", 0.0), ("norm", -3.0), ("threshold", 0.0), ("threshold", -1.0)]
)
def test_outcome_checks(student, argument, value):
    """Bad numbers for the case."""
    numbers = {"norm": 3.0, "threshold": 2.0, argument: value}
    assert_raises(student.squared_norm_outcome, **numbers, error="ValueError", naming=argument)
