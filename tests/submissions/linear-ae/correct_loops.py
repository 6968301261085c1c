# linear autoencoder homework - no numpy magic, every sum is a loop so I can check it with a pencil
import math

import numpy as np


def check_shape(name, array, *shape):
    fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape))
    if not fits:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


def check_k(k, X):
    if not 1 <= k <= min(X.shape):
        raise ValueError(f"k must lie between 1 and min(N, D) = {min(X.shape)}, got {k}")


def dot(u, v):
    total = 0.0
    for a, b in zip(u, v):
        total += a * b
    return total


def centre(X):
    N, D = X.shape
    mean = []
    for d in range(D):
        s = 0.0
        for n in range(N):
            s += float(X[n, d])
        mean.append(s / N)
    rows = []
    for n in range(N):
        rows.append([float(X[n, d]) - mean[d] for d in range(D)])
    return mean, rows


def remove_parts(v, found):
    """subtract from v what lies along the directions found so far (twice, because of rounding)"""
    for _ in range(2):
        for f in found:
            c = dot(v, f)
            v = [vi - c * fi for vi, fi in zip(v, f)]
    return v


def unit(v):
    n = math.sqrt(dot(v, v))
    return [vi / n for vi in v], n


def first_guess(D, found):
    # any vector that is not (almost) in the span of the others
    best, best_n = None, -1.0
    for d in range(D):
        e = [0.1 / (i + 1) for i in range(D)]
        e[d] += 1.0
        e = remove_parts(e, found)
        e_n = math.sqrt(dot(e, e))
        if e_n > best_n:
            best, best_n = e, e_n
    return unit(best)[0]


def pca(X, k):
    check_shape("X", X, None, None)
    check_k(k, X)
    N, D = X.shape
    mean, xc = centre(X)
    C = [[0.0] * D for _ in range(D)]
    for row in xc:
        for a in range(D):
            for b in range(D):
                C[a][b] += row[a] * row[b] / N
    trace = sum(C[d][d] for d in range(D))

    # power iteration, one direction after the other
    found, variances = [], []
    for j in range(k):
        v = first_guess(D, found)
        for it in range(5000):
            w = remove_parts([dot(C[a], v) for a in range(D)], found)
            size = math.sqrt(dot(w, w))
            if size <= 1e-13 * trace:
                break  # no variance left, every direction is fine
            w = unit(remove_parts(unit(w)[0], found))[0]
            change = max(abs(wi - vi) for wi, vi in zip(w, v))
            v = w
            if change < 1e-15:
                break
        largest = 0
        for d in range(D):
            if abs(v[d]) > abs(v[largest]):
                largest = d
        if v[largest] < 0:
            v = [-vi for vi in v]
        found.append(v)
        variances.append(sum(dot(row, v) ** 2 for row in xc) / N)
    return np.array(mean), np.array(found), np.array(variances)


def pca_reconstruct(X, mean, components):
    check_shape("X", X, None, None)
    check_shape("mean", mean, X.shape[1])
    check_shape("components", components, None, X.shape[1])
    N, D = X.shape
    out = np.zeros((N, D))
    for n in range(N):
        point = [mean[d] for d in range(D)]
        for direction in components:
            c = 0.0
            for d in range(D):
                c += (X[n, d] - mean[d]) * direction[d]
            for d in range(D):
                point[d] += c * direction[d]
        for d in range(D):
            out[n, d] = point[d]
    return out


def tied_ae_loss_grad(W, X):
    check_shape("X", X, None, None)
    check_shape("W", W, X.shape[1], None)
    N, D = X.shape
    k = W.shape[1]
    _, xc = centre(X)
    w = W.tolist()
    loss = 0.0
    grad = [[0.0] * k for _ in range(D)]
    for row in xc:
        z = [sum(w[d][j] * row[d] for d in range(D)) for j in range(k)]
        r = [sum(w[d][j] * z[j] for j in range(k)) - row[d] for d in range(D)]
        loss += dot(r, r)
        back = [sum(r[d] * w[d][j] for d in range(D)) for j in range(k)]  # what arrives at z
        for d in range(D):
            for j in range(k):
                grad[d][j] += r[d] * z[j] + row[d] * back[j]
    dW = np.zeros((D, k))
    for d in range(D):
        for j in range(k):
            dW[d, j] = grad[d][j] / N
    return loss / (2 * N), dW


def train_linear_ae(X, k, steps, lr, rng):
    check_shape("X", X, None, None)
    check_k(k, X)
    D = X.shape[1]
    W = np.zeros((D, k))
    for d in range(D):
        for j in range(k):
            W[d, j] = rng.uniform(-0.1, 0.1)
    for step in range(steps):
        loss, dW = tied_ae_loss_grad(W, X)
        for d in range(D):
            for j in range(k):
                W[d, j] -= lr * dW[d, j]
    return W


def gram_schmidt(A):
    basis = []
    for j in range(A.shape[1]):
        column = [float(a) for a in A[:, j]]
        basis.append(unit(remove_parts(unit(column)[0], basis))[0])
    return basis


def principal_angles(A, B):
    check_shape("A", A, None, None)
    check_shape("B", B, *A.shape)
    a, b = gram_schmidt(A), gram_schmidt(B)
    k = len(a)
    M = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            M[i, j] = dot(a[i], b[j])
    rest = []
    for j in range(k):
        rest.append(remove_parts(b[j], a))
    cosines = sorted(np.linalg.svd(M)[1])
    sines = sorted(np.linalg.svd(np.array(rest))[1][:k], reverse=True)
    angles = []
    for s, c in zip(sines, cosines):
        if s * s < 0.5:
            angles.append(math.asin(min(s, 1.0)))
        else:
            angles.append(math.acos(min(c, 1.0)))
    return np.array(angles)


Q1 = 8.13
Q2 = 0.866  # (4 - 2) * sin(30) * cos(30)
Q3 = 49
Q4 = 1.4
Q5 = 0.125
