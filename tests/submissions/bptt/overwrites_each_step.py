import numpy as np

def check_shape(name: str, array: np.ndarray, *shape: int | None) -> None:
    fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape, strict=True))
    if not fits:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}".replace("None", "any"))


def check_network(x, h0, w_ih, w_hh) -> tuple[int, int, int]:
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
    N, T, H = check_network(x, h0, w_ih, w_hh)
    check_shape("h", h, N, T, H)
    check_shape("dh", dh, N, T, H)


def rnn_forward(x, h0, w_ih, w_hh, b):
    _, _, H = check_network(x, h0, w_ih, w_hh)
    check_shape("b", b, H)
    batch, time, _ = x.shape
    hidden_states = np.empty((batch, time, H), dtype=x.dtype)
    state = h0.copy()
    for t in range(time):
        state = np.tanh(np.matmul(x[:, t], w_ih.T) + np.matmul(state, w_hh.T) + b)
        hidden_states[:, t] = state
    return hidden_states


def numerical_gradient(f, x, eps=1e-6):
    if x.dtype != np.float64:
        raise ValueError(f"x must be float64, got {x.dtype}")
    if not eps > 0:
        raise ValueError(f"eps must be positive, got {eps}")
    result = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = 1
        result[i] = (f(x + eps * e) - f(x - eps * e)) / (2 * eps)
    return result


def rnn_step_backward(dh, x_t, h_prev, h_t, w_ih, w_hh):
    check_shape("x_t", x_t, None, None)
    N, D = x_t.shape
    H = w_hh.shape[-1]
    check_shape("w_hh", w_hh, H, H)
    check_shape("w_ih", w_ih, H, D)
    for name, state in (("h_prev", h_prev), ("h_t", h_t), ("dh", dh)):
        check_shape(name, state, N, H)
    grad_z = dh * (1 - h_t ** 2)
    grad_w_ih = np.matmul(grad_z.T, x_t)
    grad_w_hh = np.matmul(grad_z.T, h_prev)
    grad_b = grad_z.sum(axis=0)
    grad_x = np.matmul(grad_z, w_ih)
    grad_h = np.matmul(grad_z, w_hh)
    return grad_x, grad_h, grad_w_ih, grad_w_hh, grad_b


def bptt(dh, x, h0, h, w_ih, w_hh):
    check_backward(dh, x, h0, h, w_ih, w_hh)
    batch, time, _ = x.shape
    grad_x = np.empty_like(x)
    grad_h = np.zeros_like(h0)
    for t in range(time - 1, -1, -1):
        previous = h[:, t - 1] if t >= 1 else h0
        grad_x[:, t], grad_h, grad_w_ih, grad_w_hh, grad_b = rnn_step_backward(
            dh[:, t] + grad_h, x[:, t], previous, h[:, t], w_ih, w_hh
        )
    return grad_x, grad_h, grad_w_ih, grad_w_hh, grad_b


def tbptt(dh, x, h0, h, w_ih, w_hh, k):
    check_backward(dh, x, h0, h, w_ih, w_hh)
    if not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be an int, at least 1, got {k!r}")
    batch, time, _ = x.shape
    grad_x = np.zeros_like(x)
    grad_h0 = np.zeros_like(h0)
    for t in range(time):
        grad_h = dh[:, t]
        for s in range(t, t - k, -1):
            if s < 0:
                break
            previous = h[:, s - 1] if s >= 1 else h0
            dx_s, grad_h, grad_w_ih, grad_w_hh, grad_b = rnn_step_backward(
                grad_h, x[:, s], previous, h[:, s], w_ih, w_hh
            )
            grad_x[:, s] += dx_s
            if s == 0:
                grad_h0 += grad_h
    return grad_x, grad_h0, grad_w_ih, grad_w_hh, grad_b


Q1 = 9

Q2 = 12

Q3 = 26

Q4 = 20

Q5 = 29
