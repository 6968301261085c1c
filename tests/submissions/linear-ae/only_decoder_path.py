"""PCA and the linear autoencoder: one subspace, found by linear algebra and found by training."""

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
    """The k orthonormal directions along which the centred data vary most."""
    check_shape("X", X, None, None)
    check_k(k, X)
    mean = np.average(X, axis=0)
    cov = np.atleast_2d(np.cov(X - mean, rowvar=False, bias=True))
    vals, vecs = np.linalg.eigh(cov)
    vals = np.flip(vals)
    vecs = np.flip(vecs, axis=1)
    return mean, with_positive_peaks(vecs[:, :k].T), vals[:k]


def pca_reconstruct(X, mean, components):
    """What is left of each sample when only its coordinates along the components are kept."""
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    return np.einsum("nd,kd,ke->ne", X - mean, components, components) + mean


def tied_ae_loss_grad(W, X):
    """loss and its gradient with respect to W."""
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    N = len(X)
    X_c = X - X.mean(0)
    Z = X_c @ W
    X_hat = Z @ W.T
    error = X_hat - X_c
    loss = 0.5 * (error * error).sum(axis=1).mean()
    # chain rule: d loss / d X_hat = error / N, and X_hat = Z W^T
    dW = error.T @ Z / N
    return loss, dW


def train_linear_ae(X, k, steps, lr, rng):
    """Gradient descent."""
    check_shape("X", X, None, None)
    check_k(k, X)
    W = 0.1 * rng.standard_normal((X.shape[1], k))
    for _ in range(steps):
        W = W - lr * tied_ae_loss_grad(W, X)[1]
    return W


def principal_angles(A, B):
    """The k principal angles between the spans of two sets of columns."""
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    Qa = np.linalg.qr(A).Q
    Qb = np.linalg.qr(B).Q
    cos = np.linalg.svd(Qa.T @ Qb, compute_uv=False)
    sin = np.linalg.svd(Qb - Qa @ (Qa.T @ Qb), compute_uv=False)
    return np.arctan2(sin, cos[::-1])


Q1 = 8.13
Q2 = 0.866
Q3 = 49
Q4 = 1.4
Q5 = 0.125
