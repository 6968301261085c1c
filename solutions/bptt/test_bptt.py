"""Tests of backpropagation through time. Shapes: N batch, T steps, D inputs, H hidden units."""

import numpy as np
import pytest

from grader.testing import (
    Source,
    assert_close,
    assert_gradient,
    assert_raises,
    assert_unchanged,
    chain,
    part,
    points,
    public,
    secondary,
)

STATES = "h (N, T, H)"
SLOPE = {"names": "gradient", "rtol": 1e-6, "why": "differences of rounded numbers"}
STEP_GRADIENTS = ("dx_t (N, D)", "dh_prev (N, H)", "dw_ih (H, D)", "dw_hh (H, H)", "db (H)")
GRADIENTS = ("dx (N, T, D)", "dh0 (N, H)", "dw_ih (H, D)", "dw_hh (H, H)", "db (H)")

FORWARD = ("x", "h0", "w_ih", "w_hh", "b")
STEP_BACKWARD = ("dh", "x_t", "h_prev", "h_t", "w_ih", "w_hh")
BACKWARD = ("dh", "x", "h0", "h", "w_ih", "w_hh")

STEP_SIZES = ((3, 2, 4), (2, 5, 3), (2, 3, 3), (1, 3, 2), (3, 1, 2), (2, 3, 1))  # N, D, H
SEQUENCE_SIZES = ((3, 5, 2, 4), (2, 1, 4, 3), (2, 4, 3, 3), (1, 4, 3, 2), (3, 4, 1, 2), (2, 5, 3, 1))  # N, T, D, H


# Inputs ---------------------------------------------------------------------------------------------------------------


def weights(rng, inputs, hidden):
    """w_ih, w_hh, b of a network that neither saturates nor forgets at once."""
    return tuple(0.7 * rng.standard_normal(shape) for shape in ((hidden, inputs), (hidden, hidden), (hidden,)))


def forward_arguments(rng, batch=3, steps=5, inputs=2, hidden=4):
    """x, h0, w_ih, w_hh, b."""
    x, h0 = rng.standard_normal((batch, steps, inputs)), rng.standard_normal((batch, hidden))
    return x, h0, *weights(rng, inputs, hidden)


def step_arguments(rng, batch=3, inputs=2, hidden=4):
    """dh, x_t, h_prev, h_t, w_ih, w_hh; the states are any numbers between -1 and 1."""
    dh, x_t = rng.standard_normal((batch, hidden)), rng.standard_normal((batch, inputs))
    h_prev, h_t = rng.uniform(-0.9, 0.9, (2, batch, hidden))
    w_ih, w_hh, _ = weights(rng, inputs, hidden)
    return dh, x_t, h_prev, h_t, w_ih, w_hh


def backward_arguments(rng, reference, batch=3, steps=5, inputs=2, hidden=4, loss_at=slice(None), scale=1.0):
    """dh, x, h0, h, w_ih, w_hh; dh is zero but at the steps `loss_at`."""
    x, h0, w_ih, w_hh, b = forward_arguments(rng, batch, steps, inputs, hidden)
    dh = np.zeros((batch, steps, hidden))
    dh[:, loss_at] = scale * rng.standard_normal(dh[:, loss_at].shape)
    return dh, x, h0, reference.rnn_forward(x, h0, w_ih, w_hh, b), w_ih, w_hh


def tiny_network():
    """The example of the handout, one number each: x, h0, w_ih, w_hh, b."""
    return np.array([[[1.0], [2.0]]]), np.array([[0.5]]), np.array([[0.5]]), np.array([[2.0]]), np.array([-1.0])


def float32(arrays):
    """The arrays in single precision."""
    return tuple(array.astype(np.float32) for array in arrays)


def one_longer(arguments, k, axis):
    """The arguments, of which number k is one longer along an axis."""
    shape = [size + (a == axis) for a, size in enumerate(arguments[k].shape)]
    return *arguments[:k], np.ones(shape), *arguments[k + 1 :]


# Forward --------------------------------------------------------------------------------------------------------------


@part("forward")
@public
@points(3)
def test_forward_tiny(student):
    """The example of the handout: two steps."""
    expected = np.array([[[0.4621], [0.7279]]])
    h = student.rnn_forward(*tiny_network())
    assert_close(h, expected, names=STATES, rtol=3e-4, why="rounded to four digits")


@part("forward")
@public
@points(5)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("steps", [1, 3])
def test_forward(student, reference, rng, batch, steps):
    """All states of a small network."""
    arguments = forward_arguments(rng, batch=batch, steps=steps, inputs=3, hidden=2)
    assert_close(student.rnn_forward(*arguments), reference.rnn_forward(*arguments), names=STATES)


@part("forward")
@public
@points(1)
def test_forward_goes_on(student, reference, rng):
    """Steps 3 to 5 from h_2 are those of the whole sequence."""
    x, h0, *weights_and_bias = forward_arguments(rng, batch=2, steps=5, inputs=3, hidden=2)
    h = reference.rnn_forward(x, h0, *weights_and_bias)
    assert_close(student.rnn_forward(x[:, 2:], h[:, 1], *weights_and_bias), h[:, 2:], names=STATES)


@part("forward")
@points(7)
@pytest.mark.parametrize(("batch", "steps", "inputs", "hidden"), SEQUENCE_SIZES)
def test_forward_sizes(student, reference, rng, batch, steps, inputs, hidden):
    """Networks of other sizes."""
    arguments = forward_arguments(rng, batch, steps, inputs, hidden)
    assert_close(student.rnn_forward(*arguments), reference.rnn_forward(*arguments), names=STATES)


@part("forward")
@points(2)
def test_forward_from_zero_state(student, reference, rng):
    """A sequence that starts from zeros."""
    x, h0, *weights_and_bias = forward_arguments(rng)
    arguments = x, 0.0 * h0, *weights_and_bias
    assert_close(student.rnn_forward(*arguments), reference.rnn_forward(*arguments), names=STATES)


@part("forward")
@secondary
def test_forward_float32(student, reference, rng):
    """Forward: float32 stays float32."""
    arguments = float32(forward_arguments(rng))
    assert_close(student.rnn_forward(*arguments), reference.rnn_forward(*arguments), names=STATES)


@part("forward")
@secondary
def test_forward_changes_nothing(student, rng):
    """Forward leaves its arguments as they were."""
    assert_unchanged(student.rnn_forward, *forward_arguments(rng))


# A gradient by small steps --------------------------------------------------------------------------------------------


@part("gradient_check")
@public
def test_numerical_gradient_tiny(student):
    """The sum of cubes at (1, 2), with eps = 0.1."""
    gradient = student.numerical_gradient(Source("lambda x: (x**3).sum()"), np.array([1.0, 2.0]), 0.1)
    assert_close(gradient, np.array([3.01, 12.01]), **SLOPE)


@part("gradient_check")
@public
def test_numerical_gradient(student, reference, rng):
    """A function of a matrix, with the default eps."""
    arguments = Source("lambda x: np.sin(x).prod()"), rng.uniform(0.5, 1.5, (2, 3))
    assert_close(student.numerical_gradient(*arguments), reference.numerical_gradient(*arguments), **SLOPE)


@part("gradient_check")
@public
@secondary
@points(0.5)
def test_numerical_gradient_changes_nothing(student, rng):
    """After the call x holds the same numbers."""
    x = rng.uniform(0.5, 1.5, (2, 3))
    assert_unchanged(student.numerical_gradient, Source("lambda x: np.sin(x).prod()"), x)


@part("gradient_check")
@points(1.5)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_numerical_gradient_axes(student, reference, rng, axes):
    """Arrays with one, two and three axes."""
    arguments = Source("lambda x: np.exp(x[0] - 2 * x[-1]).sum() * x.mean()"), rng.uniform(0.5, 1.5, (4, 3, 2)[:axes])
    assert_close(student.numerical_gradient(*arguments), reference.numerical_gradient(*arguments), **SLOPE)


@part("gradient_check")
@pytest.mark.parametrize("eps", [0.3, 1e-4])
def test_numerical_gradient_eps(student, reference, rng, eps):
    """Another step."""
    arguments = Source("lambda x: (x**5).sum() + x[0, 0] ** 2 * x[1, 2]"), rng.uniform(0.5, 1.5, (2, 3)), eps
    assert_close(student.numerical_gradient(*arguments), reference.numerical_gradient(*arguments), **SLOPE)


# One step back --------------------------------------------------------------------------------------------------------


@part("step_backward")
@public
@points(3)
def test_step_tiny(student):
    """The example of the handout: its second step."""
    dh, x_t, h_prev, h_t = (np.array([[number]]) for number in (1.0, 2.0, 0.46211716, 0.72789440))
    gradients = student.rnn_step_backward(dh, x_t, h_prev, h_t, np.array([[0.5]]), np.array([[2.0]]))
    expected = *(np.array([[number]]) for number in (0.2351, 0.9403, 0.9403, 0.2173)), np.array([0.4702])
    assert_close(gradients, expected, names=STEP_GRADIENTS, rtol=5e-4, why="rounded to four digits")


@part("step_backward")
@public
@points(3)
@pytest.mark.parametrize("batch", [1, 2])
def test_step(student, reference, rng, batch):
    """The five gradients of one step."""
    arguments = step_arguments(rng, batch=batch, inputs=3, hidden=2)
    assert_close(student.rnn_step_backward(*arguments), reference.rnn_step_backward(*arguments), names=STEP_GRADIENTS)


@part("step_backward")
@public
@points(2)
def test_step_is_the_slope(student, reference, rng):
    """The loss changes as the gradients of a step say."""
    x, h0, w_ih, w_hh, b = forward_arguments(rng, batch=2, steps=1, inputs=3, hidden=2)
    dh = rng.standard_normal((2, 2))

    def loss(x_t, *others):
        return (reference.rnn_forward(x_t[:, None], *others)[:, 0] * dh).sum()

    h = reference.rnn_forward(x, h0, w_ih, w_hh, b)
    gradients = student.rnn_step_backward(dh, x[:, 0], h0, h[:, 0], w_ih, w_hh)
    assert_gradient(loss, (x[:, 0], h0, w_ih, w_hh, b), gradients, rng, names=STEP_GRADIENTS)


@part("step_backward")
@points(3, per_case=True)
@pytest.mark.parametrize("gradient", STEP_GRADIENTS)
def test_each_step_gradient(student, reference, rng, gradient):
    """Each gradient of a step by itself."""
    arguments = step_arguments(rng)
    k = STEP_GRADIENTS.index(gradient)
    actual, expected = student.rnn_step_backward(*arguments), reference.rnn_step_backward(*arguments)
    assert_close(actual[k], expected[k], names=gradient)


@part("step_backward")
@points(2)
@pytest.mark.parametrize(("batch", "inputs", "hidden"), STEP_SIZES)
def test_step_sizes(student, reference, rng, batch, inputs, hidden):
    """The five gradients of a step at other sizes."""
    arguments = step_arguments(rng, batch, inputs, hidden)
    assert_close(student.rnn_step_backward(*arguments), reference.rnn_step_backward(*arguments), names=STEP_GRADIENTS)


@part("step_backward")
@points(1)
def test_step_large(student, reference, rng):
    """A step of a large loss."""
    dh, *rest = step_arguments(rng)
    arguments = 30.0 * dh, *rest
    assert_close(student.rnn_step_backward(*arguments), reference.rnn_step_backward(*arguments), names=STEP_GRADIENTS)


@part("step_backward")
@secondary
@points(0.5)
def test_step_float32(student, reference, rng):
    """One step back: float32 stays float32."""
    arguments = float32(step_arguments(rng))
    assert_close(student.rnn_step_backward(*arguments), reference.rnn_step_backward(*arguments), names=STEP_GRADIENTS)


@part("step_backward")
@secondary
@points(0.5)
def test_step_changes_nothing(student, rng):
    """One step back leaves its arguments as they were."""
    assert_unchanged(student.rnn_step_backward, *step_arguments(rng))


# All steps back -------------------------------------------------------------------------------------------------------


@part("bptt")
@public
@points(4)
def test_bptt_tiny(student):
    """The example of the handout: two steps, a loss at each."""
    x, h0, w_ih, w_hh, _ = tiny_network()
    h = np.array([[[0.46211716], [0.72789440]]])
    gradients = student.bptt(np.ones((1, 2, 1)), x, h0, h, w_ih, w_hh)
    dx, dh0, dw_ih = np.array([[[0.7630], [0.2351]]]), np.array([[3.0520]]), np.array([[2.4663]])
    expected = dx, dh0, dw_ih, np.array([[0.9803]]), np.array([1.9961])
    assert_close(gradients, expected, names=GRADIENTS, rtol=5e-4, why="rounded to four digits")


@part("bptt")
@public
@points(5)
@pytest.mark.parametrize("loss_at", ["first", "last", "all"])
@pytest.mark.parametrize("steps", [1, 3])
def test_bptt(student, reference, rng, steps, loss_at):
    """A loss at the first, the last, or all steps."""
    where = {"first": 0, "last": -1, "all": slice(None)}[loss_at]
    arguments = backward_arguments(rng, reference, batch=2, steps=steps, inputs=3, hidden=2, loss_at=where)
    assert_close(student.bptt(*arguments), reference.bptt(*arguments), names=GRADIENTS)


@part("bptt")
@public
@points(4)
def test_bptt_is_the_slope(student, reference, rng):
    """The loss changes as the gradients say."""
    x, h0, w_ih, w_hh, b = forward_arguments(rng, batch=2, steps=3, inputs=3, hidden=2)
    dh = rng.standard_normal((2, 3, 2))

    def loss(*at):
        return (reference.rnn_forward(*at) * dh).sum()

    h = reference.rnn_forward(x, h0, w_ih, w_hh, b)
    assert_gradient(loss, (x, h0, w_ih, w_hh, b), student.bptt(dh, x, h0, h, w_ih, w_hh), rng, names=GRADIENTS)


@part("bptt")
@public
@points(3)
def test_bptt_without_w_hh(student, reference, rng):
    """With w_hh = 0 each step stands alone: dx is easy to see."""
    x, h0, w_ih, w_hh, b = forward_arguments(rng, batch=2, steps=3, inputs=1, hidden=1)
    dh = rng.standard_normal((2, 3, 1))
    h = reference.rnn_forward(x, h0, w_ih, 0.0 * w_hh, b)
    dx, *_ = student.bptt(dh, x, h0, h, w_ih, 0.0 * w_hh)
    assert_close(dx, dh * (1 - h**2) * w_ih[0, 0], names="dx (N, T, D)")


@part("bptt")
@points(5, per_case=True)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_each_gradient(student, reference, rng, gradient):
    """Each gradient of a sequence by itself."""
    arguments = backward_arguments(rng, reference)
    k = GRADIENTS.index(gradient)
    actual, expected = student.bptt(*arguments), reference.bptt(*arguments)
    assert_close(actual[k], expected[k], names=gradient)


@part("bptt")
@points(4)
@pytest.mark.parametrize(("batch", "steps", "inputs", "hidden"), SEQUENCE_SIZES)
def test_bptt_sizes(student, reference, rng, batch, steps, inputs, hidden):
    """The five gradients of sequences of other sizes."""
    arguments = backward_arguments(rng, reference, batch, steps, inputs, hidden)
    assert_close(student.bptt(*arguments), reference.bptt(*arguments), names=GRADIENTS)


@part("bptt")
@points(3)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_bptt_of_one_loss(student, reference, rng, step):
    """A loss at one of five steps."""
    arguments = backward_arguments(rng, reference, loss_at=step - 1)
    assert_close(student.bptt(*arguments), reference.bptt(*arguments), names=GRADIENTS)


@part("bptt")
@points(2)
def test_bptt_large(student, reference, rng):
    """The gradients of a large loss."""
    arguments = backward_arguments(rng, reference, scale=30.0)
    assert_close(student.bptt(*arguments), reference.bptt(*arguments), names=GRADIENTS)


@part("bptt")
@points(2)
def test_bptt_from_zero_state(student, reference, rng):
    """The gradients of a sequence that starts from zeros."""
    x, h0, w_ih, w_hh, b = forward_arguments(rng)
    h = reference.rnn_forward(x, 0.0 * h0, w_ih, w_hh, b)
    arguments = rng.standard_normal(h.shape), x, 0.0 * h0, h, w_ih, w_hh
    assert_close(student.bptt(*arguments), reference.bptt(*arguments), names=GRADIENTS)


@part("bptt")
@chain
def test_forward_then_bptt(student, reference, rng):
    """The way back with your own states."""
    (x, h0, w_ih, w_hh, b), dh = forward_arguments(rng), rng.standard_normal((3, 5, 4))
    gradients = student.bptt(dh, x, h0, student.rnn_forward(x, h0, w_ih, w_hh, b), w_ih, w_hh)
    expected = reference.bptt(dh, x, h0, reference.rnn_forward(x, h0, w_ih, w_hh, b), w_ih, w_hh)
    assert_close(gradients, expected, names=GRADIENTS)


@part("bptt")
@secondary
def test_bptt_float32(student, reference, rng):
    """All steps back: float32 stays float32."""
    arguments = float32(backward_arguments(rng, reference))
    assert_close(student.bptt(*arguments), reference.bptt(*arguments), names=GRADIENTS)


@part("bptt")
@secondary
def test_bptt_changes_nothing(student, reference, rng):
    """The way back leaves its arguments as they were."""
    assert_unchanged(student.bptt, *backward_arguments(rng, reference))


# Truncated ------------------------------------------------------------------------------------------------------------


@part("tbptt")
@public
@points(2)
def test_tbptt_tiny(student):
    """The example of the handout with k = 1."""
    x, h0, w_ih, w_hh, _ = tiny_network()
    h = np.array([[[0.46211716], [0.72789440]]])
    gradients = student.tbptt(np.ones((1, 2, 1)), x, h0, h, w_ih, w_hh, 1)
    dx, dh0, dw_ih = np.array([[[0.3932], [0.2351]]]), np.array([[1.5729]]), np.array([[1.7268]])
    expected = dx, dh0, dw_ih, np.array([[0.6105]]), np.array([1.2566])
    assert_close(gradients, expected, names=GRADIENTS, rtol=5e-4, why="rounded to four digits")


@part("tbptt")
@public
@points(4)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_tbptt(student, reference, rng, k):
    """Four steps, a loss at each, and windows of k steps."""
    arguments = *backward_arguments(rng, reference, batch=2, steps=4, inputs=3, hidden=2), k
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS)


@part("tbptt")
@public
@secondary
@points(1)
@pytest.mark.parametrize("k", [3, 8])
def test_tbptt_without_truncation(student, reference, rng, k):
    """Three steps: from k = 3 on nothing is cut off."""
    arguments = backward_arguments(rng, reference, batch=2, steps=3, inputs=3, hidden=2)
    assert_close(student.tbptt(*arguments, k), reference.bptt(*arguments), names=GRADIENTS)


@part("tbptt")
@points(3)
@pytest.mark.parametrize("k", [1, 2, 3, 5, 6])
def test_tbptt_windows(student, reference, rng, k):
    """Seven steps and windows of other lengths."""
    arguments = *backward_arguments(rng, reference, steps=7), k
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS)


@part("tbptt")
@points(1)
@pytest.mark.parametrize(("batch", "steps", "inputs", "hidden"), SEQUENCE_SIZES)
def test_tbptt_sizes(student, reference, rng, batch, steps, inputs, hidden):
    """Windows of two steps at other sizes."""
    arguments = *backward_arguments(rng, reference, batch, steps, inputs, hidden), 2
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS)


@part("tbptt")
@points(1)
@pytest.mark.parametrize("step", [1, 3, 4, 6])
def test_tbptt_of_one_loss(student, reference, rng, step):
    """A loss at one of six steps, and its window."""
    arguments = *backward_arguments(rng, reference, steps=6, loss_at=step - 1), 3
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS, atol=1e-12)  # dh0 may be 0


@part("tbptt")
@points(1)
@pytest.mark.parametrize("k", [5, 6, 40])
def test_tbptt_of_all_steps(student, reference, rng, k):
    """Windows as long as the sequence, and longer."""
    arguments = *backward_arguments(rng, reference), k
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS)


@part("tbptt")
@points(1)
def test_tbptt_large(student, reference, rng):
    """Windows of a large loss."""
    arguments = *backward_arguments(rng, reference, scale=30.0), 3
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS)


@part("tbptt")
@secondary
@points(0.5)
def test_tbptt_float32(student, reference, rng):
    """Truncated: float32 stays float32."""
    arguments = *float32(backward_arguments(rng, reference)), 3
    assert_close(student.tbptt(*arguments), reference.tbptt(*arguments), names=GRADIENTS)


@part("tbptt")
@secondary
@points(0.5)
def test_tbptt_changes_nothing(student, reference, rng):
    """The truncated way back leaves its arguments as they were."""
    assert_unchanged(student.tbptt, *backward_arguments(rng, reference), 3)


# Questions ------------------------------------------------------------------------------------------------------------


@part("questions")
@points(5, per_case=True)
@pytest.mark.parametrize("question", ["Q1", "Q2", "Q3", "Q4", "Q5"])
def test_question(student, reference, question):
    """Questions about time."""
    answer = reference.value(question)
    assert_close(student.value(question), answer, names=question, rtol=1e-2, why="three digits are enough")


# Input checks ---------------------------------------------------------------------------------------------------------


@part("checks")
@public
@secondary
@points(2)
@pytest.mark.parametrize(
    ("argument", "axis"), [("h0", 0), ("h0", 1), ("w_ih", 0), ("w_ih", 1), ("w_hh", 0), ("w_hh", 1), ("b", 0)]
)
def test_forward_checks(student, rng, argument, axis):
    """One argument is too long: the error names it."""
    arguments = one_longer(forward_arguments(rng, batch=2, steps=3, inputs=3, hidden=2), FORWARD.index(argument), axis)
    assert_raises(student.rnn_forward, *arguments, error="ValueError", naming=argument)


@part("checks")
@public
@secondary
@points(0.5)
@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_window_checks(student, reference, rng, k):
    """A window that is no positive whole number of steps."""
    arguments = backward_arguments(rng, reference, batch=2, steps=3, inputs=3, hidden=2)
    assert_raises(student.tbptt, *arguments, k, error="ValueError", naming="k")


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize(("argument", "axis"), [("dh", 0), ("h_prev", 1), ("h_t", 0), ("w_ih", 1), ("w_hh", 0)])
def test_step_checks(student, rng, argument, axis):
    """Arrays that do not fit the step."""
    arguments = one_longer(step_arguments(rng), STEP_BACKWARD.index(argument), axis)
    assert_raises(student.rnn_step_backward, *arguments, error="ValueError", naming=argument)


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize(
    ("argument", "axis"), [("dh", 1), ("dh", 2), ("h0", 0), ("h", 1), ("h", 2), ("w_ih", 1), ("w_hh", 0)]
)
def test_bptt_checks(student, reference, rng, argument, axis):
    """Arrays that do not fit the sequence."""
    arguments = one_longer(backward_arguments(rng, reference), BACKWARD.index(argument), axis)
    assert_raises(student.bptt, *arguments, error="ValueError", naming=argument)


@part("checks")
@secondary
@points(0.25)
@pytest.mark.parametrize(("argument", "axis"), [("dh", 1), ("h0", 1), ("h", 0), ("w_ih", 0)])
def test_tbptt_checks(student, reference, rng, argument, axis):
    """Arrays that do not fit the truncated sequence."""
    arguments = one_longer(backward_arguments(rng, reference), BACKWARD.index(argument), axis)
    assert_raises(student.tbptt, *arguments, 2, error="ValueError", naming=argument)


@part("checks")
@secondary
@points(0.5)
def test_no_steps_forward(student, rng):
    """A sequence without steps."""
    assert_raises(student.rnn_forward, *forward_arguments(rng, steps=0), error="ValueError", naming="x")


@part("checks")
@secondary
@points(0.25)
def test_no_steps_back(student, rng):
    """The way back without steps."""
    x, h0, w_ih, w_hh, _ = forward_arguments(rng, steps=0)
    nothing = np.zeros((3, 0, 4))
    assert_raises(student.bptt, nothing, x, h0, nothing, w_ih, w_hh, error="ValueError", naming="x")


@part("checks")
@secondary
@points(0.25)
def test_single_precision_check(student, rng):
    """Small steps in single precision."""
    x = rng.uniform(0.5, 1.5, (2, 3)).astype(np.float32)
    assert_raises(student.numerical_gradient, Source("lambda x: np.sin(x).prod()"), x, error="ValueError", naming="x")


@part("checks")
@secondary
@points(0.25)
@pytest.mark.parametrize("eps", [0.0, -1e-6])
def test_eps_check(student, rng, eps):
    """A step that is not positive."""
    arguments = Source("lambda x: np.sin(x).prod()"), rng.uniform(0.5, 1.5, (2, 3)), eps
    assert_raises(student.numerical_gradient, *arguments, error="ValueError", naming="eps")
