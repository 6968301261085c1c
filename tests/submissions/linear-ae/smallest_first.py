import numpy as np
from numpy.linalg import eigh, qr, svd


def check_shape(name, array, *shape):
    fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape, strict=True))
    if not fits:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}".replace("None", "any"))


def check_k(k, X):
    if not 1 <= k <= min(X.shape):
        raise ValueError(f"k must lie between 1 and min(N, D) = {min(X.shape)}, got {k}")


def with_positive_peaks(rows):
    peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return np.where(peaks < 0, -rows, rows)


def pca(X, k):
    check_shape("X", X, None, None)
    check_k(k, X)
    mean = X.mean(axis=0)
    Xc = X - mean
    C = Xc.T @ Xc / X.shape[0]
    eigenvalues, eigenvectors = eigh(C)
    components = eigenvectors[:, :k].T
    variances = eigenvalues[:k]
    return mean, with_positive_peaks(components), variances


def pca_reconstruct(X, mean, components):
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    out = np.tile(mean, (X.shape[0], 1))
    for c in components:
        out += np.outer((X - mean) @ c, c)
    return out


def tied_ae_loss_grad(W, X):
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    N = X.shape[0]
    Xc = X - X.mean(axis=0)
    Z = Xc @ W
    R = Xc - Z @ W.T
    loss = np.sum(R * R) / 2 / N
    dW = -(R.T @ Xc + Xc.T @ R) @ W / N
    return loss, dW


def train_linear_ae(X, k, steps, lr, rng):
    check_shape("X", X, None, None)
    check_k(k, X)
    W = rng.standard_normal((X.shape[1], k)) / 10
    for i in range(steps):
        _, g = tied_ae_loss_grad(W, X)
        W = W - lr * g
    return W


def principal_angles(A, B):
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    Qa, Qb = qr(A)[0], qr(B)[0]
    M = Qa.T @ Qb
    cosines = svd(M, compute_uv=False)
    sines = svd(Qb - Qa @ M, compute_uv=False)
    return np.arctan2(sines, np.flip(cosines))


# Q1 .. Q5
Q1 = 8.13
Q2 = 0.87
Q3 = 49
Q4 = 1.4
Q5 = 0.125
