"""The LSTM reference against torch, central differences, the textbook form and its own properties."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.certification.loading import SOLUTIONS, reference

lstm = reference("lstm")
HANDOUT = (Path(SOLUTIONS) / "lstm" / "README.md").read_text()

# N, T, D, H: the edges first (one step, one input, D = H, batch of one, one unit), then twenty random ones.
EDGES = [(3, 1, 2, 4), (2, 4, 1, 3), (2, 3, 3, 3), (1, 4, 3, 2), (2, 3, 2, 1), (1, 1, 1, 1)]
RANDOM = [tuple(int(size) for size in row) for row in np.random.default_rng(17).integers(1, 7, (20, 4))]
SIZES = EDGES + RANDOM
sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def drawn(size, scale=1.0, zero_state=False):
    """x, h0, c0, w_ih, w_hh, b of a sequence, and dh_seq, dh_last, dc_last."""
    N, T, D, H = size
    rng = np.random.default_rng([N, T, D, H])
    shapes = (N, T, D), (N, H), (N, H), (4 * H, D), (4 * H, H), (4 * H,)
    arguments = [scale * rng.standard_normal(shape) for shape in shapes]
    if zero_state:
        arguments[1:3] = np.zeros((2, N, H))
    return arguments, [rng.standard_normal(shape) for shape in ((N, T, H), (N, H), (N, H))]


def one_step(size, **options):
    """x, h_prev, c_prev, w_ih, w_hh, b of a step, and dh, dc."""
    (x, *rest), (_, dh, dc) = drawn(size, **options)
    return [x[:, 0], *rest], [dh, dc]


def close(actual, expected, rtol=1e-9):
    """Shape, dtype and values of two tuples of arrays agree, within rtol of the largest entry (at least of 1e-3)."""
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        e = e.detach().numpy() if isinstance(e, torch.Tensor) else e
        assert a.shape == e.shape and a.dtype == e.dtype
        assert np.abs(a - e).max() <= rtol * max(np.abs(e).max(), 1e-3)


def leaves(arrays):
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def torch_layer(arguments):
    """torch's own LSTM on leaf tensors of the arguments: (leaves, h, h_T, c_T). Its second bias stays 0."""
    x, h0, c0, w_ih, w_hh, b = tensors = leaves(arguments)
    weights = {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
    layer = torch.nn.LSTM(x.shape[2], h0.shape[1], batch_first=True, dtype=x.dtype)
    h, (h_T, c_T) = torch.func.functional_call(layer, weights, (x, (h0[None], c0[None])))
    return tensors, h, h_T[0], c_T[0]


def torch_step(arguments):
    """torch's LSTMCell: (leaves, h, c)."""
    x, h_prev, c_prev, w_ih, w_hh, b = tensors = leaves(arguments)
    weights = {"weight_ih": w_ih, "weight_hh": w_hh, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    cell = torch.nn.LSTMCell(x.shape[1], h_prev.shape[1], dtype=x.dtype)
    return tensors, *torch.func.functional_call(cell, weights, (x, (h_prev, c_prev)))


# Against torch --------------------------------------------------------------------------------------------------------


@sizes
@pytest.mark.parametrize("zero_state", [False, True])
def test_step_is_torch_lstm_cell(size, zero_state):
    arguments, upstream = one_step(size, zero_state=zero_state)
    tensors, *expected = torch_step(arguments)
    *states, cache = lstm.lstm_step_forward(*arguments)
    close(states, expected)
    gradients = torch.autograd.grad(expected, tensors, leaves(upstream))
    close(lstm.lstm_step_backward(*upstream, cache), gradients)


@sizes
@pytest.mark.parametrize("zero_state", [False, True])
def test_sequence_is_torch_lstm(size, zero_state):
    arguments, upstream = drawn(size, zero_state=zero_state)
    tensors, *expected = torch_layer(arguments)
    *outputs, caches = lstm.lstm_forward(*arguments)
    close(outputs, expected)
    close(lstm.lstm_backward(*upstream, caches), torch.autograd.grad(expected, tensors, leaves(upstream)))


@sizes
def test_single_precision(size):
    arguments, upstream = drawn(size)
    arguments = [array.astype(np.float32) for array in arguments]
    upstream = [array.astype(np.float32) for array in upstream]
    tensors, *expected = torch_layer(arguments)
    *outputs, caches = lstm.lstm_forward(*arguments)
    close(outputs, expected, rtol=1e-4)
    close(lstm.lstm_backward(*upstream, caches), torch.autograd.grad(expected, tensors, leaves(upstream)), rtol=1e-4)


@pytest.mark.parametrize("size", [30.0, 800.0])
def test_saturated_gates_raise_no_warning(size):
    arguments, upstream = one_step((4, 1, 3, 5))
    arguments[5] = size * np.random.default_rng(3).choice([-1.0, 1.0], 20)
    tensors, *expected = torch_step(arguments)
    with np.errstate(all="raise", under="ignore"):
        *states, cache = lstm.lstm_step_forward(*arguments)
        gradients = lstm.lstm_step_backward(*upstream, cache)
    close(states, expected)
    close(gradients, torch.autograd.grad(expected, tensors, leaves(upstream)))


@sizes
def test_path_gradient_is_torch_with_gates_held(size):
    """Autograd of c_T by c_0, with the gates cut off from the graph."""
    arguments, _ = drawn(size)
    *_, caches = lstm.lstm_forward(*arguments)
    c0 = c = torch.tensor(arguments[2], requires_grad=True)
    for cache in caches:
        c = torch.tensor(cache.f) * c + torch.tensor(cache.i * cache.g)
    (expected,) = torch.autograd.grad(c.sum(), c0)
    close([lstm.cell_path_gradient(np.stack([cache.f for cache in caches]))], [expected])


@sizes
def test_packed_gates_are_the_textbook_formulas(size):
    N, _, D, H = size
    rng = np.random.default_rng(size)
    gates = [rng.standard_normal(shape) for _ in "fiCo" for shape in ((H, H + D), (H,))]
    W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o = gates
    x, h_prev, c_prev = rng.standard_normal((N, D)), rng.standard_normal((N, H)), rng.standard_normal((N, H))
    column = np.concatenate([h_prev, x], axis=1)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    f, i, o = sigmoid(column @ W_f.T + b_f), sigmoid(column @ W_i.T + b_i), sigmoid(column @ W_o.T + b_o)
    c = f * c_prev + i * np.tanh(column @ W_C.T + b_C)
    *states, cache = lstm.lstm_step_forward(x, h_prev, c_prev, *lstm.pack_gates(*gates))
    close(states, [o * np.tanh(c), c])
    close([cache.i, cache.f, cache.o, cache.c], [i, f, o, c])


# Against central differences ------------------------------------------------------------------------------------------


@sizes
def test_gradients_are_central_differences(size):
    arguments, upstream = drawn(size, scale=0.7)

    def loss(*at):
        results = lstm.lstm_forward(*at)[:3]
        return sum((result * gradient).sum() for result, gradient in zip(results, upstream, strict=True))

    *_, caches = lstm.lstm_forward(*arguments)
    rng = np.random.default_rng(5)
    for k, gradient in enumerate(lstm.lstm_backward(*upstream, caches)):
        direction = rng.standard_normal(gradient.shape)
        up, down = ([a + sign * 1e-6 * direction if j == k else a for j, a in enumerate(arguments)] for sign in (1, -1))
        slope = (loss(*up) - loss(*down)) / 2e-6
        assert abs((gradient * direction).sum() - slope) <= 1e-6 * (np.abs(gradient * direction).sum() + 1e-2)


# Properties -----------------------------------------------------------------------------------------------------------


@sizes
def test_h_stays_below_one(size):
    arguments, _ = drawn(size, scale=3.0)
    assert np.abs(lstm.lstm_forward(*arguments)[0]).max() < 1


def test_open_forget_gate_keeps_the_cell_exactly():
    (x, h0, c0, w_ih, w_hh, b), _ = drawn((2, 100, 1, 3))
    bias = np.concatenate([np.full(3, -50.0), np.full(3, 50.0), b[6:]])
    _, _, c_T, _ = lstm.lstm_forward(x, h0, c0, 0.1 * w_ih, 0.1 * w_hh, bias)
    assert np.array_equal(c_T, c0)


@sizes
def test_no_weights_halve_the_cell(size):
    (x, h, c, *weights), _ = one_step(size)
    *states, _ = lstm.lstm_step_forward(x, h, c, *(0 * w for w in weights))
    close(states, [np.tanh(c / 2) / 2, c / 2])


@sizes
def test_without_w_hh_the_direct_path_is_all(size):
    (x, h0, c0, w_ih, w_hh, b), (dh_seq, dh_last, dc_last) = drawn(size)
    *_, caches = lstm.lstm_forward(x, h0, c0, w_ih, 0 * w_hh, b)
    _, _, dc0, *_ = lstm.lstm_backward(0 * dh_seq, 0 * dh_last, dc_last, caches)
    close([dc_last * lstm.cell_path_gradient(np.stack([cache.f for cache in caches]))], [dc0])


@sizes
def test_hidden_units_may_be_renamed(size):
    (x, h0, c0, w_ih, w_hh, b), upstream = drawn(size)
    H = size[3]
    order = np.random.default_rng(2).permutation(H)
    rows = np.concatenate([order + k * H for k in range(4)])
    *outputs, caches = lstm.lstm_forward(x, h0, c0, w_ih, w_hh, b)
    renamed = x, h0[:, order], c0[:, order], w_ih[rows], w_hh[rows][:, order], b[rows]
    *renamed_outputs, renamed_caches = lstm.lstm_forward(*renamed)
    close(renamed_outputs, [output[..., order] for output in outputs])
    dx, dh0, dc0, dw_ih, dw_hh, db = lstm.lstm_backward(*upstream, caches)
    expected = dx, dh0[:, order], dc0[:, order], dw_ih[rows], dw_hh[rows][:, order], db[rows]
    close(lstm.lstm_backward(*(gradient[..., order] for gradient in upstream), renamed_caches), expected)


@sizes
def test_samples_do_not_meet(size):
    (x, h0, c0, *weights), upstream = drawn(size)
    *outputs, caches = lstm.lstm_forward(x, h0, c0, *weights)
    gradients = lstm.lstm_backward(*upstream, caches)
    alone = [lstm.lstm_forward(x[n : n + 1], h0[n : n + 1], c0[n : n + 1], *weights) for n in range(size[0])]
    close([np.concatenate(rows) for rows in zip(*(results[:3] for results in alone), strict=True)], outputs)
    back = [lstm.lstm_backward(*(g[n : n + 1] for g in upstream), alone[n][3]) for n in range(size[0])]
    close([np.concatenate(rows) for rows in zip(*(grads[:3] for grads in back), strict=True)], gradients[:3])
    close([sum(parts) for parts in zip(*(grads[3:] for grads in back), strict=True)], gradients[3:])


def test_a_sequence_is_its_steps():
    (x, h, c, *weights), _ = drawn((3, 2, 2, 4))
    h_seq, h_T, c_T, caches = lstm.lstm_forward(x, h, c, *weights)
    for t in range(2):
        h, c, cache = lstm.lstm_step_forward(x[:, t], h, c, *weights)
        close([h_seq[:, t]], [h])
        close(caches[t], cache)
    close([h_T, c_T], [h, c])


@sizes
def test_gradients_add_up(size):
    """Linear in what arrives: dh_seq, dh_last and dc_last each by itself sum to all three at once."""
    arguments, upstream = drawn(size)
    *_, caches = lstm.lstm_forward(*arguments)
    alone = [lstm.lstm_backward(*(g * (j == k) for j, g in enumerate(upstream)), caches) for k in range(3)]
    close([sum(parts) for parts in zip(*alone, strict=True)], lstm.lstm_backward(*upstream, caches))


def test_no_argument_is_changed_and_no_gradient_is_an_argument():
    arguments, upstream = drawn((3, 1, 2, 4))
    given = [*arguments, *upstream]
    before = [array.copy() for array in given]
    *outputs, caches = lstm.lstm_forward(*arguments)
    gradients = lstm.lstm_backward(*upstream, caches)
    f = caches[0].f[None]
    path = lstm.cell_path_gradient(f)
    assert all(np.array_equal(now, then) for now, then in zip(given, before, strict=True))
    assert not any(np.shares_memory(result, array) for result in (*outputs, *gradients, path) for array in (*given, f))


# Numbers that students read -------------------------------------------------------------------------------------------


def tiny():
    x, h_prev, c_prev = np.array([[1.0]]), np.array([[0.5]]), np.array([[-2.0]])
    w_ih, w_hh = np.array([[1.0], [0.5], [1.0], [-1.0]]), np.array([[-2.0], [1.0], [-2.0], [1.0]])
    return x, h_prev, c_prev, w_ih, w_hh, np.array([0.0, 0.0, 1.0, -0.5])


def test_handout_numbers():
    h, c, cache = lstm.lstm_step_forward(*tiny())
    rows = zip("ifgo", *(a.ravel() for a in tiny()[3:]), (0, 1, 1, -1), cache[3:7], strict=True)
    for name, w, u, b, z, gate in rows:
        assert w * 1 + u * 0.5 + b == z
        (line,) = (line for line in HANDOUT.splitlines() if line.startswith(f"{name}  "))
        before, after = line.rsplit("=", 1)
        assert [float(text) for text in before.split()[1:4]] == [w, u, b]
        assert after.split() == [f"{z}", f"{gate.item():.4f}"]
    f, i, g, o = (getattr(cache, name).item() for name in "figo")
    assert f"c_t = {f:.4f} * (-2) + {i:.4f} * {g:.4f} = {c.item():.4f}" in HANDOUT
    assert f"h_t = {o:.4f} * tanh({c.item():.4f}) = {h.item():.4f}" in HANDOUT
    dx, dh_prev, dc_prev, dw_ih, dw_hh, db = lstm.lstm_step_backward(np.ones((1, 1)), np.ones((1, 1)), cache)
    assert f"dx = {dx.item():.4f}, dh_prev = {dh_prev.item():.4f}, dc_prev = {dc_prev.item():.4f}, and" in HANDOUT
    assert "db = ({:.4f}, {:.4f}, {:.4f}, {:.4f}) for i, f, g, o".format(*db) in HANDOUT
    assert np.array_equal(dw_ih.ravel(), db) and np.array_equal(dw_hh.ravel(), db / 2)


def test_handout_sigmoid():
    z = np.linspace(-30, 30, 121)
    assert np.allclose((1 + np.tanh(z / 2)) / 2, 1 / (1 + np.exp(-z)), rtol=0, atol=1e-15)


def test_answers():
    assert np.isclose(lstm.Q1, 0.9**20, rtol=1e-3)
    f = 1 / (1 + np.exp(-lstm.Q2))
    assert np.isclose(f**20, 0.5, rtol=1e-3)
    c = 0.0
    for _ in range(5):
        c = 1.0 * c + 1.0 * 1.0
    assert lstm.Q3 == 1.0 * c
    assert lstm.Q4 == "i"
    x, h0, c0, *weights = tiny()
    *_, caches = lstm.lstm_forward(np.stack([x, x], axis=1), h0, c0, *weights)
    _, _, whole, *_ = lstm.lstm_backward(np.zeros((1, 2, 1)), np.zeros((1, 1)), np.ones((1, 1)), caches)
    direct = lstm.cell_path_gradient(np.stack([cache.f for cache in caches]))
    assert np.isclose(lstm.Q5, (whole - direct).item(), rtol=2e-3)


# Errors name their argument -------------------------------------------------------------------------------------------


def longer(array, axis):
    return np.ones([size + (a == axis) for a, size in enumerate(array.shape)])


STEP = ("x", "h_prev", "c_prev", "w_ih", "w_hh", "b")
SEQUENCE = ("x", "h0", "c0", "w_ih", "w_hh", "b")
UPSTREAM = ("dh_seq", "dh_last", "dc_last")
GATES = ("W_f", "b_f", "W_i", "b_i", "W_C", "b_C", "W_o", "b_o")


def axes(names, arrays, skip=()):
    """(name, axis) of every axis of every array but the ones a function reads its sizes from."""
    return [(n, a) for n, array in zip(names, arrays, strict=True) if n not in skip for a in range(array.ndim)]


@pytest.mark.parametrize(("name", "axis"), axes(STEP, one_step((2, 1, 3, 4))[0], skip="x"))
def test_step_names_the_argument(name, axis):
    arguments = dict(zip(STEP, one_step((2, 1, 3, 4))[0], strict=True))
    arguments[name] = longer(arguments[name], axis)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        lstm.lstm_step_forward(**arguments)


@pytest.mark.parametrize(("name", "axis"), axes(SEQUENCE, drawn((2, 5, 3, 4))[0], skip="x"))
def test_forward_names_the_argument(name, axis):
    arguments = dict(zip(SEQUENCE, drawn((2, 5, 3, 4))[0], strict=True))
    arguments[name] = longer(arguments[name], axis)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        lstm.lstm_forward(**arguments)


@pytest.mark.parametrize(("name", "axis"), axes(UPSTREAM, drawn((2, 5, 3, 4))[1]))
def test_backward_names_the_argument(name, axis):
    arguments, upstream = drawn((2, 5, 3, 4))
    *_, caches = lstm.lstm_forward(*arguments)
    upstream = dict(zip(UPSTREAM, upstream, strict=True))
    upstream[name] = longer(upstream[name], axis)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        lstm.lstm_backward(**upstream, caches=caches)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["dh", "dc"])
def test_step_backward_names_the_argument(name, axis):
    arguments, upstream = one_step((2, 1, 3, 4))
    *_, cache = lstm.lstm_step_forward(*arguments)
    upstream = dict(zip(("dh", "dc"), upstream, strict=True))
    upstream[name] = longer(upstream[name], axis)
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        lstm.lstm_step_backward(**upstream, cache=cache)


@pytest.mark.parametrize("name", [name for name in GATES if name != "W_f"])
def test_pack_names_the_argument(name):
    gates = {other: np.ones((3, 5) if other.startswith("W") else 3) for other in GATES}
    for axis in range(gates[name].ndim):
        with pytest.raises(ValueError, match=rf"^{name}\b"):
            lstm.pack_gates(**{**gates, name: longer(gates[name], axis)})


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 2), (3, 5, 1)])
def test_pack_names_the_first_gate(shape):
    gates = {other: np.ones((3, 5) if other.startswith("W") else 3) for other in GATES}
    with pytest.raises(ValueError, match=r"^W_f\b"):
        lstm.pack_gates(**{**gates, "W_f": np.ones(shape)})


@pytest.mark.parametrize("shape", [(0, 3, 2), (3, 2), (2,)])
def test_path_names_the_argument(shape):
    with pytest.raises(ValueError, match=r"^f\b"):
        lstm.cell_path_gradient(np.ones(shape))


def test_no_steps():
    (x, *rest), upstream = drawn((2, 5, 3, 4))
    with pytest.raises(ValueError, match=r"^x\b"):
        lstm.lstm_forward(x[:, :0], *rest)
    with pytest.raises(ValueError, match=r"^x\b"):
        lstm.lstm_forward(x[:, 0], *rest)
    with pytest.raises(ValueError, match=r"^caches\b"):
        lstm.lstm_backward(upstream[0][:, :0], *upstream[1:], [])
