"""The reference of maxpool agrees with torch, central differences, its handout and the laws of pooling."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.certification.loading import SOLUTIONS, reference

maxpool = reference("maxpool")
RTOL = 1e-9


def agree(actual, expected, rtol=RTOL):
    """Same shape, same dtype and |actual - expected| <= rtol * max|expected|; infinities and nan must be equal."""
    expected = np.asarray(expected)
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-300)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * scale)


def random_pool(rng):
    """x, kernel_size, stride, padding; every size small, edges likely."""
    N, C = rng.integers(1, 4, size=2)
    kernel_size = rng.integers(1, 6, size=2)
    padding = rng.integers(0, kernel_size // 2 + 1)
    stride = rng.integers(1, 5, size=2) if rng.uniform() < 0.7 else None
    H, W = np.maximum(kernel_size - 2 * padding, 1) + rng.integers(0, 8, size=2)
    ints = [tuple(map(int, v)) if v is not None else None for v in (kernel_size, stride, padding)]
    return rng.standard_normal((N, C, H, W)), *ints


EDGES = {  # shape of x, kernel_size, stride, padding
    "overlap": ((2, 3, 5, 6), 3, 1, 1),
    "stride is the kernel size": ((2, 3, 6, 8), (3, 2), None, 0),
    "stride is the kernel size, padded": ((2, 3, 7, 9), (2, 5), None, (1, 2)),
    "stride larger than the kernel": ((2, 2, 9, 8), (2, 1), (4, 3), 0),
    "remainder": ((2, 2, 8, 9), (3, 4), (2, 3), 0),
    "whole map": ((2, 3, 5, 4), (5, 4), None, 0),
    "kernel as large as the padded map": ((2, 3, 3, 4), (5, 6), 1, 1),
    "windows of one pixel": ((2, 3, 4, 5), 1, None, 0),
    "one image of one pixel": ((1, 1, 1, 1), 2, 1, 1),
}


def pools():
    """The edges, then 60 random pools."""
    rng = np.random.default_rng(0)
    for name, (shape, *window) in EDGES.items():
        yield pytest.param(rng.standard_normal(shape), *window, id=name)
    for seed in range(60):
        yield pytest.param(*random_pool(np.random.default_rng(seed)), id=f"seed {seed}")


every_pool = pytest.mark.parametrize("x, kernel_size, stride, padding", list(pools()))
padded = pytest.mark.parametrize("count_include_pad", [True, False])


# ---- independent oracles


def torch_maximum(x, kernel_size, stride, padding):
    """out and argmax as torch gives them."""
    out, argmax = F.max_pool2d(torch.tensor(x), kernel_size, stride, padding, return_indices=True)
    return out.numpy(), argmax.numpy()


@every_pool
def test_maximum_is_torchs(x, kernel_size, stride, padding):
    for image in (x, x - 100.0, x.astype(np.float32)):
        for actual, expected in zip(
            maxpool.maxpool2d_forward(image, kernel_size, stride, padding),
            torch_maximum(image, kernel_size, stride, padding),
            strict=True,
        ):
            agree(actual, expected, rtol=0)


@every_pool
def test_ties_and_infinities_are_torchs(x, kernel_size, stride, padding):
    rng = np.random.default_rng(1)
    for image in (
        np.maximum(x, 0.0),
        np.round(x),
        np.zeros_like(x),
        np.where(rng.uniform(size=x.shape) < 0.8, -np.inf, x),
        np.full_like(x, -np.inf),
        np.where(rng.uniform(size=x.shape) < 0.3, np.inf, x),
    ):
        out, argmax = maxpool.maxpool2d_forward(image, kernel_size, stride, padding)
        expected, expected_argmax = torch_maximum(image, kernel_size, stride, padding)
        agree(out, expected, rtol=0)
        agree(argmax, expected_argmax, rtol=0)


@every_pool
def test_one_nan_is_torchs(x, kernel_size, stride, padding):
    x = x.copy()
    rng = np.random.default_rng(2)
    for plane in x.reshape(-1, *x.shape[2:]):
        plane.flat[rng.integers(plane.size)] = np.nan
    out, argmax = maxpool.maxpool2d_forward(x, kernel_size, stride, padding)
    expected, expected_argmax = torch_maximum(x, kernel_size, stride, padding)
    agree(out, expected, rtol=0)
    agree(argmax, expected_argmax, rtol=0)


@every_pool
def test_gradient_of_the_maximum_is_torchs(x, kernel_size, stride, padding):
    for image in (x, np.round(x)):  # also with ties
        tensor = torch.tensor(image, requires_grad=True)
        out = F.max_pool2d(tensor, kernel_size, stride, padding)
        dout = np.random.default_rng(3).standard_normal(out.shape)
        out.backward(torch.tensor(dout))
        _, argmax = maxpool.maxpool2d_forward(image, kernel_size, stride, padding)
        agree(maxpool.maxpool2d_backward(dout, argmax, image.shape), tensor.grad.numpy())


@pytest.mark.parametrize("seed", range(20))
def test_side_by_side_the_gradient_is_torchs_unpooling(seed):
    rng = np.random.default_rng(seed)
    N, C, kh, kw, rows, columns = rng.integers(1, 5, size=6)
    x = rng.standard_normal((N, C, kh * rows, kw * columns))
    out, argmax = maxpool.maxpool2d_forward(x, (int(kh), int(kw)))
    unpooled = F.max_unpool2d(torch.tensor(out), torch.tensor(argmax), (int(kh), int(kw)))
    agree(maxpool.maxpool2d_backward(out, argmax, x.shape), unpooled.numpy())


@every_pool
@padded
def test_averages_and_their_gradient_are_torchs(x, kernel_size, stride, padding, count_include_pad):
    tensor = torch.tensor(x, requires_grad=True)
    out = F.avg_pool2d(tensor, kernel_size, stride, padding, count_include_pad=count_include_pad)
    agree(maxpool.avgpool2d_forward(x, kernel_size, stride, padding, count_include_pad), out.detach().numpy())

    dout = np.random.default_rng(4).standard_normal(out.shape)
    out.backward(torch.tensor(dout))
    dx = maxpool.avgpool2d_backward(dout, x.shape, kernel_size, stride, padding, count_include_pad)
    agree(dx, tensor.grad.numpy())


@every_pool
@padded
def test_gradients_are_central_differences(x, kernel_size, stride, padding, count_include_pad):
    rng = np.random.default_rng(5)
    x = rng.permutation(x.size).reshape(x.shape) + 0.0  # no ties: a step of 1e-3 changes no winner
    window, step, direction = (kernel_size, stride, padding), 1e-3, rng.uniform(-1, 1, x.shape)
    out, argmax = maxpool.maxpool2d_forward(x, *window)
    dout = rng.standard_normal(out.shape)

    def agree_with_slope(forward, dx):
        change = forward(x + step * direction) - forward(x - step * direction)
        slope, expected = (dout * change).sum() / (2 * step), (dx * direction).sum()
        assert abs(slope - expected) <= RTOL * (np.abs(dout).sum() * x.size + 1)

    agree_with_slope(
        lambda x: maxpool.maxpool2d_forward(x, *window)[0],
        maxpool.maxpool2d_backward(dout, argmax, x.shape),
    )
    agree_with_slope(
        lambda x: maxpool.avgpool2d_forward(x, *window, count_include_pad),
        maxpool.avgpool2d_backward(dout, x.shape, *window, count_include_pad),
    )


@pytest.mark.parametrize("kernel_size, stride, padding", [(3, 2, 1), (2, None, 0), ((3, 2), 1, (1, 0))])
def test_no_images(kernel_size, stride, padding):
    some, none = np.zeros((1, 3, 6, 7)), np.zeros((0, 3, 6, 7))
    shape = (0, *maxpool.maxpool2d_forward(some, kernel_size, stride, padding)[0].shape[1:])
    out, argmax = maxpool.maxpool2d_forward(none, kernel_size, stride, padding)
    agree(out, np.zeros(shape))
    agree(argmax, np.zeros(shape, np.int64))
    agree(maxpool.maxpool2d_backward(out, argmax, none.shape), none)
    for count_include_pad in (True, False):
        window = kernel_size, stride, padding, count_include_pad
        agree(maxpool.avgpool2d_forward(none, *window), np.zeros(shape))
        agree(maxpool.avgpool2d_backward(out, none.shape, *window), none)


# ---- numbers shown to students


def matrix(*rows):
    return np.array(rows, dtype=np.float64)[None, None]


def test_example_of_the_handout():
    handout = (SOLUTIONS / "maxpool" / "README.md").read_text()
    example = handout.split("## An example by hand")[1].split("\n## ")[0]
    text, block = example.split("```")[:2]
    assert "windows of 2 x 2, stride 1, no padding" in text
    n = iter(float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", block))

    def take(*widths):  # the numbers of one line, matrix by matrix
        return [[next(n) for _ in range(width)] for width in widths]

    (x0, out0, argmax0, g0), (x1, out1, argmax1, g1), (x2,) = take(3, 2, 2, 2), take(3, 2, 2, 2), take(3)
    dx = matrix(*take(3, 3, 3))
    (average0, d0), (average1, d1), (d2,) = take(2, 3), take(2, 3), take(3)
    assert next(n, None) is None

    x, dout = matrix(x0, x1, x2), matrix(g0, g1)
    out, argmax = maxpool.maxpool2d_forward(x, 2, 1)
    agree(out, matrix(out0, out1))
    agree(argmax, matrix(argmax0, argmax1).astype(np.int64))
    agree(maxpool.maxpool2d_backward(dout, argmax, x.shape), dx)
    assert "The pixel 5 wins twice" in text and (argmax == 1).sum() == 2 and x.flat[1] == 5
    agree(maxpool.avgpool2d_forward(x, 2, 1), matrix(average0, average1))
    agree(maxpool.avgpool2d_backward(dout, x.shape, 2, 1), matrix(d0, d1, d2))


def test_answers():
    # Q1: the places of the bright pixel that give the same output
    def seen(row, column):
        x = np.zeros((1, 1, 12, 12))
        x[0, 0, row, column] = 1.0
        return maxpool.maxpool2d_forward(x, 2)[0]

    moves = [(u, v) for u in (-1, 0, 1) for v in (-1, 0, 1) if (u, v) != (0, 0)]
    assert sum(np.array_equal(seen(4 + u, 7 + v), seen(4, 7)) for u, v in moves) == maxpool.Q1

    # Q2: the only move of the output that follows
    rng = np.random.default_rng(0)
    x = np.zeros((1, 1, 36, 9))
    x[:, :, 9:21] = rng.uniform(1, 2, (1, 1, 12, 9))
    out, moved = (maxpool.maxpool2d_forward(image, kernel_size=3)[0] for image in (x, np.roll(x, 6, axis=2)))
    assert [rows for rows in range(8) if np.array_equal(moved, np.roll(out, rows, axis=2))] == [maxpool.Q2]

    # Q3: the pixel collects 1 from every window that sees it
    x = rng.uniform(size=(1, 1, 20, 20))
    x[0, 0, 9, 8] = 2.0
    out, argmax = maxpool.maxpool2d_forward(x, 3, 1)
    assert maxpool.maxpool2d_backward(np.ones_like(out), argmax, x.shape)[0, 0, 9, 8] == maxpool.Q3

    # Q4 and Q5
    agree(maxpool.avgpool2d_backward(np.full((1, 1, 1, 1), 9.8), (1, 1, 7, 7), 7), np.full((1, 1, 7, 7), maxpool.Q4))
    corner = maxpool.avgpool2d_forward(np.full((1, 1, 6, 6), 36.0), 3, 1, 1)[0, 0, 0, 0]
    assert abs(corner - maxpool.Q5) <= RTOL * maxpool.Q5


# ---- laws of pooling


@every_pool
def test_laws_of_the_maximum(x, kernel_size, stride, padding):
    rng = np.random.default_rng(6)
    window = kernel_size, stride, padding
    out, argmax = maxpool.maxpool2d_forward(x, *window)
    flat, where = x.reshape(*x.shape[:2], -1), argmax.reshape(*argmax.shape[:2], -1)
    agree(np.take_along_axis(flat, where, axis=2).reshape(out.shape), out, rtol=0)  # argmax points to the maxima

    rising, same = maxpool.maxpool2d_forward(np.exp(x), *window)  # rising functions and constants commute
    agree(rising, np.exp(out), rtol=0)
    agree(same, argmax)
    agree(maxpool.maxpool2d_forward(x + 3.0, *window)[0], out + 3.0)
    assert (maxpool.maxpool2d_forward(x + rng.uniform(size=x.shape), *window)[0] >= out).all()  # monotone

    channels = rng.permutation(x.shape[1])
    agree(maxpool.maxpool2d_forward(x[:, channels], *window)[0], out[:, channels], rtol=0)

    dout = rng.standard_normal(out.shape)
    dx = maxpool.maxpool2d_backward(dout, argmax, x.shape)
    assert np.abs(dx.sum(axis=(2, 3)) - dout.sum(axis=(2, 3))).max() <= RTOL * np.abs(dout).sum()
    losers = np.ones(x.size, dtype=bool)
    losers[(np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1) * flat.shape[2] + where).ravel()] = False
    assert not dx.ravel()[losers].any()


@every_pool
@padded
def test_laws_of_the_average(x, kernel_size, stride, padding, count_include_pad):
    rng = np.random.default_rng(7)
    window = kernel_size, stride, padding, count_include_pad
    out = maxpool.avgpool2d_forward(x, *window)
    g = rng.standard_normal(out.shape)
    dx = maxpool.avgpool2d_backward(g, x.shape, *window)
    assert abs((out * g).sum() - (x * dx).sum()) <= RTOL * (np.abs(out * g).sum() + np.abs(x * dx).sum())  # adjoint

    other = rng.standard_normal(x.shape)
    combined = maxpool.avgpool2d_forward(2 * x - other, *window)  # linear
    np.testing.assert_allclose(combined, 2 * out - maxpool.avgpool2d_forward(other, *window), rtol=0, atol=1e-12)
    if not count_include_pad:
        agree(maxpool.avgpool2d_forward(np.full_like(x, 7.0), *window), np.full_like(out, 7.0))
        assert (out <= maxpool.maxpool2d_forward(x, *window[:3])[0] + 1e-12).all()


@every_pool
def test_the_average_is_a_convolution(x, kernel_size, stride, padding):
    conv2d = reference("conv2d")
    kh, kw = maxpool._pair(kernel_size)
    C = x.shape[1]
    weight = np.zeros((C, C, kh, kw))
    weight[range(C), range(C)] = 1 / (kh * kw)  # each channel by itself
    expected = conv2d.conv2d_forward(x, weight, None, kernel_size if stride is None else stride, padding)
    agree(maxpool.avgpool2d_forward(x, kernel_size, stride, padding), expected)


# ---- dtypes, purity, errors


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "bool"])
def test_dtypes(dtype):
    rng = np.random.default_rng(0)
    x = (20 * rng.standard_normal((2, 3, 6, 7))).astype(dtype)
    expected = np.dtype("float32" if dtype == "float32" else "float64")
    rtol = 1e-6 if dtype == "float32" else RTOL
    out, argmax = maxpool.maxpool2d_forward(x, 3, 2, 1)
    exact, exact_argmax = maxpool.maxpool2d_forward(x.astype(np.float64), 3, 2, 1)
    agree(out, exact.astype(expected), rtol=0)
    agree(argmax, exact_argmax)

    dout = (20 * rng.standard_normal(out.shape)).astype(dtype)
    exact = maxpool.maxpool2d_backward(dout.astype(np.float64), argmax, x.shape)
    agree(maxpool.maxpool2d_backward(dout, argmax, x.shape), exact.astype(expected), rtol=rtol)
    for count_include_pad in (True, False):
        window = 3, 2, 1, count_include_pad
        exact = maxpool.avgpool2d_forward(x.astype(np.float64), *window)
        agree(maxpool.avgpool2d_forward(x, *window), exact.astype(expected), rtol=rtol)
        exact = maxpool.avgpool2d_backward(dout.astype(np.float64), x.shape, *window)
        agree(maxpool.avgpool2d_backward(dout, x.shape, *window), exact.astype(expected), rtol=rtol)


@pytest.mark.parametrize("kernel_size, stride, padding", [(3, 2, 1), (1, 1, 0)])
def test_arguments_are_kept_and_results_are_new(kernel_size, stride, padding):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 6, 7))
    window = kernel_size, stride, padding
    out, argmax = maxpool.maxpool2d_forward(x, *window)
    dout = rng.standard_normal(out.shape)
    before = [array.copy() for array in (x, dout, argmax)]
    results = [
        *maxpool.maxpool2d_forward(x, *window),
        maxpool.maxpool2d_backward(dout, argmax, x.shape),
        maxpool.avgpool2d_forward(x, *window),
        maxpool.avgpool2d_backward(dout, x.shape, *window),
    ]
    for array, kept in zip((x, dout, argmax), before, strict=True):
        assert np.array_equal(array, kept) and not any(np.shares_memory(array, result) for result in results)


@pytest.mark.parametrize(
    "naming, shape, window",
    [
        ("x", (3, 5, 6), (2,)), ("x", (1, 2, 3, 5, 6), (2,)),
        ("kernel_size", (2, 3, 5, 6), (6,)), ("kernel_size", (2, 3, 5, 6), ((2, 9), 1, (0, 1))),
        ("kernel_size", (2, 3, 5, 6), (0,)), ("kernel_size", (2, 3, 5, 6), ((2, -1),)),
        ("stride", (2, 3, 5, 6), (2, 0)), ("stride", (2, 3, 5, 6), (2, (1, -1))),
        ("padding", (2, 3, 5, 6), (2, 1, -1)), ("padding", (2, 3, 5, 6), (3, 1, 2)),
        ("padding", (2, 3, 5, 6), ((4, 2), 1, (2, 2))), ("padding", (2, 3, 5, 6), ((5, 1), 1, 1)),
    ],
)  # fmt: skip
def test_forward_errors(naming, shape, window):
    for forward in (maxpool.maxpool2d_forward, maxpool.avgpool2d_forward):
        with pytest.raises(ValueError, match=rf"\b{naming}\b"):
            forward(np.zeros(shape), *window)
    if naming != "x":
        with pytest.raises(ValueError, match=rf"\b{naming}\b"):
            maxpool.avgpool2d_backward(np.zeros((2, 3, 2, 3)), shape, *window)


@pytest.mark.parametrize(
    "naming, dout, argmax, x_shape",
    [
        ("x_shape", (2, 3, 2, 3), (2, 3, 2, 3), (3, 5, 6)), ("dout", (3, 2, 3), (3, 2, 3), (2, 3, 5, 6)),
        ("dout", (2, 3, 2, 3), (2, 3, 2, 3), (4, 3, 5, 6)), ("dout", (2, 3, 2, 3), (2, 3, 2, 3), (2, 1, 5, 6)),
        ("argmax", (2, 3, 2, 3), (2, 3, 3, 2), (2, 3, 5, 6)), ("argmax", (2, 3, 2, 3), (2, 3, 6), (2, 3, 5, 6)),
    ],
)  # fmt: skip
def test_backward_errors(naming, dout, argmax, x_shape):
    with pytest.raises(ValueError, match=rf"\b{naming}\b"):
        maxpool.maxpool2d_backward(np.zeros(dout), np.zeros(argmax, np.int64), x_shape)


@pytest.mark.parametrize(
    "naming, dout, x_shape",
    [("x_shape", (3, 2, 3), (3, 5, 6)), ("dout", (2, 3, 2, 2), (2, 3, 5, 6)), ("dout", (1, 3, 2, 3), (2, 3, 5, 6))],
)
def test_average_backward_errors(naming, dout, x_shape):
    with pytest.raises(ValueError, match=rf"\b{naming}\b"):
        maxpool.avgpool2d_backward(np.zeros(dout), x_shape, 2)
