"""Solution of the sheet "PCA and the linear autoencoder"."""
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
    peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return np.where(peaks < 0, -rows, rows)


def covariance(X):
    deviations = X - np.mean(X, axis=0)
    return deviations.T.dot(deviations) / X.shape[0]


def pca(X, k):
    check_shape("X", X, None, None)
    check_k(k, X)
    mu = np.mean(X, axis=0)
    U, S, Vt = np.linalg.svd((X - mu) / np.sqrt(len(X)), full_matrices=False)
    return mu, with_positive_peaks(Vt)[:k], np.square(S)[:k]


def pca_reconstruct(X, mean, components):
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    projector = components.T.dot(components)
    return (X - mean).dot(projector) + mean


def tied_ae_loss_grad(W, X):
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    # L = 1/2 tr((I - WW')C(I - WW')), so only the covariance matters
    C = covariance(X)
    E = np.eye(len(C)) - W.dot(W.T)
    L = 0.5 * np.trace(E.dot(C).dot(E))
    dP = -0.5 * (C.dot(E) + E.dot(C))   # dL / d(WW')
    return L, 2 * dP.dot(W)


def train_linear_ae(X, k, steps, lr, rng):
    check_shape("X", X, None, None)
    check_k(k, X)
    W = rng.normal(scale=0.05, size=(X.shape[1], k))
    while steps > 0:
        W = W - lr * tied_ae_loss_grad(W, X)[1]
        steps -= 1
    return W


def principal_angles(A, B):
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    Ua = np.linalg.svd(A, full_matrices=False)[0]
    Ub = np.linalg.svd(B, full_matrices=False)[0]
    # the part of b outside of a has the sines as singular values, the part inside the cosines
    inside = Ua.dot(Ua.T.dot(Ub))
    S = np.linalg.svd(Ub - inside)[1]
    C = np.linalg.svd(inside)[1]
    large = np.arccos(np.clip(C[::-1], 0, 1))
    small = np.arcsin(np.clip(S, 0, 1))
    return np.where(large < np.pi / 4, small, large)


Q1 = 53.1301 - 45
Q2 = 2 * 0.5 * 0.8660
Q3 = 50 - 1
Q4 = 1 + 2 * 0.05 * 4
Q5 = 2 / (4 * 4)
