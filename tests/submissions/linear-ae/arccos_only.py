"""linear_ae.py"""

import numpy as np


# given -----------------------------------------------------------


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


# mine ------------------------------------------------------------


def pca(X, k):
    check_shape("X", X, None, None)
    check_k(k, X)
    mean = X.mean(axis=0, keepdims=True)
    _, s, Vt = np.linalg.svd(X - mean, full_matrices=False)
    V = with_positive_peaks(Vt[0:k, :])
    lambdas = (s[0:k] ** 2) / X.shape[0]
    return mean.squeeze(axis=0), V, lambdas


def pca_reconstruct(X, mean, components):
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    coordinates = np.dot(X - mean, components.T)
    return np.dot(coordinates, components) + mean


def tied_ae_loss_grad(W, X):
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    n = X.shape[0]
    Xc = X - X.mean(axis=0, keepdims=True)
    H = np.dot(Xc, W)
    E = np.dot(H, W.T) - Xc
    loss = np.linalg.norm(E) ** 2 / (2 * n)
    dH = np.dot(E, W) / n
    dW = np.dot(Xc.T, dH)           # first use of W
    dW += np.dot(E.T, H) / n        # second use
    return loss, dW


def train_linear_ae(X, k, steps, lr, rng):
    check_shape("X", X, None, None)
    check_k(k, X)
    W = rng.standard_normal((X.shape[1], k)) * 0.1
    history = []
    for t in range(steps):
        loss, dW = tied_ae_loss_grad(W, X)
        history.append(loss)
        W = W - lr * dW
    return W


def principal_angles(A, B):
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    qa, _ = np.linalg.qr(A)
    qb, _ = np.linalg.qr(B)
    sigma = np.linalg.svd(qa.T @ qb, compute_uv=False)
    sigma = np.clip(sigma, 0.0, 1.0)      # rounding, else nan
    return np.arccos(sigma)[::-1]


Q1 = 8.13
Q2 = 0.866
Q3 = 49
Q4 = 1.4
Q5 = 0.125
