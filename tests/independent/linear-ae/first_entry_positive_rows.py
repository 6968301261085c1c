"""PCA and the linear autoencoder: one subspace, found by linear algebra and found by training.

Shapes: N samples, D features, k directions that are kept.

    X           (N, D)   the data, one sample per row; its mean may be anywhere
    mean        (D,)     the mean of the rows of X
    components  (k, D)   principal directions, one per row: orthonormal, the one of largest variance first
    variances   (k,)     the variance of the data along each of them, with 1/N
    W           (D, k)   the weights of the autoencoder, one column per hidden unit

A sample is centred before anything else: xc = x - mean. The autoencoder has no bias and uses one W twice ("tied"):
its code is z = W^T xc (k,), its reconstruction of xc is W z (D,).
All arrays are float64. No function changes its arguments.
"""

import numpy as np

# Given: input checks, and the sign of a direction ---------------------------------------------------------------------


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
    """The rows, each turned around where needed, so that its entry of largest absolute value is positive.

    A direction and its opposite are the same principal direction; this picks one of them.
    """
    peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return np.where(peaks < 0, -rows, rows)


# Principal components -------------------------------------------------------------------------------------------------


def pca(X, k):
    """The k orthonormal directions along which the centred data vary most.

    X: (N, D)   k: an int from 1 to min(N, D)
    returns mean (D,), components (k, D), variances (k,)
    components: rows of length 1, orthogonal to each other, by decreasing variance; in every row the entry of largest
        absolute value is positive (`with_positive_peaks` sees to that)
    variances: variances[j] = 1/N times the sum over n of (components[j] . xc[n])^2, so with 1/N, not 1/(N-1)
    A feature may be constant, N may be smaller than D, and the mean may be a million times larger than the spread.
    Where variances agree, any orthonormal rows with the right span will do; so also for variances of 0.
    ValueError names X if it has not two axes, k if it is not in its range.
    """
    check_shape("X", X, None, None)
    check_k(k, X)
    N, D = X.shape
    mean = X.sum(axis=0) / N
    cov = np.zeros((D, D))
    for row in X:
        off = row - mean
        cov += np.outer(off, off)
    cov /= N
    values, vectors = np.linalg.eigh(cov)
    best = np.argsort(values)[::-1][:k]
    rows = []
    for j in best:
        v = vectors[:, j]
        rows.append(-v if v[0] < 0 else v)
    return mean, np.array(rows), values[best]


def pca_reconstruct(X, mean, components):
    """What is left of each sample when only its coordinates along the components are kept.

    X: (N, D)   mean: (D,)   components: (k, D) with orthonormal rows
    returns (N, D): the mean plus, for every component, xc's coordinate along it times the component
    X may be new data: `mean` and `components` are used as they are given.
    ValueError names the argument whose shape does not fit; D is read from X.
    """
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    keep = np.einsum("jd,je->de", components, components)
    return mean + (X - mean) @ keep


# The autoencoder ------------------------------------------------------------------------------------------------------


def tied_ae_loss_grad(W, X):
    """loss = 1/(2N) times the sum over n of |W W^T xc[n] - xc[n]|^2, and its gradient with respect to W.

    W: (D, k), any numbers: its columns need not be orthonormal   X: (N, D), centred here, by the mean of its rows
    returns loss (a number), dW (D, k)
    W stands in the reconstruction twice, and both places belong to the gradient.
    ValueError names X if it has not two axes, W if it has not D rows and two axes.
    """
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    # loss = 1/2 trace(M C M) with M = W W^T - 1 and the covariance C of the centred data
    off = X - X.mean(axis=0)
    C = off.T @ off / len(X)
    M = W @ W.T - np.eye(len(W))
    MC = M @ C
    loss = 0.5 * np.einsum("de,de->", MC, M)
    return loss, (MC + MC.T) @ W


def train_linear_ae(X, k, steps, lr, rng):
    """Gradient descent: `steps` times W <- W - lr dW, each time with the gradient of all rows of X.

    X: (N, D)   k: an int from 1 to min(N, D)   steps: an int >= 0   lr: a number
    rng: a numpy Generator, the only source of chance: equal seeds give equal results
    returns W (D, k)
    Start from small random numbers, about 0.1 in size: at W = 0 the gradient is 0, and nothing would ever move.
    ValueError names X if it has not two axes, k if it is not in its range.
    """
    check_shape("X", X, None, None)
    check_k(k, X)
    W = 0.1 * rng.standard_normal((X.shape[1], k))
    for _ in range(steps):
        W = W - lr * tied_ae_loss_grad(W, X)[1]
    return W


# Comparing subspaces --------------------------------------------------------------------------------------------------


def principal_angles(A, B):
    """The k principal angles between the spans of two sets of columns.

    A, B: (D, k) with linearly independent columns, which need be neither orthogonal nor of length 1
    returns angles (k,) in radians, from 0 to pi/2, largest first
    The cosines of the angles are the singular values of Qa^T Qb, their sines are those of Qb - Qa Qa^T Qb, where Qa and
    Qb are orthonormal bases of the two spans.
    Angles are right to 1e-12, near 0 and near pi/2 as elsewhere. Neither the arccosine nor the arcsine alone can do
    that: the cosine is flat at 0, the sine at pi/2, and where a function is flat, its inverse loses digits.
    ValueError names A if it has not two axes, B if it has not the shape of A.
    """
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    Qa, Qb = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    c = np.linalg.svd(Qa.T @ Qb, compute_uv=False)
    s = np.linalg.svd(Qb - Qa @ (Qa.T @ Qb), compute_uv=False)
    return np.arctan2(s, c[::-1])


# Questions ------------------------------------------------------------------------------------------------------------
# Put a number in the place of None. Three significant digits are enough.

# Q1: "An autoencoder is PCA if the inputs are normalised", says a slide; it means centred. Someone also divides each
#     of the two features of the handout's example by its standard deviation. By how many degrees does the first
#     principal direction of the data turn?
Q1 = None  # TODO: your answer

# Q2: The variances along the principal directions v1 and v2 are 4 and 2. Training (k = 2) has ended at the best loss,
#     with w1 = cos(30 degrees) v1 + sin(30 degrees) v2 and w2 = -sin(30 degrees) v1 + cos(30 degrees) v2. The codes of
#     PCA are uncorrelated. How large is the covariance of z1 and z2 here, without its sign?
Q2 = None  # TODO: your answer

# Q3: You have N = 50 images of D = 10,000 pixels. The 10,000 x 10,000 covariance matrix is not needed: the singular
#     vectors of the centred X will do. How many directions of variance above 0 can there be, at most?
Q3 = None  # TODO: your answer

# Q4: Training starts at a tiny W. While W is tiny, the part of W along v1 is multiplied by the same number at every
#     step. By which number, if the variance along v1 is 4 and lr = 0.05?
Q4 = None  # TODO: your answer

# Q5: Near the end of training let k = 1 and W = (1 + e) v1 with a small e; the variance along v1 is 4. From which lr on
#     does |e| no longer shrink from step to step?
Q5 = None  # TODO: your answer
