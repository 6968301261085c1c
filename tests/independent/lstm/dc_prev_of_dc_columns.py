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
    cube = np.array([W_i, W_f, W_C, W_o])
    flat = cube.reshape(4 * H, -1)
    b = np.array([b_i, b_f, b_C, b_o]).reshape(-1)
    return flat[:, H:].copy(), flat[:, :H].copy(), b


# One step -------------------------------------------------------------------------------------------------------------


def sig(z):
    # two branches, so that exp never overflows
    if z >= 0:
        return 1 / (1 + np.exp(-z))
    e = np.exp(z)
    return e / (1 + e)


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
    h = np.empty((N, H), dtype=x.dtype)
    c = np.empty((N, H), dtype=x.dtype)
    ig, fg, gg, og = (np.empty((N, H), dtype=x.dtype) for _ in range(4))
    for n in range(N):
        for k in range(H):
            # pre-activations of unit k for sample n, one gate after the other
            z = []
            for gate in range(4):
                row = gate * H + k
                s = b[row]
                for d in range(D):
                    s = s + w_ih[row, d] * x[n, d]
                for j in range(H):
                    s = s + w_hh[row, j] * h_prev[n, j]
                z.append(s)
            ig[n, k] = sig(z[0])
            fg[n, k] = sig(z[1])
            gg[n, k] = np.tanh(z[2])
            og[n, k] = sig(z[3])
            c[n, k] = c_prev[n, k] * fg[n, k] + gg[n, k] * ig[n, k]
            h[n, k] = np.tanh(c[n, k]) * og[n, k]
    return h, c, LSTMCache(x, h_prev, c_prev, ig, fg, gg, og, c, w_ih, w_hh)


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
    # every sample is a column, as on paper
    i, f, g, o, c, c_old = (a.T for a in (cache.i, cache.f, cache.g, cache.o, cache.c, cache.c_prev))
    up = dh.T
    s = np.tanh(c)
    back = np.square(s)
    np.subtract(1, back, out=back)
    back *= o
    back *= up
    back += dc.T
    delta = np.vstack([back * g, back * c_old, back * i, up * s])
    slope = np.vstack([i * (1 - i), f * (1 - f), 1 - g * g, o * (1 - o)])
    delta *= slope
    old_h = cache.h_prev
    grad_in = np.hstack([cache.w_ih, cache.w_hh]).T @ delta
    grad_w = delta @ np.hstack([cache.x, old_h])
    D = cache.x.shape[1]
    back = dc.T * f
    return grad_in[:D].T, grad_in[D:].T, back.T, grad_w[:, :D], grad_w[:, D:], delta.sum(axis=1)


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
    # TODO: write this
    raise NotImplementedError("TODO: lstm_forward")


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
    # TODO: write this
    raise NotImplementedError("TODO: lstm_backward")


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
    # TODO: write this
    raise NotImplementedError("TODO: cell_path_gradient")


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
