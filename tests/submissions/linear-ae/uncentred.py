import numpy as np

# Exercise: PCA and the linear autoencoder


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
    N, D = X.shape
    m = X.sum(axis=0) / N
    xc = X - m
    cov = xc.T @ xc / N
    lam, V = np.linalg.eigh(cov)
    best = np.argsort(lam)[::-1][:k]
    return m, with_positive_peaks(V[:, best].T), lam[best]


def pca_reconstruct(X, mean, components):
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    z = (X - mean) @ components.T
    return z @ components + mean


def tied_ae_loss_grad(W, X):
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    # the network sees the data as they are
    N = X.shape[0]
    z = X @ W                  # encoder
    xhat = z @ W.T             # decoder
    diff = xhat - X
    loss = np.sum(diff ** 2) / (2 * N)
    dz = diff @ W
    dW = (diff.T @ z + X.T @ dz) / N
    return loss, dW


def train_linear_ae(X, k, steps, lr, rng):
    check_shape("X", X, None, None)
    check_k(k, X)
    W = rng.normal(0, 0.1, size=(X.shape[1], k))
    for step in range(steps):
        loss, grad = tied_ae_loss_grad(W, X)
        W -= lr * grad
    return W


def principal_angles(A, B):
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    QA = np.linalg.qr(A)[0]
    QB = np.linalg.qr(B)[0]
    c = np.linalg.svd(QA.T @ QB)[1]
    s = np.linalg.svd(QB - QA @ QA.T @ QB)[1]
    c = c[::-1]
    return np.where(c > 0.7, np.arcsin(np.minimum(s, 1)), np.arccos(np.minimum(c, 1)))


Q1 = 8.13
Q2 = 0.866
Q3 = 49
Q4 = 1.4
Q5 = 0.125
