import numpy as np


def check_shape(name: str, array: np.ndarray, *shape: int | None) -> None:
    """ValueError that names the array unless it has this shape; None stands for any size."""
    fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape, strict=True))
    if not fits:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}".replace("None", "any"))


def check_k(k: int, X: np.ndarray) -> None:
    """ValueError that names k unless 1 <= k <= min(N, D)."""
    if not 1 <= k <= min(X.shape):
        raise ValueError(f"k must lie between 1 and min(N, D) = {min(X.shape)}, got {k}")


def with_positive_peaks(rows: np.ndarray) -> np.ndarray:
    """The rows, each turned around where needed, so that its entry of largest absolute value is positive."""
    peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return np.where(peaks < 0, -rows, rows)


def pca(X, k):
    check_shape("X", X, None, None)
    check_k(k, X)
    mean = X.mean(axis=0)
    w, V = np.linalg.eigh(np.einsum("na,nb->ab", X - mean, X - mean) / len(X))
    order = np.argsort(-w)
    w, V = w[order], V[:, order]
    return mean, with_positive_peaks(V.T)[:k], w[:k]


def pca_reconstruct(X, mean, components):
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    return mean + ((X - mean) @ components.T) @ components


def tied_ae_loss_grad(W, X):
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    N, D = X.shape
    Xc = X - np.mean(X, axis=0)
    code = Xc @ W
    err = code @ W.T - Xc
    loss = 0.5 * np.mean(np.sum(err ** 2, axis=1))
    derr = 2 * err / N                     # derivative of the square
    dW_dec = derr.T @ code
    dW_enc = Xc.T @ (derr @ W)
    return loss, dW_enc + dW_dec


def train_linear_ae(X, k, steps, lr, rng):
    check_shape("X", X, None, None)
    check_k(k, X)
    W = 0.1 * rng.standard_normal(size=(X.shape[1], k))
    for _ in range(steps):
        loss, dW = tied_ae_loss_grad(W, X)
        W = W - lr * dW
    return W


def principal_angles(A, B):
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    Qa, _ = np.linalg.qr(A)
    Qb, _ = np.linalg.qr(B)
    C = Qa.T @ Qb
    cos = np.sort(np.linalg.svd(C, compute_uv=False))
    sin = np.linalg.svd(Qb - Qa @ C, compute_uv=False)
    angles = []
    for c, s in zip(cos, sin):
        if c > 0.5:
            angles.append(np.arcsin(min(s, 1.0)))
        else:
            angles.append(np.arccos(c))
    return np.array(angles)


Q1 = 8.13
Q2 = 0.866
Q3 = 49
Q4 = 1.4
Q5 = 0.125
