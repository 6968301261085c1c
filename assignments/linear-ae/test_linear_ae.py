"""Tests of PCA and the linear autoencoder. Shapes: N samples, D features, k directions kept."""

import numpy as np
import pytest

from grader.testing import (
    Seed,
    assert_close,
    assert_gradient,
    assert_raises,
    part,
    points,
    public,
    secondary,
)

PCA = ("mean (D)", "components (k, D)", "variances (k)")
REBUILT = "reconstruction (N, D)"
LOSS_AND_GRADIENT = ("loss", "dW (D, k)")
HANDOUT_X = np.array([[7.0, 10.0], [-5.0, -6.0], [5.0, -1.0], [-3.0, 5.0]])  # variances 50 and 12.5
HANDOUT_W = np.array([[0.5], [1.0]])


# Inputs ---------------------------------------------------------------------------------------------------------------


def orthonormal(rng, D, k):
    """(D, k) with orthonormal columns."""
    return np.linalg.qr(rng.standard_normal((D, k)))[0]


def designed(rng, N, D, spectrum, away=3.0, directions=None):
    """X (N, D) with exactly these variances and no others, and their directions (D, len(spectrum))."""
    r = len(spectrum)
    directions = orthonormal(rng, D, r) if directions is None else directions
    codes = np.linalg.qr(np.column_stack([np.ones(N), rng.standard_normal((N, r))]))[0][:, 1:]  # mean 0, uncorrelated
    mean = away * rng.standard_normal(D)
    return mean + codes * np.sqrt(N * np.array(spectrum)) @ directions.T, directions


def any_data(rng, N, D, away=3.0):
    """X (N, D) that is not centred, with features of different spread that depend on each other."""
    return away * rng.standard_normal(D) + rng.standard_normal((N, D)) @ rng.standard_normal((D, D))


def weights(rng, D, k):
    """W (D, k), not orthonormal and not small."""
    return 0.6 * rng.standard_normal((D, k))


# Principal components -------------------------------------------------------------------------------------------------


@part("pca")
@public
@points(2)
@pytest.mark.parametrize("k", [1, 2])
def test_pca_tiny(student, k):
    """The example of the handout."""
    expected = np.array([1.0, 2.0]), np.array([[0.6, 0.8], [0.8, -0.6]])[:k], np.array([50.0, 12.5])[:k]
    assert_close(student.pca(HANDOUT_X, k), expected, names=PCA)


@part("pca")
@public
@points(4)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_pca(student, reference, rng, k):
    """Mean, components and variances of six samples."""
    X, _ = designed(rng, N=6, D=3, spectrum=(4.0, 1.0, 0.3))
    assert_close(student.pca(X, k), reference.pca(X, k), names=PCA)


@part("pca")
@public
@secondary
@points(2)
def test_pca_of_moved_data(student, rng):
    """Moving all samples moves the mean and nothing else."""
    X, _ = designed(rng, N=6, D=3, spectrum=(4.0, 1.0, 0.3))
    way = rng.normal(0.0, 20.0, 3)
    mean, components, variances = student.pca(X, 2)
    assert_close(student.pca(X + way, 2), (mean + way, components, variances), names=PCA)


@part("pca")
@public
@secondary
@points(2)
def test_variances_add_up(student, rng):
    """With k = D the variances sum to those of the features."""
    X = any_data(rng, N=7, D=3)
    _, _, variances = student.pca(X, 3)
    assert_close(variances.sum(), X.var(axis=0).sum(), names="sum of the variances")


# Reconstruction -------------------------------------------------------------------------------------------------------


def reconstruct_arguments(rng, N=5, D=4, k=2, away=3.0):
    """X, mean, components: the mean is not that of X."""
    return any_data(rng, N, D, away), away * rng.standard_normal(D), orthonormal(rng, D, k).T


@part("reconstruct")
@public
@points(1)
def test_reconstruct_tiny(student):
    """The example of the handout, with k = 1."""
    mean, components = np.array([1.0, 2.0]), np.array([[0.6, 0.8]])
    expected = np.array([[7.0, 10.0], [-5.0, -6.0], [1.0, 2.0], [1.0, 2.0]])
    assert_close(student.pca_reconstruct(HANDOUT_X, mean, components), expected, names=REBUILT)


@part("reconstruct")
@public
@points(2)
@pytest.mark.parametrize("k", [1, 2])
def test_reconstruct(student, reference, rng, k):
    """New data, kept in k numbers each."""
    arguments = reconstruct_arguments(rng, N=3, D=4, k=k)
    assert_close(student.pca_reconstruct(*arguments), reference.pca_reconstruct(*arguments), names=REBUILT)


@part("reconstruct")
@public
@secondary
@points(2)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_error_is_the_rest_of_the_variance(student, reference, rng, k):
    """The mean squared error is the variance not kept."""
    X, _ = designed(rng, N=6, D=4, spectrum=(4.0, 2.0, 1.0, 0.5))
    mean, components, variances = reference.pca(X, k)
    reconstruction = student.pca_reconstruct(X, mean, components)
    error = ((X - reconstruction) ** 2).sum() / 6
    assert_close(error, 7.5 - variances.sum(), names="mean squared error")


# Loss and gradient ----------------------------------------------------------------------------------------------------


@part("gradient")
@public
@points(3)
def test_loss_and_gradient_tiny(student):
    """The example of the handout."""
    expected = 8.375, np.array([[7.25], [26.875]])
    assert_close(student.tied_ae_loss_grad(HANDOUT_W, HANDOUT_X), expected, names=LOSS_AND_GRADIENT)


@part("gradient")
@public
@points(5)
@pytest.mark.parametrize("k", [1, 2])
def test_loss_and_gradient(student, reference, rng, k):
    """Loss and gradient at a W that is not orthonormal."""
    W, X = weights(rng, 3, k), any_data(rng, N=4, D=3)
    assert_close(student.tied_ae_loss_grad(W, X), reference.tied_ae_loss_grad(W, X), names=LOSS_AND_GRADIENT)


@part("gradient")
@public
@points(3)
def test_gradient_is_the_slope(student, reference, rng):
    """The loss changes as the gradient says."""
    W, X = weights(rng, 4, 2), any_data(rng, N=5, D=4)
    _, dW = student.tied_ae_loss_grad(W, X)
    assert_gradient(lambda W: reference.tied_ae_loss_grad(W, X)[0], (W,), (dW,), rng, names=("dW (D, k)",))


@part("gradient")
@public
@secondary
@points(2)
def test_loss_of_moved_data(student, rng):
    """Moving all samples changes neither loss nor gradient."""
    W, X, way = weights(rng, 3, 2), any_data(rng, N=5, D=3), rng.normal(0.0, 20.0, 3)
    loss, dW = student.tied_ae_loss_grad(W, X)
    assert_close(student.tied_ae_loss_grad(W, X + way), (loss, dW), names=LOSS_AND_GRADIENT)


@part("gradient")
@public
@secondary
@points(1)
def test_nothing_moves_at_zero(student, rng):
    """At W = 0 all variance is lost, and the gradient is 0."""
    X, _ = designed(rng, N=6, D=4, spectrum=(4.0, 2.0, 1.0, 0.5))
    expected = 3.75, np.zeros((4, 2))
    assert_close(student.tied_ae_loss_grad(np.zeros((4, 2)), X), expected, names=LOSS_AND_GRADIENT, atol=1e-12)


# Training -------------------------------------------------------------------------------------------------------------
# Another way of drawing the start, or another order of sums, ends in another W: judged is what W must have in common
# with every right answer, its subspace and its loss.

STEPS = 400


def loss_at(W, X):
    """1/(2N) times the sum of |W W^T xc - xc|^2."""
    xc = X - X.mean(axis=0)
    return ((xc @ W @ W.T - xc) ** 2).sum() / (2 * len(X))


def distance(W, directions):
    """Sine of the largest angle between the span of W and that of orthonormal directions, as many."""
    basis, _ = np.linalg.qr(W)
    return np.linalg.norm(basis - directions @ (directions.T @ basis), 2)


def assert_trained(W, X, directions, best_loss):
    """W spans the principal directions, and its loss is the best one."""
    assert_close(distance(W, directions), 0.0, names="angle between W and the principal directions", atol=1e-6)
    assert_close(
        loss_at(W, X),
        best_loss,
        names="loss of the trained W",
        rtol=1e-6,
        why="training comes close to the best loss, not exactly onto it",
    )


@part("training")
@public
@points(2)
def test_train_tiny(student):
    """The example of the handout: W ends at +-(0.6, 0.8)."""
    W = student.train_linear_ae(HANDOUT_X, 1, STEPS, 0.004, Seed(7))
    assert_trained(W, HANDOUT_X, np.array([[0.6], [0.8]]), 6.25)


@part("training")
@public
@points(2.5)
@pytest.mark.parametrize("k", [1, 2])
def test_train(student, rng, k):
    """Training finds the principal directions."""
    spectrum = (4.0, 1.6, 0.4, 0.2)
    X, directions = designed(rng, N=8, D=4, spectrum=spectrum)
    W = student.train_linear_ae(X, k, STEPS, 0.05, Seed(7))
    assert_trained(W, X, directions[:, :k], sum(spectrum[k:]) / 2)


@part("training")
@public
@secondary
@points(3)
def test_loss_falls(student, rng):
    """More steps, less loss."""
    X, _ = designed(rng, N=8, D=4, spectrum=(4.0, 2.0, 0.4, 0.2))
    losses = [loss_at(student.train_linear_ae(X, 2, steps, 0.05, Seed(7)), X) for steps in (0, 1, 3, 9, 27)]
    assert_close(np.diff(losses) < 0, np.array([True] * 4), names="less loss after 1, 3, 9 and 27 steps")


# Angles ---------------------------------------------------------------------------------------------------------------


@part("angles")
@public
@points(2)
@pytest.mark.parametrize("x, y", [(3.0, 4.0), (-5.0, 12.0), (0.0, 2.0)])
def test_angle_of_two_lines(student, x, y):
    """The line along (1, 0) and the line through (x, y)."""
    A, B = np.array([[1.0], [0.0]]), np.array([[x], [y]])
    expected = np.array([np.arctan2(abs(y), abs(x))])
    assert_close(
        student.principal_angles(A, B),
        expected,
        names="angles (k)",
        rtol=1e-7,
        why="how exact right angles are is judged by a test of its own",
    )


@part("angles")
@public
@points(2)
def test_angles_by_hand(student):
    """The example of the handout: two planes in four dimensions."""
    A = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    B = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    assert_close(student.principal_angles(A, B), np.array([np.arctan(2.0), np.pi / 4]), names="angles (k)")


@part("angles")
@public
@points(2)
@pytest.mark.parametrize("k", [1, 2])
def test_angles(student, reference, rng, k):
    """Columns that are not orthonormal."""
    A, B = rng.standard_normal((2, 5, k))
    assert_close(student.principal_angles(A, B), reference.principal_angles(A, B), names="angles (k)")


@part("angles")
@public
@secondary
@points(1.5)
def test_angles_of_one_subspace(student, rng):
    """Two bases of one subspace: all angles are 0."""
    A = rng.standard_normal((5, 2))
    B = A @ np.array([[2.0, 1.0], [0.0, -1.0]])
    assert_close(student.principal_angles(A, B), np.zeros(2), names="angles (k)", atol=1e-12)


# Input checks ---------------------------------------------------------------------------------------------------------


@part("checks")
@public
@secondary
@points(1)
@pytest.mark.parametrize("k", [0, 4])
def test_pca_checks_k(student, rng, k):
    """k from 1 to min(N, D): the error names it."""
    assert_raises(student.pca, rng.standard_normal((3, 5)), k, error="ValueError", naming="k")


@part("checks")
@public
@secondary
@points(1)
def test_loss_checks_W(student, rng):
    """W must have one row for each feature."""
    arguments = rng.standard_normal((4, 2)), rng.standard_normal((6, 3))
    assert_raises(student.tied_ae_loss_grad, *arguments, error="ValueError", naming="W")


@part("checks")
@public
@secondary
@points(0.5)
def test_angles_check_B(student, rng):
    """A and B must have equal shapes."""
    arguments = rng.standard_normal((5, 2)), rng.standard_normal((4, 2))
    assert_raises(student.principal_angles, *arguments, error="ValueError", naming="B")
