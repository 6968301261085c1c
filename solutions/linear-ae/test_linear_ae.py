"""Tests of PCA and the linear autoencoder. Shapes: N samples, D features, k directions kept."""

import numpy as np
import pytest

from grader.testing import (
    Seed,
    assert_close,
    assert_gradient,
    assert_raises,
    assert_unchanged,
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

DATA = {  # variances that keep their distance, so that every direction is well defined
    "tall": dict(N=9, D=5, spectrum=(6.0, 3.0, 1.5, 0.6, 0.2), k=3),
    "one direction": dict(N=7, D=4, spectrum=(3.0, 1.5, 0.7, 0.2), k=1),
    "as many directions as features": dict(N=8, D=4, spectrum=(9.0, 4.0, 1.0, 0.3), k=4),
    "more features than samples": dict(N=4, D=7, spectrum=(5.0, 2.0, 0.8), k=3),
    "a flat direction": dict(N=6, D=4, spectrum=(4.0, 2.0, 0.5), k=2),
}
datasets = pytest.mark.parametrize("data", DATA)


def data_named(rng, name):
    """X and k of one of DATA."""
    sizes = dict(DATA[name])
    k = sizes.pop("k")
    return designed(rng, **sizes)[0], k


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


@part("pca")
@points(2.5)
@datasets
def test_components(student, reference, rng, data):
    """Components of other data."""
    X, k = data_named(rng, data)
    _, components, _ = student.pca(X, k)
    _, expected, _ = reference.pca(X, k)
    assert_close(components, expected, names="components (k, D)")


@part("pca")
@points(3)
@datasets
def test_mean_and_variances(student, reference, rng, data):
    """Mean and variances of other data."""
    X, k = data_named(rng, data)
    mean, _, variances = student.pca(X, k)
    mean_ref, _, variances_ref = reference.pca(X, k)
    assert_close((mean, variances), (mean_ref, variances_ref), names=("mean (D)", "variances (k)"))


@part("pca")
@points(0.5)
def test_pca_signs(student, reference, rng):
    """Components with entries of both signs."""
    directions = np.eye(5) - 0.4  # orthonormal: in each of them one entry is 0.6 and the others are -0.4
    X, _ = designed(rng, N=8, D=5, spectrum=(6.0, 3.0, 1.5, 0.6, 0.2), directions=directions)
    _, components, _ = student.pca(X, 3)
    _, expected, _ = reference.pca(X, 3)
    assert_close(components, expected, names="components (k, D)")


@part("pca")
@points(1)
@pytest.mark.parametrize("k", [2, 4])
def test_pca_constant_feature(student, reference, rng, k):
    """A feature that never changes."""
    X, _ = designed(rng, N=8, D=3, spectrum=(4.0, 1.5, 0.4))
    X = np.column_stack([X[:, :1], np.full(8, 0.7), X[:, 1:]])
    assert_close(student.pca(X, k), reference.pca(X, k), names=PCA)


@part("pca")
@secondary
@points(1)
@pytest.mark.parametrize("away", [1e3, 1e6])
def test_pca_far_away(student, reference, rng, away):
    """Data far from 0."""
    X, _ = designed(rng, N=9, D=4, spectrum=(4.0, 2.0, 1.0, 0.4), away=away)
    _, components, variances = student.pca(X, 2)
    _, components_ref, variances_ref = reference.pca(X, 2)
    assert_close((components, variances), (components_ref, variances_ref), names=PCA[1:])


@part("pca")
@secondary
@points(1)
@pytest.mark.parametrize("gap", [0.0, 1e-12])
def test_pca_equal_variances(student, rng, gap):
    """Two variances that (nearly) agree."""
    X, directions = designed(rng, N=9, D=5, spectrum=(3.0, 1.0 + gap, 1.0, 0.2))
    _, components, variances = student.pca(X, 3)
    # The two directions may turn in their plane: what all three project onto is defined, each by itself is not.
    assert_close(components @ components.T, np.eye(3), names="inner products of the components (k, k)")
    assert_close(components.T @ components, directions[:, :3] @ directions[:, :3].T, names="projection (D, D)")
    assert_close(variances, np.array([3.0, 1.0 + gap, 1.0]), names="variances (k)")


@part("pca")
@secondary
@points(0.5)
@pytest.mark.parametrize("N, D", [(4, 6), (5, 5)])
def test_pca_beyond_the_rank(student, rng, N, D):
    """More directions than the data have."""
    X, directions = designed(rng, N, D, spectrum=(3.0, 1.0, 0.5))
    _, components, variances = student.pca(X, 4)
    assert_close(components @ components.T, np.eye(4), names="inner products of the components (k, k)")
    assert_close(components[:3].T @ components[:3], directions @ directions.T, names="projection (D, D)")
    assert_close(variances, np.array([3.0, 1.0, 0.5, 0.0]), names="variances (k)")


@part("pca")
@secondary
@points(0.5)
def test_pca_changes_nothing(student, rng):
    """PCA leaves its argument as it was."""
    assert_unchanged(student.pca, any_data(rng, N=6, D=4), 2)


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


@part("reconstruct")
@points(3)
@pytest.mark.parametrize("N, D, k", [(7, 5, 3), (3, 6, 2), (6, 4, 1), (1, 4, 2), (5, 5, 4)])
def test_reconstruct_sizes(student, reference, rng, N, D, k):
    """Reconstructions of other sizes."""
    arguments = reconstruct_arguments(rng, N, D, k)
    assert_close(student.pca_reconstruct(*arguments), reference.pca_reconstruct(*arguments), names=REBUILT)


@part("reconstruct")
@secondary
@points(0.5)
def test_reconstruct_everything(student, rng):
    """With k = D nothing is lost."""
    X, mean, components = reconstruct_arguments(rng, N=6, D=4, k=4)
    assert_close(student.pca_reconstruct(X, mean, components), X, names=REBUILT)


@part("reconstruct")
@secondary
@points(0.5)
def test_reconstruct_twice(student, rng):
    """A second time changes nothing more."""
    X, mean, components = reconstruct_arguments(rng, N=6, D=5, k=2)
    once = student.pca_reconstruct(X, mean, components)
    assert_close(student.pca_reconstruct(once, mean, components), once, names=REBUILT)


@part("reconstruct")
@secondary
@points(0.5)
def test_what_is_lost_is_perpendicular(student, rng):
    """What is lost is perpendicular to what is kept."""
    X, mean, components = reconstruct_arguments(rng, N=6, D=5, k=3)
    lost = X - student.pca_reconstruct(X, mean, components)
    assert_close(lost @ components.T, np.zeros((6, 3)), names="lost part along the components (N, k)", atol=1e-11)


@part("reconstruct")
@secondary
@points(0.5)
def test_reconstruct_changes_nothing(student, rng):
    """Reconstruction leaves its arguments as they were."""
    assert_unchanged(student.pca_reconstruct, *reconstruct_arguments(rng))


# Loss and gradient ----------------------------------------------------------------------------------------------------

sizes = pytest.mark.parametrize("N, D, k", [(7, 5, 3), (3, 6, 2), (6, 4, 4), (8, 4, 1), (5, 1, 1), (4, 3, 5)])


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


@part("gradient")
@points(3)
@sizes
def test_loss_sizes(student, reference, rng, N, D, k):
    """The loss at other sizes."""
    W, X = weights(rng, D, k), any_data(rng, N, D)
    loss, _ = student.tied_ae_loss_grad(W, X)
    expected, _ = reference.tied_ae_loss_grad(W, X)
    assert_close(loss, expected, names="loss")


@part("gradient")
@points(7)
@sizes
def test_gradient_sizes(student, reference, rng, N, D, k):
    """The gradient at other sizes."""
    W, X = weights(rng, D, k), any_data(rng, N, D)
    _, dW = student.tied_ae_loss_grad(W, X)
    _, expected = reference.tied_ae_loss_grad(W, X)
    assert_close(dW, expected, names="dW (D, k)")


@part("gradient")
@secondary
@points(1)
@pytest.mark.parametrize("kind", ["orthonormal W", "constant feature", "W = 3"])
def test_gradient_special(student, reference, rng, kind):
    """Loss and gradient at special places."""
    W, X = weights(rng, 4, 2), any_data(rng, N=6, D=4)
    if kind == "orthonormal W":
        W = orthonormal(rng, 4, 2)
    elif kind == "constant feature":
        X = np.column_stack([X[:, :2], np.full(6, 0.7), X[:, 3:]])
    else:
        W = np.full((4, 2), 3.0)
    assert_close(student.tied_ae_loss_grad(W, X), reference.tied_ae_loss_grad(W, X), names=LOSS_AND_GRADIENT)


@part("gradient")
@secondary
@points(1)
@pytest.mark.parametrize("away", [1e3, 1e6])
def test_gradient_far_away(student, reference, rng, away):
    """Loss and gradient of data far from 0."""
    W, X = weights(rng, 4, 2), any_data(rng, N=6, D=4, away=away)
    assert_close(
        student.tied_ae_loss_grad(W, X),
        reference.tied_ae_loss_grad(W, X),
        names=LOSS_AND_GRADIENT,
        rtol=1e-8,
        why="numbers of size 1e6 have ten digits behind the point",
    )


@part("gradient")
@secondary
@points(1.5)
@pytest.mark.parametrize("first, second", [(0, 1), (1, 3), (2, 3)])
def test_gradient_at_eigenvectors(student, rng, first, second):
    """Principal directions, the best and others, as W."""
    spectrum = np.array([4.0, 2.0, 1.0, 0.5])
    X, directions = designed(rng, N=7, D=4, spectrum=spectrum)
    W = directions[:, [second, first]]
    expected = (7.5 - spectrum[first] - spectrum[second]) / 2, np.zeros((4, 2))
    assert_close(student.tied_ae_loss_grad(W, X), expected, names=LOSS_AND_GRADIENT, atol=1e-11)


@part("gradient")
@secondary
@points(1.5)
def test_turned_codes(student, rng):
    """Turning the codes turns the gradient and keeps the loss."""
    W, X, Q = weights(rng, 5, 3), any_data(rng, N=7, D=5), orthonormal(rng, 3, 3)
    loss, dW = student.tied_ae_loss_grad(W, X)
    assert_close(student.tied_ae_loss_grad(W @ Q, X), (loss, dW @ Q), names=LOSS_AND_GRADIENT)


@part("gradient")
@secondary
@points(1)
def test_loss_changes_nothing(student, rng):
    """Loss and gradient leave their arguments as they were."""
    assert_unchanged(student.tied_ae_loss_grad, weights(rng, 4, 2), any_data(rng, N=6, D=4))


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


SPECTRA = {
    "two of six": dict(N=24, D=6, spectrum=(4.0, 2.0, 0.5, 0.3, 0.2, 0.1), k=2),
    "one of three": dict(N=9, D=3, spectrum=(3.0, 0.6, 0.2), k=1),
    "three of five": dict(N=12, D=5, spectrum=(5.0, 3.0, 2.0, 0.4, 0.2), k=3),
    "more features than samples": dict(N=5, D=8, spectrum=(3.0, 2.0, 0.3, 0.1), k=2),
    "flat directions": dict(N=10, D=5, spectrum=(3.0, 2.0, 0.3), k=2),
    "large numbers": dict(N=10, D=4, spectrum=(400.0, 200.0, 50.0, 30.0), k=2, away=300.0),
    "small numbers": dict(N=10, D=4, spectrum=(0.04, 0.02, 0.005, 0.003), k=2),
    "far away": dict(N=10, D=4, spectrum=(4.0, 2.0, 0.5, 0.3), k=2, away=1e3),
}


def spectrum_named(rng, name):
    """X, k, the first k directions, the best loss and the learning rate of one of SPECTRA."""
    sizes = dict(SPECTRA[name])
    k = sizes.pop("k")
    X, directions = designed(rng, **sizes)
    spectrum = sizes["spectrum"]
    return X, k, directions[:, :k], sum(spectrum[k:]) / 2, 0.2 / spectrum[0]


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


@part("training")
@points(3)
@pytest.mark.parametrize("data", SPECTRA)
def test_train_spectra(student, rng, data):
    """Training on other data."""
    X, k, directions, best_loss, lr = spectrum_named(rng, data)
    assert_trained(student.train_linear_ae(X, k, STEPS, lr, Seed(11)), X, directions, best_loss)


@part("training")
@secondary
@points(1)
def test_train_constant_feature(student, rng):
    """Training beside a feature that never changes."""
    X, directions = designed(rng, N=9, D=3, spectrum=(4.0, 2.0, 0.3))
    X = np.column_stack([X[:, :1], np.full(9, 0.7), X[:, 1:]])
    directions = np.insert(directions[:, :2], 1, 0.0, axis=0)
    assert_trained(student.train_linear_ae(X, 2, STEPS, 0.05, Seed(7)), X, directions, 0.15)


@part("training")
@secondary
@points(1)
@pytest.mark.parametrize("steps, lr", [(5, 0.01), (50, 0.001)])
def test_train_little(student, rng, steps, lr):
    """A little training changes little."""
    X, _ = designed(rng, N=8, D=4, spectrum=(4.0, 2.0, 0.4, 0.2))
    W = student.train_linear_ae(X, 2, steps, lr, Seed(7))
    # At W = 0 the loss is 3.3. Each step multiplies a small W by 1.08 or 1.008 at most, so that it stays small.
    assert_close(bool(loss_at(W, X) > 1.65), True, names="loss above half of the loss at W = 0")


@part("training")
@secondary
@points(0.5)
def test_train_nothing(student, rng):
    """No steps, or steps of length 0: W is the start."""
    X, _ = designed(rng, N=8, D=5, spectrum=(4.0, 2.0, 1.0, 0.4))
    start = student.train_linear_ae(X, 3, 0, 0.05, Seed(7))
    assert_close(student.train_linear_ae(X, 3, 6, 0.0, Seed(7)), start, names="W for lr = 0 (D, k)")
    assert_close(bool(np.abs(start).max() < 0.5), True, names="a start of about 0.1 in size")


@part("training")
@secondary
@points(0.5)
def test_train_one_step(student, rng):
    """Twice the learning rate: the first step is twice as long."""
    X, _ = designed(rng, N=8, D=4, spectrum=(4.0, 2.0, 0.4, 0.2))
    start = student.train_linear_ae(X, 2, 0, 0.05, Seed(7))
    step, longer = (student.train_linear_ae(X, 2, 1, lr, Seed(7)) - start for lr in (0.05, 0.1))
    assert_close(longer, 2 * step, names="the first step (D, k)")
    assert_close(bool(np.abs(step).max() > 1e-6), True, names="the first step moves W")


@part("training")
@secondary
@points(1)
def test_seeds(student, rng):
    """Equal seeds: equal W. Another seed: another W."""
    X, _ = designed(rng, N=8, D=4, spectrum=(4.0, 2.0, 0.4, 0.2))
    W, again, other = (student.train_linear_ae(X, 2, 40, 0.05, Seed(seed)) for seed in (3, 3, 4))
    assert_close(again, W, names="W of the same seed (D, k)")
    assert_close(bool(np.abs(other - W).max() > 1e-3), True, names="another seed gives another W")


@part("training")
@secondary
@points(0.5)
def test_training_changes_nothing(student, rng):
    """Training leaves X as it was."""
    assert_unchanged(student.train_linear_ae, any_data(rng, N=6, D=4), 2, 5, 0.01, Seed(7))


# Angles ---------------------------------------------------------------------------------------------------------------


def turned(rng, D, angles):
    """A and B (D, k), not orthonormal, whose spans have exactly these principal angles."""
    k = len(angles)
    Q = orthonormal(rng, D, 2 * k)
    near, away = Q[:, :k], Q[:, k:]
    A_basis, B_basis = (np.eye(k) + 0.3 * orthonormal(rng, k, k) for _ in "AB")
    return near @ A_basis, (near * np.cos(angles) + away * np.sin(angles)) @ B_basis


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


@part("angles")
@points(4)
@pytest.mark.parametrize("D, k", [(9, 3), (7, 2), (6, 1), (10, 4), (2, 1)])
def test_angles_sizes(student, reference, rng, D, k):
    """Angles in other dimensions."""
    A, B = rng.standard_normal((2, D, k))
    assert_close(student.principal_angles(A, B), reference.principal_angles(A, B), names="angles (k)")


@part("angles")
@secondary
@points(2)
@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-9])
def test_small_angles(student, rng, angle):
    """Small angles."""
    angles = angle * np.array([3.0, 1.0])
    A, B = turned(rng, 6, angles)
    assert_close(student.principal_angles(A, B), angles, names="angles (k)", atol=1e-12)


@part("angles")
@secondary
@points(1)
@pytest.mark.parametrize("short_of_90", [0.0, 1e-9, 1e-5])
def test_right_angles(student, rng, short_of_90):
    """Angles of 90 degrees and a little less."""
    lacking = short_of_90 * np.array([1.0, 3.0])
    A, B = turned(rng, 7, np.pi / 2 - lacking)
    missing = np.pi / 2 - student.principal_angles(A, B)
    assert_close(missing, lacking, names="what the angles lack to 90 degrees (k)", atol=1e-12)


@part("angles")
@secondary
@points(1)
@pytest.mark.parametrize("D, k", [(5, 3), (4, 4)])
def test_subspaces_that_meet(student, reference, rng, D, k):
    """Subspaces too large to avoid each other."""
    A, B = rng.standard_normal((2, D, k))
    assert_close(student.principal_angles(A, B), reference.principal_angles(A, B), names="angles (k)", atol=1e-12)


@part("angles")
@secondary
@points(0.5)
def test_angles_either_way(student, rng):
    """Either subspace may come first."""
    A, B = rng.standard_normal((2, 7, 3))
    assert_close(student.principal_angles(A, B), student.principal_angles(B, A), names="angles (k)")


@part("angles")
@secondary
@points(0.5)
def test_angles_change_nothing(student, rng):
    """Angles leave their arguments as they were."""
    assert_unchanged(student.principal_angles, *rng.standard_normal((2, 6, 2)))


# Questions ------------------------------------------------------------------------------------------------------------


@part("questions")
@points(5, per_case=True)
@pytest.mark.parametrize("question", ["Q1", "Q2", "Q3", "Q4", "Q5"])
def test_question(student, reference, question):
    """Questions about PCA and the autoencoder."""
    answer = reference.value(question)
    assert_close(student.value(question), answer, names=question, rtol=1e-2, why="three digits are enough")


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


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("shape", [(6,), (6, 3, 2)])
def test_pca_checks_X(student, rng, shape):
    """PCA of data that are no table."""
    assert_raises(student.pca, rng.standard_normal(shape), 1, error="ValueError", naming="X")


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, shapes", [("mean", ((5, 4), (3,), (2, 4))), ("components", ((5, 4), (4,), (2, 3)))])
def test_reconstruct_checks(student, rng, naming, shapes):
    """Reconstruction with arguments that do not fit."""
    arguments = [rng.standard_normal(shape) for shape in shapes]
    assert_raises(student.pca_reconstruct, *arguments, error="ValueError", naming=naming)


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, shape_of_W, shape_of_X", [("W", (3,), (6, 3)), ("X", (3, 2), (3,))])
def test_loss_checks(student, rng, naming, shape_of_W, shape_of_X):
    """Loss with arguments that do not fit."""
    arguments = rng.standard_normal(shape_of_W), rng.standard_normal(shape_of_X)
    assert_raises(student.tied_ae_loss_grad, *arguments, error="ValueError", naming=naming)


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, shape, k", [("k", (6, 3), 4), ("k", (6, 3), 0), ("X", (6,), 1)])
def test_training_checks(student, rng, naming, shape, k):
    """Training with arguments that do not fit."""
    X = rng.standard_normal(shape)
    assert_raises(student.train_linear_ae, X, k, 3, 0.1, Seed(7), error="ValueError", naming=naming)


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, shape_of_A, shape_of_B", [("A", (5,), (5,)), ("B", (5, 2), (5, 3))])
def test_angles_check_shapes(student, rng, naming, shape_of_A, shape_of_B):
    """Angles of arrays that do not fit."""
    arguments = rng.standard_normal(shape_of_A), rng.standard_normal(shape_of_B)
    assert_raises(student.principal_angles, *arguments, error="ValueError", naming=naming)
