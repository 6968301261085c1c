"""The recurrent network and its ways back against torch, central differences, the handout and their own properties."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.certification.loading import SOLUTIONS, reference

rnn = reference("bptt")
HANDOUT = (Path(SOLUTIONS) / "bptt" / "README.md").read_text()

# N, T, D, H: the edges first (one step, one input, D = H, batch of one, one unit), then twenty random ones.
EDGES = [(3, 1, 2, 4), (2, 4, 1, 3), (2, 3, 3, 3), (1, 4, 3, 2), (2, 3, 2, 1), (1, 1, 1, 1)]
RANDOM = [tuple(int(size) for size in row) for row in np.random.default_rng(7).integers(1, 7, (20, 4))]
SIZES = EDGES + RANDOM
sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def drawn(size, scale=1.0, zero_state=False):
    """x, h0, w_ih, w_hh, b of a network, and dh."""
    N, T, D, H = size
    rng = np.random.default_rng([N, T, D, H])
    x, h0, w_ih, w_hh, b, dh = (
        scale * rng.standard_normal(shape) for shape in ((N, T, D), (N, H), (H, D), (H, H), (H,), (N, T, H))
    )
    return (x, h0 * (not zero_state), w_ih, w_hh, b), dh


def gradients_of(arguments, dh, *k):
    """`bptt`, or `tbptt` if there is a k, on the states of a forward pass."""
    x, h0, w_ih, w_hh, b = arguments
    way_back = rnn.tbptt if k else rnn.bptt
    return way_back(dh, x, h0, rnn.rnn_forward(x, h0, w_ih, w_hh, b), w_ih, w_hh, *k)


def close(actual, expected, rtol=1e-9):
    """Shape, dtype and values of two tuples of arrays agree, within rtol of the largest entry (at least of 1e-3)."""
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        e = e.detach().numpy() if isinstance(e, torch.Tensor) else e
        assert a.shape == e.shape and a.dtype == e.dtype
        assert np.abs(a - e).max() <= rtol * max(np.abs(e).max(), 1e-3)


def leaves(arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


# Against torch --------------------------------------------------------------------------------------------------------


def torch_layer(arguments):
    """torch's own RNN on leaf tensors of the arguments: (leaves, h). Its second bias stays 0."""
    x, h0, w_ih, w_hh, b = tensors = leaves(arguments)
    parameters = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
    layer = torch.nn.RNN(x.shape[2], h0.shape[1], batch_first=True, dtype=x.dtype)
    h, _ = torch.func.functional_call(layer, parameters, (x, h0[None]))
    return tensors, h


@sizes
@pytest.mark.parametrize("zero_state", [False, True])
def test_network_is_torch_rnn(size, zero_state):
    arguments, dh = drawn(size, zero_state=zero_state)
    tensors, h = torch_layer(arguments)
    close([rnn.rnn_forward(*arguments)], [h])
    close(gradients_of(arguments, dh), torch.autograd.grad(h, tensors, torch.tensor(dh)))


@sizes
def test_single_precision(size):
    arguments, dh = drawn(size)
    arguments, dh = [array.astype(np.float32) for array in arguments], dh.astype(np.float32)
    tensors, h = torch_layer(arguments)
    close([rnn.rnn_forward(*arguments)], [h], rtol=1e-4)
    expected = torch.autograd.grad(h, tensors, torch.tensor(dh))
    close(gradients_of(arguments, dh), expected, rtol=1e-4)
    close(gradients_of(arguments, dh, size[1]), expected, rtol=1e-4)


@sizes
def test_large_gradients_are_not_clipped(size):
    arguments, dh = drawn(size)
    tensors, h = torch_layer(arguments)
    close(gradients_of(arguments, 1e3 * dh), torch.autograd.grad(h, tensors, torch.tensor(1e3 * dh)))


@sizes
def test_step_is_torch_rnn_cell(size):
    (x, h_prev, *weights), dh = drawn(size)
    x_t, *_ = tensors = leaves([x[:, 0], h_prev, *weights])
    _, state, w_ih, w_hh, b = tensors
    parameters = {"weight_ih": w_ih, "weight_hh": w_hh, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    cell = torch.nn.RNNCell(x.shape[2], h_prev.shape[1], dtype=x_t.dtype)
    h_t = torch.func.functional_call(cell, parameters, (x_t, state))
    expected = torch.autograd.grad(h_t, tensors, torch.tensor(dh[:, 0]))
    close(rnn.rnn_step_backward(dh[:, 0], x[:, 0], h_prev, h_t.detach().numpy(), *weights[:2]), expected)


def torch_truncated(arguments, dh, k):
    """Autograd of the losses one by one, each with the state before its window of k steps detached."""
    tensors, h = torch_layer(arguments)
    x, h0, w_ih, w_hh, b = tensors
    loss = 0.0
    for t in range(x.shape[1]):
        start = max(0, t - k + 1)
        state = h0 if start == 0 else h[:, start - 1].detach()
        for s in range(start, t + 1):
            state = torch.tanh(x[:, s] @ w_ih.T + state @ w_hh.T + b)
        loss = loss + (state * torch.tensor(dh[:, t])).sum()
    gradients = torch.autograd.grad(loss, tensors, allow_unused=True)
    return [torch.zeros_like(a) if g is None else g for a, g in zip(tensors, gradients, strict=True)]


@sizes
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_truncation_is_torch_with_detach(size, k):
    arguments, dh = drawn(size)
    close(gradients_of(arguments, dh, k), torch_truncated(arguments, dh, k))


def test_windows_of_a_long_sequence():
    arguments, dh = drawn((2, 11, 3, 4))
    for k in range(1, 14):
        close(gradients_of(arguments, dh, k), torch_truncated(arguments, dh, k))


# Against central differences ------------------------------------------------------------------------------------------


@sizes
def test_gradients_are_central_differences(size):
    arguments, dh = drawn(size, scale=0.7)
    for k, gradient in enumerate(gradients_of(arguments, dh)):

        def loss(at, k=k):
            return (rnn.rnn_forward(*arguments[:k], at, *arguments[k + 1 :]) * dh).sum()

        close([rnn.numerical_gradient(loss, arguments[k])], [gradient], rtol=1e-6)


FUNCTIONS = [
    (lambda x: (x**3).sum(), lambda x, eps: 3 * x**2 + eps**2),  # exact for any eps
    (lambda x: x.sum() ** 2, lambda x, eps: np.full(x.shape, 2 * x.sum())),
    (lambda x: np.sin(x).sum(), lambda x, eps: np.cos(x) * np.sin(eps) / eps),
]


@pytest.mark.parametrize("shape", [(1,), (5,), (2, 3), (3, 1), (2, 3, 4), (2, 1, 2, 3), (0,)])
@pytest.mark.parametrize("eps", [1e-6, 1e-3, 0.5])
@pytest.mark.parametrize("k", range(len(FUNCTIONS)))
def test_numerical_gradient_is_the_formula(k, eps, shape):
    f, slope = FUNCTIONS[k]
    x = np.random.default_rng(3).uniform(0.5, 1.5, shape)
    before = x.copy()
    gradient = rnn.numerical_gradient(f, x, eps)
    assert gradient.shape == shape and gradient.dtype == np.float64
    assert np.allclose(gradient, slope(x, eps), rtol=2e-8, atol=0)
    assert np.array_equal(x, before)


def test_default_step():
    x = np.array([2.0])
    f, _ = FUNCTIONS[0]
    assert rnn.numerical_gradient(f, x) == rnn.numerical_gradient(f, x, 1e-6)


# Properties -----------------------------------------------------------------------------------------------------------


@sizes
def test_losses_add_up(size):
    """Linear in dh: the losses of single steps sum to all of them."""
    arguments, dh = drawn(size)
    T = size[1]
    for k in ((), (2,)):
        alone = [gradients_of(arguments, dh * (np.arange(T) == t)[None, :, None], *k) for t in range(T)]
        close([sum(parts) for parts in zip(*alone, strict=True)], gradients_of(arguments, dh, *k))


@sizes
def test_nothing_flows_into_the_future(size):
    arguments, dh = drawn(size)
    for t in range(size[1]):
        dx, *_ = gradients_of(arguments, dh * (np.arange(size[1]) == t)[None, :, None])
        assert np.abs(dx[:, t]).max() > 0 and not dx[:, t + 1 :].any()


@sizes
@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_loss_reaches_its_window(size, k):
    """... and h_0 only from the first k losses."""
    arguments, dh = drawn(size)
    for t in range(size[1]):
        dx, dh0, *_ = gradients_of(arguments, dh * (np.arange(size[1]) == t)[None, :, None], k)
        reached = np.abs(dx).max(axis=(0, 2)) > 0
        assert reached.tolist() == [t - k < s <= t for s in range(size[1])]
        assert dh0.any() == (t < k)


@sizes
def test_windows_of_all_steps_truncate_nothing(size):
    arguments, dh = drawn(size)
    for k in (size[1], size[1] + 1, 100):
        close(gradients_of(arguments, dh, k), gradients_of(arguments, dh))


@sizes
def test_without_w_hh_steps_stand_alone(size):
    (x, h0, w_ih, w_hh, b), dh = drawn(size)
    arguments = x, h0, w_ih, 0 * w_hh, b
    h = rnn.rnn_forward(*arguments)
    assert np.allclose(h, np.tanh(x @ w_ih.T + b), rtol=0, atol=1e-14)
    close(gradients_of(arguments, dh), gradients_of(arguments, dh, 1))
    close([gradients_of(arguments, dh)[0]], [(dh * (1 - h**2)) @ w_ih])


@sizes
def test_samples_do_not_meet(size):
    (x, h0, *weights), dh = drawn(size)
    alone = [((x[n : n + 1], h0[n : n + 1], *weights), dh[n : n + 1]) for n in range(size[0])]
    close([np.concatenate([rnn.rnn_forward(*arguments) for arguments, _ in alone])], [rnn.rnn_forward(x, h0, *weights)])
    for k in ((), (2,)):
        dxs, dh0s, *of_weights = zip(*(gradients_of(*case, *k) for case in alone), strict=True)
        together = [np.concatenate(dxs), np.concatenate(dh0s), *(sum(parts) for parts in of_weights)]
        close(together, gradients_of((x, h0, *weights), dh, *k))


@sizes
def test_hidden_units_may_be_renamed(size):
    (x, h0, w_ih, w_hh, b), dh = drawn(size)
    order = np.random.default_rng(2).permutation(size[3])
    renamed = x, h0[:, order], w_ih[order], w_hh[order][:, order], b[order]
    close([rnn.rnn_forward(*renamed)], [rnn.rnn_forward(x, h0, w_ih, w_hh, b)[..., order]])
    dx, dh0, dw_ih, dw_hh, db = gradients_of((x, h0, w_ih, w_hh, b), dh)
    expected = dx, dh0[:, order], dw_ih[order], dw_hh[order][:, order], db[order]
    close(gradients_of(renamed, dh[..., order]), expected)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_sequence_may_be_cut(cut):
    """Forward the second half starts where the first ends; back, its dh0 arrives at the first half's last state."""
    (x, h0, w_ih, w_hh, b), dh = drawn((3, 4, 2, 5))
    h = rnn.rnn_forward(x, h0, w_ih, w_hh, b)
    close([rnn.rnn_forward(x[:, cut:], h[:, cut - 1], w_ih, w_hh, b)], [h[:, cut:]])
    late = rnn.bptt(dh[:, cut:], x[:, cut:], h[:, cut - 1], h[:, cut:], w_ih, w_hh)
    dh_early = dh[:, :cut].copy()
    dh_early[:, -1] += late[1]
    early = rnn.bptt(dh_early, x[:, :cut], h0, h[:, :cut], w_ih, w_hh)
    sums = [a + c for a, c in zip(early[2:], late[2:], strict=True)]
    expected = rnn.bptt(dh, x, h0, h, w_ih, w_hh)
    close([np.concatenate([early[0], late[0]], axis=1), early[1], *sums], expected)


@sizes
def test_a_step_is_a_sequence_of_one(size):
    (x, h0, w_ih, w_hh, b), dh = drawn(size)
    h = rnn.rnn_forward(x[:, :1], h0, w_ih, w_hh, b)
    dx_t, *others = rnn.rnn_step_backward(dh[:, 0], x[:, 0], h0, h[:, 0], w_ih, w_hh)
    close([dx_t[:, None], *others], rnn.bptt(dh[:, :1], x[:, :1], h0, h, w_ih, w_hh))


def test_no_argument_is_changed_and_no_result_is_an_argument():
    for size in ((3, 1, 2, 4), (3, 4, 2, 2)):
        (x, h0, w_ih, w_hh, b), dh = drawn(size)
        h = rnn.rnn_forward(x, h0, w_ih, w_hh, b)
        given = x, h0, w_ih, w_hh, b, dh, h
        before = [array.copy() for array in given]
        results = [rnn.rnn_forward(x, h0, w_ih, w_hh, b), *rnn.bptt(dh, x, h0, h, w_ih, w_hh)]
        results += [gradient for k in (1, 2, 9) for gradient in rnn.tbptt(dh, x, h0, h, w_ih, w_hh, k)]
        results += rnn.rnn_step_backward(dh[:, 0], x[:, 0], h0, h[:, 0], w_ih, w_hh)
        assert all(np.array_equal(now, then) for now, then in zip(given, before, strict=True))
        assert not any(np.shares_memory(result, array) for result in results for array in given)


# Numbers that students read -------------------------------------------------------------------------------------------


def tiny():
    return np.array([[[1.0], [2.0]]]), np.array([[0.5]]), np.array([[0.5]]), np.array([[2.0]]), np.array([-1.0])


def words(gradients):
    """The gradients as the handout prints them."""
    numbers = [", ".join(f"{number:.4f}" for number in gradient.ravel()) for gradient in gradients]
    dx, dh0, dw_ih, dw_hh, db = numbers
    return f"dx = ({dx}), dh0 = {dh0}, dw_ih = {dw_ih}, dw_hh = {dw_hh}, db = {db}"


def test_handout_numbers():
    x, h0, w_ih, w_hh, b = tiny()
    h = rnn.rnn_forward(x, h0, w_ih, w_hh, b)
    h_1, h_2 = h.ravel()
    assert f"h_1 = tanh(0.5 * 1 + 2 * 0.5    - 1) = tanh({0.5 * 1 + 2 * 0.5 - 1:.4f}) = {h_1:.4f}\n" in HANDOUT
    assert f"h_2 = tanh(0.5 * 2 + 2 * {h_1:.4f} - 1) = tanh({0.5 * 2 + 2 * h_1 - 1:.4f}) = {h_2:.4f}\n" in HANDOUT

    dz_2 = 1 - h_2**2
    dz_1 = (1 - h_1**2) * (1 + 2 * dz_2)
    line_2 = f"(1 - {h_2:.4f}^2) * 1 = {dz_2:.4f} w_hh sends 2 * {dz_2:.4f} = {2 * dz_2:.4f} to h_1"
    line_1 = f"(1 - {h_1:.4f}^2) * (1 + {2 * dz_2:.4f}) = {dz_1:.4f} w_hh sends 2 * {dz_1:.4f} = {2 * dz_1:.4f} to h_0"
    handout = re.sub(r"\s+", " ", HANDOUT)
    assert line_2 in handout and line_1 in handout
    dh = np.ones((1, 2, 1))
    assert f"Hence {words(rnn.bptt(dh, x, h0, h, w_ih, w_hh))}. With k = 1" in handout
    assert f"the {2 * dz_2:.4f} is cut off: {words(rnn.tbptt(dh, x, h0, h, w_ih, w_hh, 1))}." in handout


def test_handout_windows():
    """T = 5 and k = 3: the steps that each loss reaches."""
    arguments, dh = drawn((2, 5, 3, 4))
    (line,) = (line for line in HANDOUT.splitlines() if line.startswith("reaches"))
    cells = re.findall(r"(h_0, )?(\d)(?:-(\d))?", line)
    assert len(cells) == 5
    for t, (state, first, last) in enumerate(cells):
        dx, dh0, *_ = gradients_of(arguments, dh * (np.arange(5) == t)[None, :, None], 3)
        reached = np.flatnonzero(np.abs(dx).max(axis=(0, 2))) + 1
        assert (dh0.any(), reached[0], reached[-1]) == (bool(state), int(first), int(last or first))


def test_last_index_is_the_last_state():
    x, *rest = tiny()
    h = rnn.rnn_forward(x, *rest)
    assert np.array_equal(h[:, -1], h[:, 1])


def test_answers():
    w, h = 2.0, 1.0
    assert rnn.Q2 == 3 * w**2 * h and w**2 == 4  # by the product rule; 4 is one layer's share
    assert rnn.Q3 == sum(min(t, 4) for t in range(1, 9)) and sum(range(1, 9)) == 36
    assert rnn.Q4 == 2 * sum(range(1, 5))
    share = 1 - 0.9 ** np.arange(1, 100)  # of the whole sum 1 / (1 - 0.9)
    assert rnn.Q5 == np.flatnonzero(share >= 0.95)[0] + 1


def test_missing_bias_answer():
    """States with a leading 1, started from zeros: only the first step differs from a network with b."""
    (x, _, w_ih, w_hh, b), _ = drawn((1, 10, 3, 4))
    U = np.column_stack([b, w_hh])
    state = np.zeros((1, 5))
    present = 0
    for t in range(10):
        z = x[:, t] @ w_ih.T + state @ U.T
        present += np.allclose(z, x[:, t] @ w_ih.T + state[:, 1:] @ w_hh.T + b)
        state = np.column_stack([np.ones(1), np.tanh(z)])
    assert rnn.Q1 == present


# Errors name their argument -------------------------------------------------------------------------------------------


FORWARD = ("x", "h0", "w_ih", "w_hh", "b")
STEP = ("dh", "x_t", "h_prev", "h_t", "w_ih", "w_hh")
BACKWARD = ("dh", "x", "h0", "h", "w_ih", "w_hh")


def fitting(names):
    """Arrays of N, T, D, H = 2, 5, 3, 4 under the names of a function's arguments."""
    shapes = {"x": (2, 5, 3), "h": (2, 5, 4), "x_t": (2, 3), "h0": (2, 4), "h_prev": (2, 4), "h_t": (2, 4)}
    shapes |= {"dh": (2, 4) if "x_t" in names else (2, 5, 4), "w_ih": (4, 3), "w_hh": (4, 4), "b": (4,)}
    return {name: np.full(shapes[name], 0.5) for name in names}


def longer(array, axis):
    return np.ones([size + (a == axis) for a, size in enumerate(array.shape)])


def axes(names):
    """(name, axis) of every axis of every array but the one a function reads its sizes from."""
    return [(name, axis) for name, array in fitting(names).items() if name[0] != "x" for axis in range(array.ndim)]


@pytest.mark.parametrize(("name", "axis"), axes(FORWARD))
def test_forward_names_the_argument(name, axis):
    arguments = fitting(FORWARD)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rnn.rnn_forward(**arguments | {name: longer(arguments[name], axis)})


@pytest.mark.parametrize(("name", "axis"), axes(STEP))
def test_step_names_the_argument(name, axis):
    arguments = fitting(STEP)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rnn.rnn_step_backward(**arguments | {name: longer(arguments[name], axis)})


@pytest.mark.parametrize(("name", "axis"), axes(BACKWARD))
def test_ways_back_name_the_argument(name, axis):
    arguments = fitting(BACKWARD)
    arguments[name] = longer(arguments[name], axis)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rnn.bptt(**arguments)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rnn.tbptt(**arguments, k=2)


@pytest.mark.parametrize("name", FORWARD)
def test_ranks(name):
    arguments = fitting(FORWARD)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rnn.rnn_forward(**arguments | {name: arguments[name][None]})


@pytest.mark.parametrize("name", BACKWARD)
def test_ranks_on_the_way_back(name):
    arguments = fitting(BACKWARD)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        rnn.bptt(**arguments | {name: arguments[name][0]})


def test_no_steps():
    x, nothing = np.zeros((2, 0, 3)), np.zeros((2, 0, 4))
    with pytest.raises(ValueError, match=r"^x\b"):
        rnn.rnn_forward(**fitting(FORWARD) | {"x": x})
    with pytest.raises(ValueError, match=r"^x\b"):
        rnn.bptt(**fitting(BACKWARD) | {"x": x, "h": nothing, "dh": nothing})
    with pytest.raises(ValueError, match=r"^x\b"):
        rnn.tbptt(**fitting(BACKWARD) | {"x": x, "h": nothing, "dh": nothing}, k=1)


@pytest.mark.parametrize("k", [0, -1, 1.5, 2.0, "2", None])
def test_window_must_be_a_positive_int(k):
    with pytest.raises(ValueError, match=r"^k\b"):
        rnn.tbptt(**fitting(BACKWARD), k=k)


def test_window_may_be_a_numpy_int():
    close(rnn.tbptt(**fitting(BACKWARD), k=np.int64(2)), rnn.tbptt(**fitting(BACKWARD), k=2))


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_numerical_gradient_takes_float64_only(dtype):
    with pytest.raises(ValueError, match=r"^x\b"):
        rnn.numerical_gradient(np.sum, np.ones(3, dtype))


@pytest.mark.parametrize("eps", [0.0, -1e-6, np.nan])
def test_step_of_the_gradient_check_is_positive(eps):
    with pytest.raises(ValueError, match=r"^eps\b"):
        rnn.numerical_gradient(np.sum, np.ones(3), eps)
