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
    N, T, _ = x.shape
    h = np.zeros((N, T, H), x.dtype)
    for t in range(T):
        prev = h0 if t == 0 else h[:, t - 1]
        h[:, t] = np.tanh(np.dot(x[:, t], w_ih.T) + np.dot(prev, w_hh.T) + b)
    return h


def numerical_gradient(f, x, eps=1e-6):
    if x.dtype != np.float64:
        raise ValueError(f"x must be float64, got {x.dtype}")
    if not eps > 0:
        raise ValueError(f"eps must be positive, got {eps}")
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    for _ in it:
        idx = it.multi_index
        xp, xm = x.copy(), x.copy()
        xp[idx] += eps
        xm[idx] -= eps
        grad[idx] = (f(xp) - f(xm)) / (2 * eps)
    return grad


def rnn_step_backward(dh, x_t, h_prev, h_t, w_ih, w_hh):
    check_shape("x_t", x_t, None, None)
    N, D = x_t.shape
    H = w_hh.shape[-1]
    check_shape("w_hh", w_hh, H, H)
    check_shape("w_ih", w_ih, H, D)
    for name, state in (("h_prev", h_prev), ("h_t", h_t), ("dh", dh)):
        check_shape(name, state, N, H)
    dtanh = dh * (1 - h_t * h_t)
    dx_t = np.dot(dtanh, w_ih)
    dh_prev = np.dot(dtanh, w_hh)
    dw_ih = np.dot(dtanh.T, x_t)
    dw_hh = np.dot(dtanh.T, h_prev)
    db = np.sum(dtanh, axis=0)
    return dx_t, dh_prev, dw_ih, dw_hh, db


def bptt(dh, x, h0, h, w_ih, w_hh):
    check_backward(dh, x, h0, h, w_ih, w_hh)
    N, T, _ = x.shape
    dx = np.zeros_like(x)
    dw_ih = np.zeros_like(w_ih)
    dw_hh = np.zeros_like(w_hh)
    db = np.zeros(len(w_hh), x.dtype)
    for t in reversed(range(T)):
        prev = h0 if t == 0 else h[:, t - 1]
        dx_t, dh_prev, dwi, dwh, dbt = rnn_step_backward(dh[:, t], x[:, t], prev, h[:, t], w_ih, w_hh)
        dx[:, t] = dx_t
        dw_ih += dwi
        dw_hh += dwh
        db += dbt
    dh0 = dh_prev
    return dx, dh0, dw_ih, dw_hh, db


def tbptt(dh, x, h0, h, w_ih, w_hh, k):
    check_backward(dh, x, h0, h, w_ih, w_hh)
    if not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be an int, at least 1, got {k!r}")
    # TODO: write this
    raise NotImplementedError("TODO: tbptt")


Q1 = 9

Q2 = 4

Q3 = 26

Q4 = 20

Q5 = None  # TODO: your answer
