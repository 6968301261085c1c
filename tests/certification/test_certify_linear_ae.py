"""The reference of linear-ae against torch, scipy, central differences, its handout and its own laws."""

import itertools
import re

import numpy as np
import pytest
import scipy.linalg
import torch

from tests.certification.loading import SOLUTIONS, reference

ae = reference("linear-ae")
HANDOUT = (SOLUTIONS / "linear-ae" / "README.md").read_text(encoding="utf-8")

# N, D, k: the edges first (k = D, N < D, one feature, one direction, two samples), then thirty random ones.
EDGES = [(6, 4, 4), (4, 7, 3), (5, 1, 1), (8, 5, 1), (2, 6, 1), (5, 4, 4)]
DRAWN = np.random.default_rng(5).integers([3, 2, 1], [12, 8, 8], (90, 3)).tolist()
RANDOM = [(N, D, k) for N, D, k in DRAWN if k <= min(N - 1, D)]
SIZES = EDGES + RANDOM[:30]
sizes = pytest.mark.parametrize("size", SIZES, ids=str)


def test_there_are_enough_sizes():
    assert len(SIZES) == 36


def generator(size):
    return np.random.default_rng(size)


def data(size, away=3.0):
    """X (N, D), not centred, with features that depend on each other."""
    N, D, _ = size
    rng = generator(size)
    return away * rng.standard_normal(D) + rng.standard_normal((N, D)) @ rng.standard_normal((D, D))


def weights(size):
    """W (D, k), not orthonormal."""
    return 0.6 * generator(size).standard_normal(size[1:])


def orthonormal(rng, D, k):
    return np.linalg.qr(rng.standard_normal((D, k)))[0]


def designed(rng, N, spectrum, D=None, mean=0.0):
    """X with exactly these variances, and their directions as columns."""
    r = len(spectrum)
    directions = orthonormal(rng, D or r, r)
    codes = np.linalg.qr(np.column_stack([np.ones(N), rng.standard_normal((N, r))]))[0][:, 1:]
    return mean + codes * np.sqrt(N * np.array(spectrum)) @ directions.T, directions


def agree(actual, expected, rtol=1e-9, atol=0.0):
    """Same shape, float64, |actual - expected| <= rtol * max|expected| + atol."""
    expected = np.asarray(expected)
    assert np.shape(actual) == expected.shape and np.asarray(actual).dtype == expected.dtype == np.float64
    assert np.abs(actual - expected).max(initial=0.0) <= rtol * np.abs(expected).max(initial=0.0) + atol


def loss_of(W, X):
    """The loss in torch's own operations."""
    xc = X - X.mean(dim=0)
    return ((xc @ W @ W.T - xc) ** 2).sum(dim=1).mean() / 2


# Principal components -------------------------------------------------------------------------------------------------


def signed(rows):
    """Rows turned so that the entry of largest absolute value is positive; written out, row by row."""
    return np.array([row if row[np.argmax(np.abs(row))] > 0 else -row for row in rows])


@sizes
def test_pca_is_the_eigenvectors_of_the_covariance(size):
    X, k = data(size), size[2]
    mean, components, variances = ae.pca(X, k)
    eigenvalues, eigenvectors = np.linalg.eigh(np.atleast_2d(np.cov(X.T, bias=True)))
    agree(mean, X.mean(axis=0))
    agree(variances, eigenvalues[::-1][:k])
    agree(components, signed(eigenvectors.T[::-1][:k]))


@sizes
def test_pca_is_torchs(size):
    X, k = data(size), size[2]
    _, components, variances = ae.pca(X, k)
    _, s, vh = torch.linalg.svd(torch.tensor(X - X.mean(axis=0)), full_matrices=False)
    agree(components, signed(vh[:k].numpy()))
    agree(variances, (s[:k] ** 2 / len(X)).numpy())
    torch.manual_seed(0)
    _, s, v = torch.pca_lowrank(torch.tensor(X), q=min(X.shape), niter=20)
    agree(variances, (s[:k] ** 2 / len(X)).numpy(), rtol=1e-8)
    agree(components.T @ components, (v[:, :k] @ v[:, :k].T).numpy(), rtol=1e-7)


@sizes
def test_pca_keeps_its_promises(size):
    X, k = data(size), size[2]
    mean, components, variances = ae.pca(X, k)
    agree(components @ components.T, np.eye(k))
    assert (np.diff(variances) <= 0).all()
    assert (np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1) > 0).all()
    agree((((X - mean) @ components.T) ** 2).mean(axis=0), variances)
    all_variances = ae.pca(X, min(X.shape))[2]
    agree(all_variances.sum(), X.var(axis=0).sum())


@sizes
def test_pca_moves_and_turns_with_the_data(size):
    X, k = data(size), size[2]
    rng = generator(size)
    way, Q = 20 * rng.standard_normal(size[1]), orthonormal(rng, size[1], size[1])
    mean, components, variances = ae.pca(X, k)
    moved = ae.pca(X + way, k)
    agree(moved[0], mean + way)
    agree(moved[1], components, rtol=1e-8)
    agree(moved[2], variances)
    turned = ae.pca(X @ Q, k)
    agree(turned[0], mean @ Q)
    agree(turned[1], signed(components @ Q), rtol=1e-8)
    agree(turned[2], variances)


@pytest.mark.parametrize("seed", range(20))
def test_pca_finds_a_designed_spectrum(seed):
    rng = np.random.default_rng(seed)
    for gap in (0.0, 1e-12, 1e-9):
        spectrum = np.array([3.0, 1.0 + gap, 1.0, 0.2])
        X, directions = designed(rng, 9, spectrum, D=6, mean=10 * rng.standard_normal(6))
        _, components, variances = ae.pca(X, 3)
        agree(variances, spectrum[:3])
        agree(components.T @ components, directions[:, :3] @ directions[:, :3].T)
    X, directions = designed(rng, 4, (3.0, 1.0, 0.5), D=6)
    _, components, variances = ae.pca(X, 4)  # N - 1 = 3 directions have variance, the fourth has none
    agree(variances, [3.0, 1.0, 0.5, 0.0])
    agree(components @ components.T, np.eye(4))


@pytest.mark.parametrize("seed", range(20))
def test_pca_beside_a_constant_feature_and_far_from_zero(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((8, 3)) * [3.0, 1.0, 0.3]
    _, components, variances = ae.pca(X, 3)
    constant = ae.pca(np.column_stack([X[:, :1], np.full(8, 0.7), X[:, 1:]]), 4)
    agree(constant[1], np.vstack([np.insert(components, 1, 0.0, axis=1), [0.0, 1.0, 0.0, 0.0]]))
    agree(constant[2], [*variances, 0.0])
    far = X + 1e6
    exact = far.astype(np.longdouble) - far.astype(np.longdouble).mean(axis=0)
    agree(ae.pca(far, 3)[2], ae.pca(exact.astype(np.float64), 3)[2])
    agree(ae.pca(far, 3)[1], ae.pca(exact.astype(np.float64), 3)[1])


# Reconstruction -------------------------------------------------------------------------------------------------------


@sizes
def test_reconstruction_is_the_nearest_point(size):
    """Least squares finds the same codes."""
    X, rng = data(size), generator(size)
    mean, components = rng.standard_normal(size[1]), orthonormal(rng, size[1], size[2]).T
    codes = np.linalg.lstsq(components.T, (X - mean).T, rcond=None)[0]
    agree(ae.pca_reconstruct(X, mean, components), mean + codes.T @ components)


@sizes
def test_reconstruction_is_a_projection(size):
    X, rng = data(size), generator(size)
    mean, components = rng.standard_normal(size[1]), orthonormal(rng, size[1], size[2]).T
    once = ae.pca_reconstruct(X, mean, components)
    agree(ae.pca_reconstruct(once, mean, components), once)
    agree((X - once) @ components.T, np.zeros((size[0], size[2])), atol=1e-12 * np.abs(X).max())


@sizes
def test_reconstruction_errors_are_the_variances_not_kept(size):
    X = data(size)
    r = min(X.shape)
    everything = ae.pca(X, r)[2]
    errors = []
    for k in range(1, r + 1):
        mean, components, variances = ae.pca(X, k)
        errors.append(((X - ae.pca_reconstruct(X, mean, components)) ** 2).sum() / len(X))
        agree(errors[-1], everything.sum() - variances.sum(), atol=1e-10)
    assert (np.diff(errors) <= 1e-12).all()
    agree(ae.pca_reconstruct(X, *ae.pca(X, r)[:2]), X)


# Loss and gradient ----------------------------------------------------------------------------------------------------


@sizes
def test_loss_and_gradient_are_torchs(size):
    for W in (weights(size), np.full(size[1:], 3.0), orthonormal(generator(size), *size[1:]), 0.0 * weights(size)):
        X, leaf = data(size), torch.tensor(W, requires_grad=True)
        expected = loss_of(leaf, torch.tensor(X))
        (slope,) = torch.autograd.grad(expected, leaf)
        loss, dW = ae.tied_ae_loss_grad(W, X)
        agree(loss, expected.item(), atol=1e-12)
        agree(dW, slope.numpy(), atol=1e-12)


@sizes
def test_gradient_is_the_central_difference(size):
    X, W, rng = data(size), weights(size), generator(size)
    _, dW = ae.tied_ae_loss_grad(W, X)
    direction = rng.standard_normal(W.shape)
    ahead, behind = (ae.tied_ae_loss_grad(W + sign * 1e-5 * direction, X)[0] for sign in (1, -1))
    assert abs((ahead - behind) / 2e-5 - (dW * direction).sum()) <= 1e-6 * np.abs(dW * direction).sum() + 1e-9


@sizes
def test_loss_moves_with_nothing_and_turns_with_the_codes(size):
    X, W, rng = data(size), weights(size), generator(size)
    loss, dW = ae.tied_ae_loss_grad(W, X)
    moved = ae.tied_ae_loss_grad(W, X + 20 * rng.standard_normal(size[1]))
    agree(moved[0], loss)
    agree(moved[1], dW)
    Q = orthonormal(rng, size[2], size[2])
    turned = ae.tied_ae_loss_grad(W @ Q, X)
    agree(turned[0], loss)
    agree(turned[1], dW @ Q)


@sizes
def test_saddles(size):
    """At W = 0 and at any k eigenvectors nothing moves; the loss is half the variance not caught."""
    X = data(size)
    _, components, variances = ae.pca(X, min(X.shape))
    scale = np.abs(X).max() ** 2
    for W, caught in [(np.zeros((size[1], 2)), 0.0), *((components[list(rows)].T, variances[list(rows)].sum())
                      for rows in itertools.combinations(range(len(components)), size[2]))]:
        loss, dW = ae.tied_ae_loss_grad(W, X)
        agree(loss, (variances.sum() - caught) / 2, atol=1e-12 * scale)
        agree(dW, np.zeros_like(W), atol=1e-12 * scale)


# Training -------------------------------------------------------------------------------------------------------------

SPECTRA = [(4.0, 2.0, 0.5, 0.3, 0.2, 0.1), (3.0, 2.0, 0.3, 0.1), (400.0, 200.0, 50.0, 30.0), (0.04, 0.02, 0.005)]
DESCENTS = list(itertools.product(range(6), SPECTRA))


def trained(seed, spectrum, rate=0.2, steps=400, k=2, train=ae.train_linear_ae):
    rng = np.random.default_rng(seed)
    X, directions = designed(rng, len(spectrum) + 4, spectrum, mean=3.0 * rng.standard_normal(len(spectrum)))
    W = train(X, k, steps, rate / spectrum[0], np.random.default_rng(seed))
    return X, directions[:, :k], W


@pytest.mark.parametrize("seed, spectrum", DESCENTS)
def test_training_ends_at_pca(seed, spectrum):
    X, directions, W = trained(seed, spectrum)
    assert scipy.linalg.subspace_angles(W, directions).max() < 1e-6
    agree(ae.tied_ae_loss_grad(W, X)[0], sum(spectrum[2:]) / 2)
    agree(W.T @ W, np.eye(2), rtol=1e-6)
    codes = (X - X.mean(axis=0)) @ W  # one subspace, one loss, but not one basis: the codes stay correlated
    assert abs((codes[:, 0] * codes[:, 1]).mean()) > 1e-3 * spectrum[0]


@pytest.mark.parametrize("start", [0.01, 0.1, "uniform", "orthonormal"])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_another_small_start_ends_there_too(start, spectrum):
    """What the tests ask of training does not depend on how a student draws the start."""
    for seed in range(5):
        rng = np.random.default_rng([seed, 9])
        D = len(spectrum)
        X, directions = designed(rng, D + 4, spectrum, mean=3.0)
        if start == "orthonormal":
            W = orthonormal(rng, D, 2)
        else:
            W = 0.1 * rng.random((D, 2)) if start == "uniform" else start * rng.standard_normal((D, 2))
        for _ in range(400):
            W = W - 0.2 / spectrum[0] * ae.tied_ae_loss_grad(W, X)[1]
        assert scipy.linalg.subspace_angles(W, directions[:, :2]).max() < 1e-7
        agree(ae.tied_ae_loss_grad(W, X)[0], sum(spectrum[2:]) / 2)


def test_training_repeats_itself_and_starts_small():
    X, _, W = trained(3, SPECTRA[0], steps=20)
    assert np.array_equal(W, trained(3, SPECTRA[0], steps=20)[2])
    start = ae.train_linear_ae(X, 2, 0, 0.05, np.random.default_rng(8))
    assert 0 < np.abs(start).max() < 0.5
    one = ae.train_linear_ae(X, 2, 1, 0.05, np.random.default_rng(8))
    agree(one, start - 0.05 * ae.tied_ae_loss_grad(start, X)[1])


def test_wrong_gradients_train_well():
    """Why the gradient is judged directly: training forgives one path of W, and a factor."""
    rng = np.random.default_rng(0)
    X, directions = designed(rng, 12, SPECTRA[0], mean=3.0)
    xc = X - X.mean(axis=0)

    def only_decoder(W):
        return (xc @ W @ W.T - xc).T @ (xc @ W) / len(X)

    def twice(W):
        return 2 * ae.tied_ae_loss_grad(W, X)[1]

    for gradient in (only_decoder, twice):
        W = 0.1 * rng.standard_normal((6, 2))
        for _ in range(800):
            W = W - 0.05 * gradient(W)
        assert scipy.linalg.subspace_angles(W, directions[:, :2]).max() < 1e-6


# Angles ---------------------------------------------------------------------------------------------------------------


@sizes
def test_angles_are_scipys(size):
    rng = generator(size)
    A, B = rng.standard_normal((2, *size[1:]))
    angles = ae.principal_angles(A, B)
    agree(angles, scipy.linalg.subspace_angles(A, B), atol=1e-13)
    agree(ae.principal_angles(B, A), angles, atol=1e-13)
    agree(ae.principal_angles(A @ rng.standard_normal((size[2],) * 2), B), angles, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_angles_of_every_size(seed):
    rng = np.random.default_rng(seed)
    Q = orthonormal(rng, 8, 8)
    near, away = Q[:, :4], Q[:, 4:]
    for angles in ([1.5, 0.7, 0.7, 0.0], [np.pi / 2, np.pi / 2 - 1e-9, 1e-3, 1e-9], [3e-9, 2e-9, 1e-9, 1e-12]):
        B = (near * np.cos(angles) + away * np.sin(angles)) @ (np.eye(4) + 0.3 * orthonormal(rng, 4, 4))
        found = ae.principal_angles(near @ (np.eye(4) + 0.3 * orthonormal(rng, 4, 4)), B)
        assert np.abs(found - angles).max() <= 2e-15 * 10
    A = rng.standard_normal((6, 3))
    assert np.abs(ae.principal_angles(A, A @ rng.standard_normal((3, 3)))).max() < 1e-12
    assert (ae.principal_angles(A, -A) >= 0).all()


# Purity ---------------------------------------------------------------------------------------------------------------


def test_no_argument_is_changed_and_no_result_is_an_argument():
    size = (7, 5, 3)
    X, W, mean, components = data(size), weights(size), np.ones(5), orthonormal(generator(size), 5, 3).T
    before = [array.copy() for array in (X, W, mean, components)]
    results = [*ae.pca(X, 3), ae.pca_reconstruct(X, mean, components), ae.tied_ae_loss_grad(W, X)[1],
               ae.train_linear_ae(X, 3, 2, 0.01, np.random.default_rng(1)), ae.principal_angles(W, components.T),
               ae.with_positive_peaks(components)]
    for array, copy in zip((X, W, mean, components), before, strict=True):
        assert np.array_equal(array, copy)
        assert not any(np.shares_memory(array, result) for result in results)


# Numbers that students read -------------------------------------------------------------------------------------------


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text.replace("^", " "))]


def example():
    """The data and the weights of the handout, read from it."""
    block = HANDOUT.split("## An example by hand")[1].split("```")[1]
    lines = [line for line in block.splitlines() if line.strip()]
    X = np.array([numbers(line.replace("X =", ""))[:2] for line in lines[:4]])
    return X, np.array([[0.5], [1.0]]), block


def test_example_of_the_handout():
    X, W, block = example()
    assert np.array_equal(X, [[7, 10], [-5, -6], [5, -1], [-3, 5]])
    mean, components, variances = ae.pca(X, 2)
    agree(mean, [1.0, 2.0])
    assert "mean (1, 2)" in block
    row1, row2 = block.splitlines()[1:3]
    agree([numbers(row1)[2:4], numbers(row2)[4:6]], np.cov(X.T, bias=True))
    agree(components, [[0.6, 0.8], [0.8, -0.6]])
    assert "v_1 = (0.6,  0.8)   lambda_1 = 50" in row1 and "v_2 = (0.8, -0.6)   lambda_2 = 12.5" in row2
    agree(variances, [50.0, 12.5])
    agree(ae.pca_reconstruct(X, mean, components[:1]), [[7.0, 10.0], [-5.0, -6.0], [1.0, 2.0], [1.0, 2.0]])
    assert "(7, 10), (-5, -6) and makes (1, 2) of the other two rows" in block

    xc = X - mean
    z = xc @ W
    assert "W = (0.5, 1)  z = 11, -11, -1, 1 " in block and np.array_equal(z.ravel(), [11, -11, -1, 1])
    assert "first xhat = (5.5, 11), where xc = (6, 8)" in block and np.array_equal(xc[0], [6, 8])
    assert np.array_equal((z @ W.T)[0], [5.5, 11])
    loss, dW = ae.tied_ae_loss_grad(W, X)
    residuals = z @ W.T - xc
    decoder, encoder = residuals.T @ z / 4, xc.T @ (residuals @ W) / 4
    assert f"loss = {loss:g}" in block
    assert f"dW = ({decoder[0, 0]:g}, {decoder[1, 0]:g}) through the decoder" in block
    assert f"+ ({encoder[0, 0]:g}, {encoder[1, 0]:g}) through the encoder = ({dW[0, 0]:g}, {dW[1, 0]:.5g})" in block


def test_other_numbers_of_the_handout():
    X, W, _ = example()
    _, components, _ = ae.pca(X, 1)
    assert f"W is {ae.principal_angles(W, components.T)[0]:.4f} radians away from v_1" in HANDOUT
    assert "lr = 0.004" in HANDOUT and 0.2 / 50 == 0.004
    trained_W = ae.train_linear_ae(X, 1, 400, 0.004, np.random.default_rng(7))
    agree(np.abs(trained_W), components.T, rtol=1e-6)
    assert f"with loss {ae.tied_ae_loss_grad(trained_W, X)[0]:g}." in HANDOUT
    A, B = np.eye(4)[:, :2], np.array([[1.0, 1, 1, 2], [0, 1, 0, 2]]).T
    angles = ae.principal_angles(A, B)
    agree(np.tan(angles), [2.0, 1.0])
    assert "{:.4f} and {:.4f} radians".format(*angles) in HANDOUT
    assert np.cos(1e-9) == 1.0


def test_the_handout_fits_a_page():
    lines = HANDOUT.splitlines()
    assert 60 <= len(lines) <= 90 and max(map(len, lines)) <= 100


def test_answers():
    X, _, _ = example()
    turned = ae.pca(X / X.std(axis=0), 1)[1].T
    agree(ae.Q1, np.degrees(ae.principal_angles(turned, ae.pca(X, 1)[1].T)[0]), rtol=1e-3)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    Q = np.array([[c, -s], [s, c]])
    agree(ae.Q2, abs((Q.T @ np.diag([4.0, 2.0]) @ Q)[0, 1]), rtol=1e-3)
    small = np.random.default_rng(0).standard_normal((50, 60))
    assert (ae.pca(small, 50)[2] > 1e-12).sum() == ae.Q3
    X, directions = designed(np.random.default_rng(1), 9, (4.0, 1.0, 0.5))
    tiny = 1e-6 * np.ones((3, 2))
    after = tiny - 0.05 * ae.tied_ae_loss_grad(tiny, X)[1]
    agree((directions[:, 0] @ after) / (directions[:, 0] @ tiny), np.full(2, ae.Q4), rtol=1e-6)

    def e_after_a_step(lr):
        W = (1 + 1e-5) * directions[:, :1]
        return directions[:, 0] @ (W - lr * ae.tied_ae_loss_grad(W, X)[1])[:, 0] - 1

    assert abs(e_after_a_step(0.99 * ae.Q5)) < 1e-5 < abs(e_after_a_step(1.01 * ae.Q5))
    assert abs(e_after_a_step(0.05)) < 0.3e-5  # 0.2 / lambda_1 is well below


# Errors name their argument -------------------------------------------------------------------------------------------

ONES = np.ones
TRAIN = (2, 0.1, np.random.default_rng(0))
BAD = [
    ("X", ae.pca, ONES(6), 1),
    ("X", ae.pca, ONES((6, 3, 2)), 1),
    *(("k", ae.pca, ONES(shape), k) for shape, k in [((6, 3), 0), ((6, 3), 4), ((3, 6), 4), ((6, 3), -1)]),
    ("X", ae.pca_reconstruct, ONES(3), ONES(3), ONES((2, 3))),
    ("mean", ae.pca_reconstruct, ONES((6, 3)), ONES(2), ONES((2, 3))),
    ("mean", ae.pca_reconstruct, ONES((6, 3)), ONES((1, 3)), ONES((2, 3))),
    ("components", ae.pca_reconstruct, ONES((6, 3)), ONES(3), ONES((3, 2))),
    ("components", ae.pca_reconstruct, ONES((6, 3)), ONES(3), ONES(3)),
    ("X", ae.tied_ae_loss_grad, ONES((3, 2)), ONES(3)),
    ("W", ae.tied_ae_loss_grad, ONES((2, 3)), ONES((6, 3))),
    ("W", ae.tied_ae_loss_grad, ONES(3), ONES((6, 3))),
    ("X", ae.train_linear_ae, ONES(6), 1, *TRAIN),
    ("k", ae.train_linear_ae, ONES((6, 3)), 0, *TRAIN),
    ("k", ae.train_linear_ae, ONES((6, 3)), 4, *TRAIN),
    ("k", ae.train_linear_ae, ONES((3, 6)), 4, *TRAIN),
    ("A", ae.principal_angles, ONES(3), ONES((3, 1))),
    ("B", ae.principal_angles, ONES((3, 1)), ONES(3)),
    ("B", ae.principal_angles, ONES((3, 2)), ONES((4, 2))),
    ("B", ae.principal_angles, ONES((3, 2)), ONES((3, 1))),
]


@pytest.mark.parametrize("name, function, arguments", [(name, function, rest) for name, function, *rest in BAD])
def test_errors_name_their_argument(name, function, arguments):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        function(*arguments)
