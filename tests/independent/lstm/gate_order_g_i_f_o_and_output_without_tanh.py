"""The LSTM cell: one step, its gradient, the loop over time.

Shapes: N batch, T steps, D inputs, H hidden units. Weights are stacked as in `torch.nn.LSTM`: rows 0..H-1 belong to
the input gate i, then follow the forget gate f, the candidate g and the output gate o, H rows each. There is one bias.

    i_t = s(W_i x_t + U_i h_(t-1) + b_i)        s(z) = 1 / (1 + exp(-z)), always between 0 and 1
    f_t = s(W_f x_t + U_f h_(t-1) + b_f)
    g_t = tanh(W_g x_t + U_g h_(t-1) + b_g)
    o_t = s(W_o x_t + U_o h_(t-1) + b_o)
    c_t = f_t * c_(t-1) + i_t * g_t
    h_t = o_t * tanh(c_t)

`w_ih` (4H, D) is W_i, W_f, W_g, W_o on top of each other, `w_hh` (4H, H) is U_i, U_f, U_g, U_o, `b` (4H,) the biases.
All arrays of a call have one dtype, float64 or float32; the results have it too. No function changes its arguments.
"""

from typing import NamedTuple

import numpy as np


class LSTMCache(NamedTuple):
    """What one step forward leaves behind for its backward step."""

    x: np.ndarray  # (N, D)
    h_prev: np.ndarray  # (N, H)
    c_prev: np.ndarray  # (N, H)
    i: np.ndarray  # (N, H)  the gates after sigmoid or tanh
    f: np.ndarray  # (N, H)
    g: np.ndarray  # (N, H)
    o: np.ndarray  # (N, H)
    c: np.ndarray  # (N, H)  the new cell state
    w_ih: np.ndarray  # (4H, D)
    w_hh: np.ndarray  # (4H, H)


# Input checks (given) -------------------------------------------------------------------------------------------------


def check_shape(name: str, array: np.ndarray, *shape: int | None) -> None:
    """ValueError that names the array unless it has this shape; None stands for any size."""
    fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape, strict=True))
    if not fits:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}".replace("None", "any"))


def check_weights(w_ih: np.ndarray, w_hh: np.ndarray, b: np.ndarray, D: int) -> int:
    """H, read from `w_hh` (4H, H); ValueError unless the other weights agree with it and with D inputs."""
    H = w_hh.shape[-1]
    check_shape("w_hh", w_hh, 4 * H, H)
    check_shape("w_ih", w_ih, 4 * H, D)
    check_shape("b", b, 4 * H)
    return H


# The layout of the weights --------------------------------------------------------------------------------------------


def pack_gates(W_f, b_f, W_i, b_i, W_C, b_C, W_o, b_o):
    """Stack the four gates of a textbook cell into (w_ih, w_hh, b).

    Textbooks give each gate its own matrix, applied to h and x in one column: f_t = s(W_f [h_(t-1), x_t] + b_f).

    W_f, W_i, W_C, W_o: (H, H+D), the first H columns act on h, the last D on x; W_C belongs to the candidate g
    b_f, b_i, b_C, b_o: (H,)
    returns w_ih (4H, D), w_hh (4H, H), b (4H,), rows in the order i, f, g, o
    ValueError names the first array whose shape does not fit the others.
    """
    H = len(W_f)
    check_shape("W_f", W_f, H, None)
    if W_f.shape[1] <= H:
        raise ValueError(f"W_f must have shape (H, H+D) with D >= 1, got {W_f.shape}")
    for name, W in (("W_i", W_i), ("W_C", W_C), ("W_o", W_o)):
        check_shape(name, W, *W_f.shape)
    for name, bias in (("b_f", b_f), ("b_i", b_i), ("b_C", b_C), ("b_o", b_o)):
        check_shape(name, bias, H)
    gates = {"f": (W_f, b_f), "i": (W_i, b_i), "g": (W_C, b_C), "o": (W_o, b_o)}
    halves = {name: np.hsplit(W, [H]) for name, (W, _) in gates.items()}
    w_hh = np.concatenate([halves[name][0] for name in "ifgo"])
    w_ih = np.concatenate([halves[name][1] for name in "ifgo"])
    b = np.concatenate([gates[name][1] for name in "ifgo"])
    return w_ih, w_hh, b


# One step -------------------------------------------------------------------------------------------------------------


SQUASH = {
    "i": lambda z: np.exp(-np.logaddexp(0, -z)),
    "f": lambda z: np.exp(-np.logaddexp(0, -z)),
    "g": np.tanh,
    "o": lambda z: np.exp(-np.logaddexp(0, -z)),
}
ROWS = "gifo"


def one_sample(xn, hn, cn, w_ih, w_hh, b, H):
    """The cell for a single sample; everything is a vector here."""
    gate = {}
    for pos, name in enumerate(ROWS):
        r = slice(pos * H, (pos + 1) * H)
        gate[name] = SQUASH[name](w_ih[r].dot(xn) + w_hh[r].dot(hn) + b[r])
    c_new = gate["f"] * cn
    c_new = c_new + gate["i"] * gate["g"]
    h_new = gate["o"] * c_new
    return h_new, c_new, gate


def lstm_step_forward(x, h_prev, c_prev, w_ih, w_hh, b):
    """h_t and c_t from x_t, h_(t-1), c_(t-1): the six formulas at the top of this file.

    x: (N, D)   h_prev, c_prev: (N, H)   w_ih: (4H, D)   w_hh: (4H, H)   b: (4H,)
    returns h (N, H), c (N, H) and the LSTMCache of this step
    Gates may be wide open or shut: pre-activations of +-800 give gates of 1 and 0, never nan.
    ValueError names the argument whose shape does not fit; N and D are read from x, H from w_hh.
    """
    check_shape("x", x, None, None)
    N, D = x.shape
    H = check_weights(w_ih, w_hh, b, D)
    check_shape("h_prev", h_prev, N, H)
    check_shape("c_prev", c_prev, N, H)
    hs, cs, gates = [], [], []
    for n in range(N):
        h_new, c_new, gate = one_sample(x[n], h_prev[n], c_prev[n], w_ih, w_hh, b, H)
        hs.append(h_new)
        cs.append(c_new)
        gates.append(gate)
    stacked = {name: np.stack([gate[name] for gate in gates]) for name in "ifgo"}
    c = np.stack(cs)
    return np.stack(hs), c, LSTMCache(x, h_prev, c_prev, c=c, w_ih=w_ih, w_hh=w_hh, **stacked)


def gate_back(dz, rows, cache, sums):
    """Add what one gate sends back to the six gradients."""
    sums["x"] += dz @ cache.w_ih[rows]
    sums["h"] += dz @ cache.w_hh[rows]
    sums["w_ih"][rows] += dz.T @ cache.x
    sums["w_hh"][rows] += dz.T @ cache.h_prev
    sums["b"][rows] += dz.sum(0)


def lstm_step_backward(dh, dc, cache):
    """Gradients of the loss by the six inputs of one step.

    dh: (N, H), the gradient by h_t, all of it
    dc: (N, H), the gradient by c_t that comes from step t+1; what comes through h_t is not in it yet
    returns dx (N, D), dh_prev (N, H), dc_prev (N, H), dw_ih (4H, D), dw_hh (4H, H), db (4H,)
    The gradients of the weights are sums over the batch, not means.
    ValueError names dh or dc if it has another shape than c.
    """
    check_shape("dh", dh, *cache.c.shape)
    check_shape("dc", dc, *cache.c.shape)
    H = cache.c.shape[1]
    sums = {
        "x": np.zeros_like(cache.x),
        "h": np.zeros_like(cache.h_prev),
        "w_ih": np.zeros_like(cache.w_ih),
        "w_hh": np.zeros_like(cache.w_hh),
        "b": np.zeros(4 * H, dtype=cache.c.dtype),
    }
    tc = np.tanh(cache.c)
    gate_back(dh * tc * cache.o * (1 - cache.o), slice(3 * H, 4 * H), cache, sums)
    d = dc + dh * cache.o * (1 - tc**2)
    gate_back(d * cache.i * (1 - cache.g**2), slice(2 * H, 3 * H), cache, sums)
    gate_back(d * cache.c_prev * cache.f * (1 - cache.f), slice(H, 2 * H), cache, sums)
    gate_back(d * cache.g * cache.i * (1 - cache.i), slice(0, H), cache, sums)
    return sums["x"], sums["h"], d * cache.f, sums["w_ih"], sums["w_hh"], sums["b"]


# A sequence -----------------------------------------------------------------------------------------------------------


def lstm_forward(x, h0, c0, w_ih, w_hh, b):
    """Run the cell over a sequence, from the state (h0, c0).

    x: (N, T, D), T >= 1   h0, c0: (N, H)   w_ih: (4H, D)   w_hh: (4H, H)   b: (4H,)
    returns h (N, T, H), all outputs; h_T (N, H) and c_T (N, H), the last state; caches, a list of T LSTMCache, first
    step first
    ValueError names the argument whose shape does not fit, x if T is 0; N, T, D are read from x, H from w_hh.
    """
    check_shape("x", x, None, None, None)
    N, T, D = x.shape
    if T == 0:
        raise ValueError("x must hold at least one step, got T = 0")
    H = check_weights(w_ih, w_hh, b, D)
    check_shape("h0", h0, N, H)
    check_shape("c0", c0, N, H)
    state, outs, caches = (h0, c0), [], []
    for t in range(T):
        h, c, cache = lstm_step_forward(x[:, t], *state, w_ih, w_hh, b)
        state = (h, c)
        outs.append(h)
        caches.append(cache)
    return np.stack(outs, axis=1), state[0], state[1], caches


def lstm_backward(dh_seq, dh_last, dc_last, caches):
    """Gradients of the loss by the six inputs of `lstm_forward`.

    dh_seq: (N, T, H), the gradient that reaches each h_t through the result h
    dh_last, dc_last: (N, H), the gradients that reach the results h_T and c_T; dh_last comes on top of dh_seq's last
    caches: the list that `lstm_forward` returned
    returns dx (N, T, D), dh0 (N, H), dc0 (N, H), dw_ih (4H, D), dw_hh (4H, H), db (4H,)
    The gradients of the weights are sums over batch and time.
    ValueError names the argument whose shape does not fit, caches if it is empty.
    """
    if len(caches) == 0:
        raise ValueError("caches must hold at least one step, got an empty list")
    T, (N, H) = len(caches), caches[0].c.shape
    check_shape("dh_seq", dh_seq, N, T, H)
    check_shape("dh_last", dh_last, N, H)
    check_shape("dc_last", dc_last, N, H)
    H_, D = H, caches[0].x.shape[1]
    dx = np.zeros((N, T, D), dtype=dh_seq.dtype)
    grads = [np.zeros_like(caches[0].w_ih), np.zeros_like(caches[0].w_hh), np.zeros(4 * H_, dtype=dh_seq.dtype)]
    dh, dc = dh_last, dc_last
    for t in reversed(range(T)):
        from_loss = dh_seq[:, t]
        dx[:, t], dh, dc, *weights = lstm_step_backward(dh + from_loss, dc, caches[t])
        for total, part in zip(grads, weights):
            total += part
    return (dx, dh, dc, *grads)


# The way of the gradient through the cell -----------------------------------------------------------------------------


def cell_path_gradient(f):
    """Gradient of c_T by c_0 along the direct path c_0, c_1, ..., c_T, on which every gate counts as a constant.

    f: (T, N, H), the forget gates of all steps, T >= 1
    returns (N, H): unit by unit, because this path never mixes them
    ValueError names f if it is not three-dimensional or T is 0.
    """
    check_shape("f", f, None, None, None)
    if len(f) == 0:
        raise ValueError("f must hold at least one step, got T = 0")
    out = f[0].copy()
    for t in range(1, len(f)):
        out *= f[t]
    return out


# Questions ------------------------------------------------------------------------------------------------------------
# Put a number or a text in the place of None. Three significant digits are enough.

# Q1: The forget gate stays at f = 0.9 and nothing is written (i = 0). Which fraction of c is left after 20 steps?
Q1 = None  # TODO: your answer

# Q2: Let W_f = U_f = 0, so that b_f alone sets f. Which b_f leaves half of c after 20 steps (again i = 0)?
Q2 = None  # TODO: your answer

# Q3: Some decks print the cell without its last tanh: h_t = o_t * c_t. Let i = f = g = o = 1 at every step and c_0 = 0.
#     What is h_5 in that cell? (What is it in yours?)
Q3 = None  # TODO: your answer

# Q4: A slide misprints the update as c_t = f_t * c_(t-1) + f_t * g_t. Which gate has nothing left to do?
#     One of "i", "f", "o".
Q4 = None  # TODO: your answer

# Q5: "The gradient runs through the cell without meeting a weight matrix": true for the direct path only. Run the tiny
#     cell of the handout for two steps, with x = 1 at both. What is the whole gradient of c_2 by c_0, minus the direct
#     path's? (`lstm_backward` with dc_last = 1, all else 0, gives the one, `cell_path_gradient` the other.)
Q5 = None  # TODO: your answer
