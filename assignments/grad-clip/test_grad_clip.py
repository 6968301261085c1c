"""Tests of gradient clipping. `grads` is a list of arrays, one for each parameter of a network."""

import numpy as np
import pytest

from grader.testing import (
    assert_close,
    assert_raises,
    assert_unchanged,
    part,
    points,
    public,
    secondary,
)

NETWORK = ((4, 3), (4,), (2, 4))  # two layers: weight, bias, weight

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


# A detective's case ---------------------------------------------------------------------------------------------------


@part("detective")
@public
@points(2)
@pytest.mark.parametrize(("norm", "threshold", "outcome"), [(7.0, 3.5, 0.5), (5.0, 10.0, 2.0)])
def test_outcome_tiny(student, norm, threshold, outcome):
    """Two gradients, to be followed by hand."""
    assert_close(student.squared_norm_outcome(norm, threshold), outcome, names="norm afterwards")


# Input checks ---------------------------------------------------------------------------------------------------------


@part("checks")
@public
@secondary
@points(2.5)
@pytest.mark.parametrize("max_norm", [0.0, -1.0])
def test_max_norm_check(student, rng, max_norm):
    """A max_norm that is not positive: the error names it."""
    assert_raises(student.clip_grad_norm, gradients(rng, 3.0), max_norm, error="ValueError", naming="max_norm")
