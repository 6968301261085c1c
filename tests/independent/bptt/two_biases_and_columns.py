"""A recurrent network: forward, backpropagation through time, and its truncation.

Shapes: N batch, T steps, D inputs, H hidden units. Every step has the same three parameters `w_ih` (H, D),
`w_hh` (H, H) and `b` (H,). Written for one sample, with columns x_t (D) and h_t (H):

    h_t = tanh(w_ih x_t + w_hh h_(t-1) + b)        t = 1 ... T, from a given h_0

Formulas count the steps from 1, arrays from 0: `x[:, 0]` holds x_1 and `h[:, 0]` holds h_1. h_0 is the argument `h0`
and no part of `h`. Each h_t may enter a loss of its own; the loss L is the sum of them all.

All arrays of a call have one dtype, float64 or float32; the results have it too. No function changes its arguments.
"""

import numpy as np

# Input checks (given) -------------------------------------------------------------------------------------------------


def check_shape(name: str, array: np.ndarray, *shape: int | None) -> None:
    """ValueError that names the array unless it has this shape; None stands for any size."""
    fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape, strict=True))
    if not fits:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}".replace("None", "any"))


def check_network(x, h0, w_ih, w_hh) -> tuple[int, int, int]:
    """N, T, H, read from `x` (N, T, D) and `w_hh` (H, H); ValueError unless T >= 1 and h0 and w_ih agree with them."""
    check_shape("x", x, None, None, None)
    N, T, D = x.shape
    if T == 0:
        raise ValueError("x must hold at least one step, got T = 0")
    H = w_hh.shape[-1]
    check_shape("w_hh", w_hh, H, H)
    check_shape("w_ih", w_ih, H, D)
    check_shape("h0", h0, N, H)
    return N, T, H


def check_backward(dh, x, h0, h, w_ih, w_hh) -> None:
    """The same for the arguments of `bptt`: h and dh are (N, T, H)."""
    N, T, H = check_network(x, h0, w_ih, w_hh)
    check_shape("h", h, N, T, H)
    check_shape("dh", dh, N, T, H)


# Forward --------------------------------------------------------------------------------------------------------------


def rnn_forward(x, h0, w_ih, w_hh, b):
    """h_t = tanh(w_ih x_t + w_hh h_(t-1) + b) for all steps, from h_0.

    x: (N, T, D), T >= 1   h0: (N, H)   w_ih: (H, D)   w_hh: (H, H)   b: (H,)
    returns h (N, T, H), the states h_1 ... h_T; h_0 is not among them
    ValueError names the argument whose shape does not fit, x if T is 0; N, T, D are read from x, H from w_hh.
    """
    _, _, H = check_network(x, h0, w_ih, w_hh)
    check_shape("b", b, H)
    bias = b[:, None]
    state = h0.T
    h = np.empty((x.shape[1], H, len(x)), dtype=x.dtype)
    for t in range(len(h)):
        from_input = np.dot(w_ih, x[:, t].T) + bias
        from_state = np.dot(w_hh.T, state) + bias
        state = h[t] = np.tanh(from_input + from_state)
    return np.transpose(h, (2, 0, 1))


# A gradient without thinking ------------------------------------------------------------------------------------------


def numerical_gradient(f, x, eps=1e-6):
    """gradient_i = (f(x + eps e_i) - f(x - eps e_i)) / (2 eps), where e_i is 1 at entry i of x and 0 elsewhere.

    f: a function of one array of the shape of x that returns a number
    x: float64, any shape with at least one axis; the same array holds the same numbers after the call
    returns the gradient, float64, with the shape of x
    Slow and not exact, but it knows nothing of tanh and time: use it to check the functions below.
    ValueError names x if it is not float64 (in float32 a step of 1e-6 drowns in rounding), eps if it is not positive.
    """
    if x.dtype != np.float64:
        raise ValueError(f"x must be float64, got {x.dtype}")
    if not eps > 0:
        raise ValueError(f"eps must be positive, got {eps}")
    def at(i, step):
        moved = x.copy().reshape(-1)
        moved[i] += step
        return float(f(moved.reshape(x.shape)))

    flat = np.empty(x.size)
    for i in range(x.size):
        flat[i] = at(i, eps) - at(i, -eps)
    flat /= 2 * eps
    return flat.reshape(x.shape)


# One step back --------------------------------------------------------------------------------------------------------


def rnn_step_backward(dh, x_t, h_prev, h_t, w_ih, w_hh):
    """Gradients of the loss by the five inputs of one step h_t = tanh(w_ih x_t + w_hh h_(t-1) + b).

    dh: (N, H), the gradient by h_t, all of it
    x_t: (N, D)   h_prev: (N, H), that is h_(t-1)   h_t: (N, H), from the forward pass   w_ih: (H, D)   w_hh: (H, H)
    returns dx_t (N, D), dh_prev (N, H), dw_ih (H, D), dw_hh (H, H), db (H,)
    The gradients of w_ih, w_hh and b are sums over the batch, not means. b itself is not needed.
    ValueError names the argument whose shape does not fit; N and D are read from x_t, H from w_hh.
    """
    check_shape("x_t", x_t, None, None)
    N, D = x_t.shape
    H = w_hh.shape[-1]
    check_shape("w_hh", w_hh, H, H)
    check_shape("w_ih", w_ih, H, D)
    for name, state in (("h_prev", h_prev), ("h_t", h_t), ("dh", dh)):
        check_shape(name, state, N, H)
    dz = dh * (1 - h_t**2)
    return dz @ w_ih, dz @ w_hh, dz.T @ x_t, dz.T @ h_prev, dz.sum(axis=0)


# All steps back -------------------------------------------------------------------------------------------------------


def bptt(dh, x, h0, h, w_ih, w_hh):
    """Gradients of the loss by the five inputs of `rnn_forward`.

    dh: (N, T, H), the gradient that each h_t receives from its own loss; what reaches it from later steps is not in it
    x: (N, T, D), T >= 1   h0: (N, H)   h: (N, T, H), from the forward pass   w_ih: (H, D)   w_hh: (H, H)
    returns dx (N, T, D), dh0 (N, H), dw_ih (H, D), dw_hh (H, H), db (H,)
    The gradients of w_ih, w_hh and b are sums over batch and time. Nothing is clipped, however large it is.
    ValueError names the argument whose shape does not fit, x if T is 0; N, T, D are read from x, H from w_hh.
    """
    check_backward(dh, x, h0, h, w_ih, w_hh)
    dx, dh0 = np.zeros_like(x), np.zeros_like(h0)
    dw_ih, dw_hh, db = np.zeros_like(w_ih), np.zeros_like(w_hh), np.zeros_like(w_hh[0])
    for n in range(len(x)):
        from_later = np.zeros_like(h0[n])
        for t in range(x.shape[1])[::-1]:
            total = dh[n, t] + from_later
            dz = total * (1 - h[n, t] ** 2)
            old = h0[n] if t == 0 else h[n, t - 1]
            dx[n, t] = dz @ w_ih
            dw_ih += dz[:, None] * x[n, t]
            dw_hh += dz[:, None] * old
            db += dz
            from_later = dz @ w_hh
        dh0[n] = from_later
    return dx, dh0, dw_ih, dw_hh, db


def tbptt(dh, x, h0, h, w_ih, w_hh, k):
    """The gradients of `bptt`, truncated: the loss of step t reaches the steps t, t-1, ..., t-k+1 and no earlier ones.

    Every loss looks back k steps from where *it* stands, so the windows overlap; the sequence is not cut into blocks.
    What comes before the window counts as a constant. h_0 receives only what passes step 1, so from the losses of the
    steps 1 ... k. The states h are those of the whole sequence: nothing is reset, only the way back is shorter.

    dh, x, h0, h, w_ih, w_hh and the results: as for `bptt`   k: int, at least 1; from k = T on the result is bptt's
    ValueError names the argument whose shape does not fit, x if T is 0, k if it is no int or below 1.
    """
    check_backward(dh, x, h0, h, w_ih, w_hh)
    if not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be an int, at least 1, got {k!r}")
    grads = [np.zeros_like(x), np.zeros_like(h0), np.zeros_like(w_ih), np.zeros_like(w_hh), np.zeros_like(w_hh[0])]
    for loss in range(x.shape[1]):
        g, t = dh[:, loss], loss
        while t >= 0 and loss - t < k:
            before = h[:, t - 1] if t >= 1 else h0
            dx_t, g, *three = rnn_step_backward(g, x[:, t], before, h[:, t], w_ih, w_hh)
            grads[0][:, t] += dx_t
            for kept, more in zip(grads[2:], three, strict=True):
                kept += more
            t -= 1
        if t < 0:
            grads[1] += g
    return tuple(grads)


# Questions ------------------------------------------------------------------------------------------------------------
# Put a number in the place of None. Three significant digits are enough.

# Q1: A slide has no b. Its states begin with a constant, h_t = [1, tanh(W x_t + U h_(t-1))], so that the first column
#     of U acts as the bias. But it starts from "h_0 = all zeros". T = 10: in how many of the steps does the bias act?
Q1 = 9

# Q2: "Think of time as depth, then it is ordinary backpropagation." Let h_t = w h_(t-1) (no tanh, no x, no b), h_0 = 1,
#     w = 2 and T = 3. In a network of three layers with weights w_1 = w_2 = w_3 = 2, the gradient of h_3 by w_1 is 4.
#     What is the gradient of h_3 by the one w of the recurrent network?
Q2 = 12

# Q3: T = 8 and k = 4. Count the pairs (loss of step t, input of step s) between which `tbptt` lets a gradient pass.
#     (`bptt` would have 1 + 2 + ... + 8 = 36.)
Q3 = 26

# Q4: Another way to truncate cuts the 8 steps into two blocks of 4 and runs `bptt` in each, with no gradient from the
#     second block to the first. How many of the pairs does it keep?
Q4 = 20

# Q5: Let h_t = 0.9 h_(t-1) + x_t (no tanh), one loss L = h_T at the last step, and T very large. `bptt` sends 0.9^(T-s)
#     to x_s. Which is the smallest k with which `tbptt` keeps at least 95 % of the sum of all these?
Q5 = 29
