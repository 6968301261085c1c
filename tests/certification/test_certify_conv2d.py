"""The reference of conv2d agrees with torch, scipy, central differences, its handout and the laws of the layer."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.signal import correlate2d

from tests.certification.loading import SOLUTIONS, reference

conv2d = reference("conv2d")
RTOL = 1e-9


def agree(actual, expected, rtol=RTOL):
    """Same shape, same dtype and |actual - expected| <= rtol * max|expected|."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    scale = np.abs(expected).max(initial=0.0)
    assert np.abs(actual - expected).max(initial=0.0) <= rtol * max(scale, 1e-300)


def random_layer(rng):
    """x, weight, bias, stride, padding; every size small, edges likely."""
    N, C, maps, kh, kw = rng.integers(1, 5, size=5)
    stride, padding = tuple(map(int, rng.integers(1, 4, size=2))), tuple(map(int, rng.integers(0, 3, size=2)))
    # at least one window: from a padded image exactly as large as the kernel up to 6 pixels more
    H, W = (max(1, k - 2 * p) + rng.integers(0, 7) for k, p in zip((kh, kw), padding, strict=True))
    return (
        rng.standard_normal((N, C, H, W)),
        rng.standard_normal((maps, C, kh, kw)),
        rng.standard_normal(maps),
        stride,
        padding,
    )


EDGES = {  # shape of x, shape of weight, stride, padding
    "kernel as large as the padded image": ((2, 3, 3, 4), (2, 3, 5, 4), 1, (1, 0)),
    "kernel larger than the image": ((2, 1, 2, 3), (3, 1, 5, 4), 1, 2),
    "1 x 1 kernel": ((2, 4, 3, 5), (3, 4, 1, 1), 1, 0),
    "stride larger than the kernel": ((2, 2, 9, 8), (3, 2, 2, 1), (4, 3), 0),
    "remainder": ((2, 2, 8, 9), (3, 2, 3, 4), (2, 3), 0),
    "one image of one pixel": ((1, 1, 1, 1), (1, 1, 3, 3), 1, 1),
    "no image": ((0, 2, 5, 6), (3, 2, 3, 2), 2, 1),
}


def layers():
    """The edges, then 40 random layers."""
    rng = np.random.default_rng(0)
    for name, (x, weight, stride, padding) in EDGES.items():
        arrays = rng.standard_normal(x), rng.standard_normal(weight), rng.standard_normal(weight[0])
        yield pytest.param(*arrays, stride, padding, id=name)
    for seed in range(40):
        yield pytest.param(*random_layer(np.random.default_rng(seed)), id=f"seed {seed}")


every_layer = pytest.mark.parametrize("x, weight, bias, stride, padding", list(layers()))


# ---- independent oracles


@every_layer
def test_forward_and_gradients_are_torchs(x, weight, bias, stride, padding):
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, weight, bias)]
    out = F.conv2d(*tensors, stride=stride, padding=padding)
    agree(conv2d.conv2d_forward(x, weight, bias, stride, padding), out.detach().numpy())
    agree(conv2d.conv2d_forward(x, weight, None, stride, padding), (out - tensors[2][:, None, None]).detach().numpy())

    dout = np.random.default_rng(1).standard_normal(out.shape)
    out.backward(torch.tensor(dout))
    for gradient, tensor in zip(conv2d.conv2d_backward(dout, x, weight, stride, padding), tensors, strict=True):
        agree(gradient, tensor.grad.numpy())


@every_layer
def test_output_size_is_torchs(x, weight, bias, stride, padding):
    sizes = F.conv2d(torch.tensor(x), torch.tensor(weight), stride=stride, padding=padding).shape[2:]
    stride, padding = conv2d._pair(stride), conv2d._pair(padding)
    for axis in (0, 1):
        size = conv2d.conv2d_output_size(x.shape[2 + axis], weight.shape[2 + axis], stride[axis], padding[axis])
        assert type(size) is int and size == sizes[axis]


def test_output_size_counts_windows():
    rng = np.random.default_rng(0)
    for size, kernel_size, stride, padding in rng.integers([0, 1, 1, 0], [12, 8, 6, 5], size=(300, 4)).tolist():
        if kernel_size <= size + 2 * padding:
            starts = range(-padding, size + padding - kernel_size + 1, stride)
            assert conv2d.conv2d_output_size(size, kernel_size, stride, padding) == len(starts)


@pytest.mark.parametrize("seed", range(20))
def test_num_params_is_torchs(seed):
    c_in, c_out, kh, kw = np.random.default_rng(seed).integers(1, 9, size=4).tolist()
    for kernel_size in ((kh, kw), kh):
        for bias in (True, False):
            layer = torch.nn.Conv2d(c_in, c_out, kernel_size, bias=bias)
            n_params = sum(parameter.numel() for parameter in layer.parameters())
            assert conv2d.conv2d_num_params(c_in, c_out, kernel_size, bias) == n_params


@pytest.mark.parametrize("seed", range(20))
def test_forward_is_the_sum_of_scipys_correlations(seed):
    x, weight, bias, _, _ = random_layer(np.random.default_rng(seed))
    p = 3  # every kernel fits
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    out = conv2d.conv2d_forward(x, weight, bias, 1, p)
    for n, o in np.ndindex(out.shape[:2]):
        channels = [correlate2d(padded[n, c], weight[o, c], mode="valid") for c in range(x.shape[1])]
        agree(out[n, o], sum(channels) + bias[o])


@every_layer
def test_gradients_are_central_differences(x, weight, bias, stride, padding):
    rng = np.random.default_rng(2)
    dout = rng.standard_normal(conv2d.conv2d_forward(x, weight, bias, stride, padding).shape)
    gradients = conv2d.conv2d_backward(dout, x, weight, stride, padding)
    at, step = [x, weight, bias], 1e-3  # the layer is linear in each argument: a large step costs no accuracy
    for k, gradient in enumerate(gradients):
        direction = rng.standard_normal(at[k].shape)
        ahead, behind = ([a + sign * step * direction if i == k else a for i, a in enumerate(at)] for sign in (1, -1))
        change = conv2d.conv2d_forward(*ahead, stride, padding) - conv2d.conv2d_forward(*behind, stride, padding)
        slope, expected = (dout * change).sum() / (2 * step), (gradient * direction).sum()
        assert abs(slope - expected) <= RTOL * (np.abs(gradient * direction).sum() + np.abs(dout).sum())


# ---- numbers shown to students


def matrix(*rows):
    return np.array(rows, dtype=np.float64)[None, None]


def test_example_of_the_handout():
    handout = (SOLUTIONS / "conv2d" / "README.md").read_text()
    example = handout.split("## An example by hand")[1].split("\n## ")[0]
    text, block = example.split("```")[:2]
    n = iter(int(number) for number in re.findall(r"-?\d+", block))

    def take(*widths):  # the numbers of one line, matrix by matrix
        return [[float(next(n)) for _ in range(width)] for width in widths]

    (x0, w0, out0), (x1, w1, out1), (x2,) = take(3, 2, 2), take(3, 2, 2), take(3)
    (dx0, dw0), (g0, dx1, dw1, dbias), (g1, dx2) = take(3, 2), take(2, 3, 2, 1), take(2, 3)
    assert next(n, None) is None

    x, weight = matrix(x0, x1, x2), matrix(w0, w1)
    out = conv2d.conv2d_forward(x, weight, np.array([1.0]))
    agree(out, matrix(out0, out1))
    dx, dweight, db = conv2d.conv2d_backward(matrix(g0, g1), x, weight)
    agree(dx, matrix(dx0, dx1, dx2))
    agree(dweight, matrix(dw0, dw1))
    agree(db, np.array(dbias))
    assert "bias 1;" in text and "out[0,0] = 1*1 + 0*2 + 2*0 - 1*1 + 1 = 1." in text
    assert out[0, 0, 0, 0] == 1 * 1 + 0 * 2 + 2 * 0 - 1 * 1 + 1 == 1


def test_three_matrices_of_the_deck():
    red = [[4, 1, 2, 16, 3, 6], [1, 7, 5, 8, 19, 27], [5, 2, 5, 12, 17, 8], [0, 4, 9, 9, 6, 11]]
    green = [[5, 2, 6, 14, 15, 8], [26, 3, 6, 8, 4, 9], [0, 15, 24, 6, 1, 8], [7, 4, 9, 5, 24, 17]]
    blue = [[4, 6, 8, 9, 5, 3], [16, 5, 2, 8, 2, 1], [5, 2, 14, 11, 7, 8], [15, 2, 5, 0, 9, 8]]
    sobel = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    out = conv2d.conv2d_forward(np.array([[red, green, blue]]), np.array([[sobel] * 3]))
    agree(out, matrix([24, -58, -13, 1], [-37, -33, 8, -25]))


def test_answers():
    # Q1: one bias for each map is enough
    c_in, c_out = 3, 5
    n_biases = conv2d.conv2d_num_params(c_in, c_out, 3) - conv2d.conv2d_num_params(c_in, c_out, 3, bias=False)
    assert conv2d.Q1 == c_in * c_out - n_biases

    # Q2: the only move of the image that moves the output by 2 rows
    rng = np.random.default_rng(0)
    image, weight = np.zeros((1, 1, 40, 9)), rng.standard_normal((1, 1, 4, 3))
    image[:, :, 10:20] = rng.standard_normal((1, 1, 10, 9))
    outs = [conv2d.conv2d_forward(np.roll(image, move, axis=2), weight, stride=3) for move in range(10)]
    assert [move for move in range(10) if np.allclose(outs[move], np.roll(outs[0], 2, axis=2))] == [conv2d.Q2]

    # Q3: the only padding that keeps the size
    assert [p for p in range(10) if conv2d.conv2d_output_size(28, 7, 1, p) == 28] == [conv2d.Q3]

    # Q4: the size of the output
    assert conv2d.conv2d_forward(np.zeros((1, 256, 14, 14)), np.zeros((64, 256, 1, 1))).size == conv2d.Q4

    # Q5: numpy's convolution flips, the layer does not
    row, kernel = [1.0, 2.0, 4.0], [1.0, 0.0, -1.0]
    assert np.convolve(row, kernel, mode="valid").tolist() == [conv2d.Q5]
    assert conv2d.conv2d_forward(matrix(row), matrix(kernel)).item() == -3.0


# ---- laws of the layer


@every_layer
def test_linear_and_adjoint(x, weight, bias, stride, padding):
    rng = np.random.default_rng(3)
    x2, weight2 = rng.standard_normal(x.shape), rng.standard_normal(weight.shape)

    def conv(x, weight, bias=None):
        return conv2d.conv2d_forward(x, weight, bias, stride, padding)

    out = conv(x, weight)
    scale = np.abs(conv(np.abs(x) + np.abs(x2), np.abs(weight) + np.abs(weight2))).max(initial=1.0)
    np.testing.assert_allclose(conv(2 * x - 3 * x2, weight), 2 * out - 3 * conv(x2, weight), rtol=0, atol=RTOL * scale)
    np.testing.assert_allclose(conv(x, 2 * weight - weight2), 2 * out - conv(x, weight2), rtol=0, atol=RTOL * scale)

    g = rng.standard_normal(out.shape)
    dx, dweight, dbias = conv2d.conv2d_backward(g, x, weight, stride, padding)
    bound = RTOL * (np.abs(g).sum() * scale + 1)
    assert abs((out * g).sum() - (x * dx).sum()) <= bound
    assert abs((conv(x, weight, bias) * g).sum() - (weight * dweight).sum() - (bias * dbias).sum()) <= bound


@pytest.mark.parametrize("seed", range(20))
def test_stride_subsamples_and_batches_permute(seed):
    rng = np.random.default_rng(seed)
    x, weight, bias, (sh, sw), padding = random_layer(rng)
    out = conv2d.conv2d_forward(x, weight, bias, 1, padding)
    agree(conv2d.conv2d_forward(x, weight, bias, (sh, sw), padding), out[:, :, ::sh, ::sw])
    order = rng.permutation(len(x))
    agree(conv2d.conv2d_forward(x[order], weight, bias, 1, padding), out[order])


@pytest.mark.parametrize("seed", range(20))
def test_equivariance_away_from_the_borders(seed):
    rng = np.random.default_rng(seed)
    _, weight, bias, (sh, sw), _ = random_layer(rng)
    image = np.zeros((2, weight.shape[1], 40, 40))
    image[:, :, 12:20, 12:20] = rng.standard_normal((2, weight.shape[1], 8, 8))
    out = conv2d.conv2d_forward(image, weight, bias, (sh, sw))
    moved = conv2d.conv2d_forward(np.roll(image, (2 * sh, sw), axis=(2, 3)), weight, bias, (sh, sw))
    agree(moved, np.roll(out, (2, 1), axis=(2, 3)))


@pytest.mark.parametrize("seed", range(20))
def test_special_kernels(seed):
    rng = np.random.default_rng(seed)
    x = random_layer(rng)[0]
    C, k = x.shape[1], int(rng.choice([1, 3, 5]))

    across = rng.standard_normal((4, C))  # a 1 x 1 kernel is a matrix over the channels
    agree(conv2d.conv2d_forward(x, across[:, :, None, None]), np.moveaxis(np.tensordot(across, x, (1, 1)), 0, 1))

    delta = np.zeros((C, C, k, k))  # one in the centre of the own channel: nothing happens
    delta[range(C), range(C), k // 2, k // 2] = 1
    agree(conv2d.conv2d_forward(x, delta, padding=k // 2), x)

    own = rng.standard_normal((C, 1, k, k))  # block-diagonal weights: every channel for itself
    diagonal = np.zeros((C, C, k, k))
    diagonal[range(C), range(C)] = own[:, 0]
    alone = [conv2d.conv2d_forward(x[:, [c]], own[[c]], padding=k // 2) for c in range(C)]
    agree(conv2d.conv2d_forward(x, diagonal, padding=k // 2), np.concatenate(alone, axis=1))


@every_layer
def test_gradient_of_a_sum_of_windows_counts_coverage(x, weight, bias, stride, padding):
    (sh, sw), (ph, pw) = conv2d._pair(stride), conv2d._pair(padding)
    ones = np.ones((1, x.shape[1], *weight.shape[2:]))
    dout = np.ones(conv2d.conv2d_forward(x, ones, None, stride, padding).shape)
    covered = np.zeros((x.shape[2] + 2 * ph, x.shape[3] + 2 * pw))
    for i, j in np.ndindex(dout.shape[2:]):
        covered[i * sh : i * sh + weight.shape[2], j * sw : j * sw + weight.shape[3]] += 1
    covered = covered[ph : ph + x.shape[2], pw : pw + x.shape[3]]
    agree(conv2d.conv2d_backward(dout, x, ones, stride, padding)[0], np.broadcast_to(covered, x.shape))


# ---- dtypes, purity, errors


def arrays(rng, dtypes):
    shapes = (2, 3, 5, 6), (4, 3, 3, 2), (4,)
    return [(3 * rng.standard_normal(shape)).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]


@pytest.mark.parametrize(
    "dtypes, expected",
    [
        (("float32", "float32", "float32"), "float32"),
        (("float32", "float64", "float32"), "float64"),
        (("float32", "float32", "float64"), "float64"),
        (("float32", "int8", "float32"), "float64"),
        (("int64", "int64", "int64"), "float64"),
        (("bool", "float64", "float64"), "float64"),
    ],
)
def test_dtypes(dtypes, expected):
    rng = np.random.default_rng(0)
    x, weight, bias = arrays(rng, dtypes)
    out = conv2d.conv2d_forward(x, weight, bias, 2, 1)
    exact = conv2d.conv2d_forward(*(a.astype(np.float64) for a in (x, weight, bias)), 2, 1)
    agree(out, exact.astype(expected), rtol=1e-6 if expected == "float32" else RTOL)

    dout = rng.standard_normal(out.shape).astype(dtypes[2])  # dout takes the place of bias
    gradients = conv2d.conv2d_backward(dout, x, weight, 2, 1)
    exact = conv2d.conv2d_backward(*(a.astype(np.float64) for a in (dout, x, weight)), 2, 1)
    for gradient, e in zip(gradients, exact, strict=True):
        agree(gradient, e.astype(expected), rtol=1e-6 if expected == "float32" else RTOL)


def test_arguments_are_kept_and_results_are_new():
    rng = np.random.default_rng(0)
    x, weight, bias = arrays(rng, ["float64"] * 3)
    dout = rng.standard_normal((2, 4, 3, 5))
    before = [a.copy() for a in (x, weight, bias, dout)]
    results = [conv2d.conv2d_forward(x, weight, bias), *conv2d.conv2d_backward(dout, x, weight)]
    for a, b in zip((x, weight, bias, dout), before, strict=True):
        assert np.array_equal(a, b) and not any(np.shares_memory(a, result) for result in results)


@pytest.mark.parametrize(
    "naming, arguments",
    [
        ("size", (6.0, 3, 1, 0)), ("size", (-1, 3, 1, 2)), ("size", ("6", 3, 1, 0)),
        ("kernel_size", (6, 3.0, 1, 0)), ("kernel_size", (6, 0, 1, 0)), ("kernel_size", (4, 7, 1, 1)),
        ("stride", (6, 3, 0, 0)), ("stride", (6, 3, 1.5, 0)), ("stride", (6, 3, None, 0)),
        ("padding", (6, 3, 1, -1)), ("padding", (6, 3, 1, 0.5)),
    ],
)  # fmt: skip
def test_output_size_errors(naming, arguments):
    with pytest.raises(ValueError, match=rf"\b{naming}\b"):
        conv2d.conv2d_output_size(*arguments)


GOOD = dict(x=(2, 3, 5, 6), weight=(4, 3, 3, 2), bias=(4,), stride=1, padding=0)


@pytest.mark.parametrize(
    "naming, bad",
    [
        ("x", dict(x=(3, 5, 6))), ("x", dict(x=(1, 2, 3, 5, 6))), ("weight", dict(weight=(4, 3, 3))),
        ("weight", dict(weight=(3, 4, 3, 2))), ("bias", dict(bias=(3,))), ("bias", dict(bias=(4, 1))),
        ("stride", dict(stride=0)), ("stride", dict(stride=(1, 0))), ("stride", dict(stride=1.0)),
        ("padding", dict(padding=-1)), ("padding", dict(padding=(0, -1))), ("padding", dict(padding=0.5)),
        ("kernel_size", dict(weight=(4, 3, 6, 2))), ("kernel_size", dict(weight=(4, 3, 3, 9), padding=(3, 1))),
    ],
)  # fmt: skip
def test_forward_errors(naming, bad):
    arguments = {name: np.zeros(a) if name in ("x", "weight", "bias") else a for name, a in (GOOD | bad).items()}
    with pytest.raises(ValueError, match=rf"\b{naming}\b"):
        conv2d.conv2d_forward(**arguments)


@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 4, 3, 4), (2, 4, 5, 3), (1, 4, 3, 5), (2, 1, 3, 5), (2, 3, 3, 5)])
def test_backward_errors(shape):
    with pytest.raises(ValueError, match=r"\bdout\b"):
        conv2d.conv2d_backward(np.zeros(shape), np.zeros(GOOD["x"]), np.zeros(GOOD["weight"]))
