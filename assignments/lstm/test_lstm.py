"""Tests of the LSTM cell. Shapes: N batch, T steps, D inputs, H hidden units; stacked rows i, f, g, o."""

import numpy as np
import pytest

from grader.testing import (
    assert_close,
    assert_gradient,
    assert_raises,
    part,
    points,
    public,
    secondary,
)

PACKED = ("w_ih (4H, D)", "w_hh (4H, H)", "b (4H)")
STATES = ("h (N, H)", "c (N, H)")
STEP_GRADIENTS = ("dx (N, D)", "dh_prev (N, H)", "dc_prev (N, H)", "dw_ih (4H, D)", "dw_hh (4H, H)", "db (4H)")
OUTPUTS = ("h (N, T, H)", "h_T (N, H)", "c_T (N, H)")
GRADIENTS = ("dx (N, T, D)", "dh0 (N, H)", "dc0 (N, H)", "dw_ih (4H, D)", "dw_hh (4H, H)", "db (4H)")


# Inputs ---------------------------------------------------------------------------------------------------------------


def gate_arguments(rng, inputs, hidden):
    """W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o."""
    return tuple(rng.standard_normal(shape) for _ in "fiCo" for shape in ((hidden, hidden + inputs), (hidden,)))


def weights(rng, inputs, hidden):
    """w_ih, w_hh, b of a cell whose gates are neither wide open nor shut."""
    rows = 4 * hidden
    return tuple(0.7 * rng.standard_normal(shape) for shape in ((rows, inputs), (rows, hidden), (rows,)))


def step_arguments(rng, batch=3, inputs=2, hidden=4):
    """x, h_prev, c_prev, w_ih, w_hh, b."""
    x, h_prev, c_prev = (rng.standard_normal((batch, size)) for size in (inputs, hidden, hidden))
    return x, h_prev, c_prev, *weights(rng, inputs, hidden)


def sequence_arguments(rng, batch=3, steps=5, inputs=2, hidden=4):
    """x, h0, c0, w_ih, w_hh, b."""
    x = rng.standard_normal((batch, steps, inputs))
    h0, c0 = rng.standard_normal((2, batch, hidden))
    return x, h0, c0, *weights(rng, inputs, hidden)


def step_upstream(rng, batch=3, hidden=4):
    """dh, dc."""
    return tuple(rng.standard_normal((2, batch, hidden)))


def sequence_upstream(rng, batch=3, steps=5, hidden=4):
    """dh_seq, dh_last, dc_last."""
    return rng.standard_normal((batch, steps, hidden)), *rng.standard_normal((2, batch, hidden))


def tiny_step():
    """The example of the handout: one number each for x, h_prev, c_prev, and one row per gate i, f, g, o."""
    x, h_prev, c_prev = np.array([[1.0]]), np.array([[0.5]]), np.array([[-2.0]])
    w_ih, w_hh = np.array([[1.0], [0.5], [1.0], [-1.0]]), np.array([[-2.0], [1.0], [-2.0], [1.0]])
    return x, h_prev, c_prev, w_ih, w_hh, np.array([0.0, 0.0, 1.0, -0.5])


def one_longer(arguments, k, axis):
    """The arguments, of which number k is one longer along an axis."""
    shape = [size + (a == axis) for a, size in enumerate(arguments[k].shape)]
    return *arguments[:k], np.ones(shape), *arguments[k + 1 :]


# Stacking the gates ---------------------------------------------------------------------------------------------------


@part("pack_gates")
@public
@points(2)
def test_pack_tiny(student):
    """H = 1, D = 2: where each number goes."""
    packed = student.pack_gates(
        np.array([[1.0, 2.0, 3.0]]), np.array([10.0]),  # forget gate: 1 acts on h, 2 and 3 on x
        np.array([[4.0, 5.0, 6.0]]), np.array([20.0]),  # input gate
        np.array([[7.0, 8.0, 9.0]]), np.array([30.0]),  # candidate
        np.array([[-1.0, -2.0, -3.0]]), np.array([40.0]),  # output gate
    )
    w_ih = np.array([[5.0, 6.0], [2.0, 3.0], [8.0, 9.0], [-2.0, -3.0]])
    w_hh = np.array([[4.0], [1.0], [7.0], [-1.0]])
    assert_close(packed, (w_ih, w_hh, np.array([20.0, 10.0, 30.0, 40.0])), names=PACKED)


@part("pack_gates")
@public
@points(3)
@pytest.mark.parametrize(("inputs", "hidden"), [(3, 2), (2, 2)])
def test_pack(student, reference, rng, inputs, hidden):
    """The stacked weights of a small cell."""
    arguments = gate_arguments(rng, inputs, hidden)
    assert_close(student.pack_gates(*arguments), reference.pack_gates(*arguments), names=PACKED)


# One step forward -----------------------------------------------------------------------------------------------------


@part("step_forward")
@public
@points(4)
def test_step_tiny(student):
    """The example of the handout, one number each."""
    h, c, _ = student.lstm_step_forward(*tiny_step())
    expected = np.array([[-0.2135]]), np.array([[-1.0813]])
    assert_close((h, c), expected, names=STATES, rtol=3e-4, why="rounded to four digits")


@part("step_forward")
@public
@points(6)
@pytest.mark.parametrize("batch", [1, 2])
def test_step(student, reference, rng, batch):
    """One step: h and c."""
    arguments = step_arguments(rng, batch=batch, inputs=3, hidden=2)
    h, c, _ = student.lstm_step_forward(*arguments)
    h_ref, c_ref, _ = reference.lstm_step_forward(*arguments)
    assert_close((h, c), (h_ref, c_ref), names=STATES)


@part("step_forward")
@public
@secondary
def test_step_without_weights(student, rng):
    """Weights and biases 0: half of c stays, half of it shows."""
    x, h_prev, c_prev, *weights_and_bias = step_arguments(rng, batch=2, inputs=3, hidden=2)
    h, c, _ = student.lstm_step_forward(x, h_prev, c_prev, *(0.0 * w for w in weights_and_bias))
    assert_close((h, c), (np.tanh(c_prev / 2) / 2, c_prev / 2), names=STATES)


@part("step_forward")
@public
@secondary
def test_step_bounded(student, rng):
    """However large c is, |h| stays below 1."""
    x, h_prev, c_prev, *weights_and_bias = step_arguments(rng, batch=4, inputs=3, hidden=2)
    h, _, _ = student.lstm_step_forward(x, h_prev, 5.0 * c_prev, *weights_and_bias)
    assert_close(np.abs(h) < 1, np.ones((4, 2), dtype=bool), names="|h| < 1 (N, H)")


# One step backward ----------------------------------------------------------------------------------------------------


@part("step_backward")
@public
@points(4)
def test_step_backward_tiny(student, reference):
    """The example of the handout, with dh = dc = 1."""
    _, _, cache = reference.lstm_step_forward(*tiny_step())
    gradients = student.lstm_step_backward(np.array([[1.0]]), np.array([[1.0]]), cache)
    by_gate = np.array([0.2093, -0.4324, 0.2309, -0.1560])  # i, f, g, o
    states = np.array([[0.3801]]), np.array([[-1.4689]]), np.array([[0.8038]])
    expected = *states, by_gate[:, None], by_gate[:, None] / 2, by_gate
    assert_close(gradients, expected, names=STEP_GRADIENTS, rtol=3e-4, why="rounded to four digits")


@part("step_backward")
@public
@points(6)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("arriving", ["dh", "dc", "both"])
def test_step_backward(student, reference, rng, arriving, batch):
    """The six gradients of one step."""
    _, _, cache = reference.lstm_step_forward(*step_arguments(rng, batch=batch, inputs=3, hidden=2))
    dh, dc = step_upstream(rng, batch=batch, hidden=2)
    arguments = dh * (arriving != "dc"), dc * (arriving != "dh"), cache
    assert_close(student.lstm_step_backward(*arguments), reference.lstm_step_backward(*arguments), names=STEP_GRADIENTS)


@part("step_backward")
@public
@points(4)
def test_step_backward_is_the_slope(student, reference, rng):
    """The loss changes as the gradients say."""
    arguments = step_arguments(rng, batch=2, inputs=3, hidden=2)
    dh, dc = step_upstream(rng, batch=2, hidden=2)

    def loss(*at):
        h, c, _ = reference.lstm_step_forward(*at)
        return (h * dh).sum() + (c * dc).sum()

    _, _, cache = reference.lstm_step_forward(*arguments)
    assert_gradient(loss, arguments, student.lstm_step_backward(dh, dc, cache), rng, names=STEP_GRADIENTS)


# Over the sequence and back -------------------------------------------------------------------------------------------


@part("sequence")
@public
@points(3)
@pytest.mark.parametrize("steps", [1, 3])
def test_forward(student, reference, rng, steps):
    """All outputs and the last state."""
    arguments = sequence_arguments(rng, batch=2, steps=steps, inputs=3, hidden=2)
    *outputs, _ = student.lstm_forward(*arguments)
    *expected, _ = reference.lstm_forward(*arguments)
    assert_close(outputs, expected, names=OUTPUTS)


@part("sequence")
@public
@points(5)
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("arriving", ["dh_seq", "dh_last", "dc_last", "all"])
def test_backward(student, reference, rng, arriving, steps):
    """The six gradients of a sequence."""
    *_, caches = reference.lstm_forward(*sequence_arguments(rng, batch=2, steps=steps, inputs=3, hidden=2))
    upstream = sequence_upstream(rng, batch=2, steps=steps, hidden=2)
    kept = (arriving in (name, "all") for name in ("dh_seq", "dh_last", "dc_last"))
    arguments = *(gradient * keep for gradient, keep in zip(upstream, kept, strict=True)), caches
    assert_close(student.lstm_backward(*arguments), reference.lstm_backward(*arguments), names=GRADIENTS)


@part("sequence")
@public
@secondary
def test_forward_remembers(student, rng):
    """f = 1 and i = 0: after 30 steps c is still c0."""
    x, h0, c0, w_ih, w_hh, b = sequence_arguments(rng, batch=2, steps=30, inputs=1, hidden=2)
    open_or_shut = np.array([-50.0, -50.0, 50.0, 50.0, 0.0, 0.0, 0.0, 0.0])  # i shut, f open
    _, _, c_T, _ = student.lstm_forward(x, h0, c0, w_ih, w_hh, b + open_or_shut)
    assert_close(c_T, c0, names="c_T (N, H)")


# The direct path of the gradient --------------------------------------------------------------------------------------


@part("gradient_flow")
@public
def test_path_tiny(student):
    """Two steps, two units: one keeps, one forgets."""
    f = np.array([[[0.5, 0.9]], [[0.4, 0.1]]])
    assert_close(student.cell_path_gradient(f), np.array([[0.2, 0.09]]), names="gradient (N, H)")


@part("gradient_flow")
@public
@points(1.5)
def test_path_without_w_hh(student, reference, rng):
    """With w_hh = 0 the direct path is the whole gradient."""
    x, h0, c0, w_ih, w_hh, b = sequence_arguments(rng, batch=2, steps=3, inputs=3, hidden=2)
    *_, caches = reference.lstm_forward(x, h0, c0, w_ih, 0.0 * w_hh, b)
    _, _, dc0, *_ = reference.lstm_backward(np.zeros((2, 3, 2)), np.zeros((2, 2)), np.ones((2, 2)), caches)
    f = np.stack([cache.f for cache in caches])
    assert_close(student.cell_path_gradient(f), dc0, names="gradient (N, H)")


# Input checks ---------------------------------------------------------------------------------------------------------


@part("checks")
@public
@secondary
@points(2.5)
@pytest.mark.parametrize(
    ("argument", "axis"), [("h_prev", 1), ("c_prev", 0), ("w_ih", 0), ("w_ih", 1), ("w_hh", 0), ("w_hh", 1), ("b", 0)]
)
def test_step_checks(student, rng, argument, axis):
    """One argument is too long: the error names it."""
    k = ("x", "h_prev", "c_prev", "w_ih", "w_hh", "b").index(argument)
    arguments = one_longer(step_arguments(rng, batch=2, inputs=3, hidden=2), k, axis)
    assert_raises(student.lstm_step_forward, *arguments, error="ValueError", naming=argument)
