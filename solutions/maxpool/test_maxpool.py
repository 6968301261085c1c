"""Tests of maxpool. x, dx (N, C, H, W) and out, argmax, dout (N, C, Ho, Wo). Only the test on ties has equal pixels."""

import numpy as np
import pytest

from grader.testing import (
    assert_close,
    assert_gradient,
    assert_raises,
    assert_speed,
    assert_unchanged,
    case,
    chain,
    part,
    points,
    public,
    secondary,
)

OUT = "out (N, C, Ho, Wo)"
ARGMAX = "argmax (N, C, Ho, Wo)"
DX = "dx (N, C, H, W)"


def image(rng, N=2, C=3, H=6, W=7):
    """Different whole numbers, half of them negative."""
    n = N * C * H * W
    return (rng.permutation(n) - n // 2).reshape(N, C, H, W).astype(np.float64)


def pooled(rng, reference, x, *window):
    """argmax of a max pool and a dout for it."""
    _, argmax = reference.maxpool2d_forward(x, *window)
    return argmax, rng.standard_normal(argmax.shape)


def by_hand():
    """The image of the handout and the gradient of its four windows of 2 x 2 pixels."""
    x = np.array([[[[1.0, 5.0, 2.0], [3.0, 4.0, 0.0], [6.0, -1.0, -2.0]]]])
    return x, np.array([[[[1.0, 2.0], [3.0, -4.0]]]])


SIZES = [(1, 1, 6, 6), (2, 3, 4, 6), (3, 2, 6, 2)]
sizes = pytest.mark.parametrize(
    "N, C, H, W", [pytest.param(N, C, H, W, marks=case(square=H == W)) for N, C, H, W in SIZES]
)

# A 3 x 3 window: it overlaps with its neighbours at stride 1 and 2, and drops pixels at stride 2 and 3.
steps = pytest.mark.parametrize(
    "stride, padding", [pytest.param(s, p, marks=case(overlap=s < 3)) for s in (1, 2, 3) for p in (0, 1)]
)

# In the first pool no two axes agree, windows overlap, both axes have a remainder; each other one is about one thing.
POOLS = {
    "generic": dict(N=2, C=3, H=11, W=10, kernel_size=(5, 3), stride=(3, 2), padding=(2, 1)),
    "dense": dict(N=2, C=2, H=5, W=6, kernel_size=3, stride=1, padding=1),  # as many windows as pixels
    "default_stride": dict(N=3, C=2, H=6, W=8, kernel_size=(3, 2), stride=None, padding=0),
    "default_stride_padded": dict(N=2, C=3, H=7, W=10, kernel_size=(2, 4), stride=None, padding=(1, 2)),
    "remainder": dict(N=2, C=3, H=8, W=11, kernel_size=(3, 4), stride=(3, 4), padding=0),
    "gaps": dict(N=2, C=2, H=9, W=10, kernel_size=(2, 1), stride=(4, 3), padding=(1, 0)),  # pixels between the windows
    "one_map": dict(N=1, C=1, H=7, W=5, kernel_size=(2, 4), stride=1, padding=(0, 2)),
    "whole_map": dict(N=4, C=3, H=5, W=4, kernel_size=(5, 4), stride=None, padding=0),
    "more_than_the_map": dict(N=4, C=3, H=3, W=4, kernel_size=(5, 6), stride=1, padding=1),
    "wide_border": dict(N=2, C=1, H=8, W=6, kernel_size=7, stride=1, padding=3),
}

pools = pytest.mark.parametrize("name", POOLS)
padded = pytest.mark.parametrize("count_include_pad", [True, False])


def pool_named(rng, name):
    """x and (kernel_size, stride, padding) of one of POOLS."""
    pool = dict(POOLS[name])
    window = pool.pop("kernel_size"), pool.pop("stride"), pool.pop("padding")
    return image(rng, **pool), window


# ---- forward: the largest pixels


@part("forward")
@public
@points(3)
def test_forward_by_hand(student):
    """The example of the handout."""
    x, _ = by_hand()
    out, _ = student.maxpool2d_forward(x, 2, 1)
    assert_close(out, np.array([[[[5.0, 5.0], [6.0, 4.0]]]]), names=OUT)


@part("forward")
@public
@points(3)
@sizes
def test_forward_images(student, reference, rng, N, C, H, W):
    """2 x 2 windows side by side; square, wide, tall images."""
    x = image(rng, N, C, H, W)
    out, _ = student.maxpool2d_forward(x, 2)
    assert_close(out, reference.maxpool2d_forward(x, 2)[0], names=OUT)


@part("forward")
@public
@points(6, per_case=True)
@steps
def test_forward_steps(student, reference, rng, stride, padding):
    """Stride and padding, the same for height and width."""
    x = image(rng, H=8, W=7)
    out, _ = student.maxpool2d_forward(x, 3, stride, padding)
    assert_close(out, reference.maxpool2d_forward(x, 3, stride, padding)[0], names=OUT)


@part("forward")
@public
@points(2)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_forward_dtype(student, reference, rng, dtype):
    """float32 gives float32, integers give float64."""
    x = image(rng).astype(dtype)
    out, _ = student.maxpool2d_forward(x, 2, 2, 1)
    assert_close(out, reference.maxpool2d_forward(x, 2, 2, 1)[0], names=OUT)


@part("forward")
@public
@secondary
def test_forward_and_rising_functions(student, rng):
    """The largest of exp(x) is exp of the largest x."""
    x = rng.standard_normal((2, 2, 5, 6))
    (out, _), (of_exp, _) = student.maxpool2d_forward(x, 3, 2, 1), student.maxpool2d_forward(np.exp(x), 3, 2, 1)
    assert_close(of_exp, np.exp(out), names=OUT)


@part("forward")
@points(9, per_case=True)
@pools
def test_forward_pools(student, reference, rng, name):
    """Pools of many sizes."""
    x, window = pool_named(rng, name)
    out, _ = student.maxpool2d_forward(x, *window)
    assert_close(out, reference.maxpool2d_forward(x, *window)[0], names=OUT)


@part("forward")
@points(2)
def test_forward_negative_image(student, reference, rng):
    """All pixels are negative, with padding."""
    x = image(rng, H=8) - 1000.0
    out, _ = student.maxpool2d_forward(x, 3, 2, (0, 1))
    assert_close(out, reference.maxpool2d_forward(x, 3, 2, (0, 1))[0], names=OUT)


@part("forward")
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_forward_dtype_unpadded(student, reference, rng, dtype):
    """Dtypes without padding."""
    x = image(rng).astype(dtype)
    out, _ = student.maxpool2d_forward(x, (2, 3))
    assert_close(out, reference.maxpool2d_forward(x, (2, 3))[0], names=OUT)


def with_nan(rng):
    """An image with one nan in every channel, each in another place."""
    x = image(rng, N=2, C=3, H=5, W=6)
    for k, (n, c) in enumerate(np.ndindex(2, 3)):
        x[n, c, (2 * k + 1) % 5, k] = np.nan
    return x


@part("forward")
@secondary
def test_forward_nan(student, reference, rng):
    """A nan in the image."""
    x = with_nan(rng)
    out, _ = student.maxpool2d_forward(x, 3, 1, 1)
    assert_close(out, reference.maxpool2d_forward(x, 3, 1, 1)[0], names=OUT)


@part("forward")
@secondary
@points(0.5)
def test_forward_no_images(student, reference, rng):
    """An empty batch."""
    x = image(rng, N=0)
    assert_close(student.maxpool2d_forward(x, 3, 2, 1), reference.maxpool2d_forward(x, 3, 2, 1), names=(OUT, ARGMAX))


@part("forward")
@secondary
@points(0.5)
def test_forward_single_pixels(student, rng):
    """Windows of one pixel change nothing."""
    x = image(rng)
    out, _ = student.maxpool2d_forward(x, 1)
    assert_close(out, x, names=OUT)


@part("forward")
@secondary
def test_forward_keeps_arguments(student, rng):
    """The image stays as it was."""
    assert_unchanged(student.maxpool2d_forward, image(rng), (3, 2), (2, 1), (1, 0))


# ---- forward: where they stand


@part("indices")
@public
@points(2)
def test_indices_by_hand(student):
    """The example of the handout: row * 3 + column."""
    x, _ = by_hand()
    _, argmax = student.maxpool2d_forward(x, 2, 1)
    assert_close(argmax, np.array([[[[1, 1], [6, 4]]]]), names=ARGMAX)


@part("indices")
@public
@points(2)
@sizes
def test_indices_images(student, reference, rng, N, C, H, W):
    """2 x 2 windows side by side; square, wide, tall images."""
    x = image(rng, N, C, H, W)
    _, argmax = student.maxpool2d_forward(x, 2)
    assert_close(argmax, reference.maxpool2d_forward(x, 2)[1], names=ARGMAX)


@part("indices")
@public
@points(4, per_case=True)
@steps
def test_indices_steps(student, reference, rng, stride, padding):
    """Stride and padding, the same for height and width."""
    x = image(rng, H=8, W=7)
    _, argmax = student.maxpool2d_forward(x, 3, stride, padding)
    assert_close(argmax, reference.maxpool2d_forward(x, 3, stride, padding)[1], names=ARGMAX)


@part("indices")
@points(5, per_case=True)
@pools
def test_indices_pools(student, reference, rng, name):
    """Pools of many sizes."""
    x, window = pool_named(rng, name)
    _, argmax = student.maxpool2d_forward(x, *window)
    assert_close(argmax, reference.maxpool2d_forward(x, *window)[1], names=ARGMAX)


@part("indices")
@secondary
def test_indices_minus_infinity(student, reference, rng):
    """Corners of -inf, alone in their window with the padding."""
    x = image(rng, H=6, W=8)
    x[:, :, ::5, ::7] = -np.inf
    assert_close(student.maxpool2d_forward(x, 2, 2, 1), reference.maxpool2d_forward(x, 2, 2, 1), names=(OUT, ARGMAX))


@part("indices")
@secondary
def test_indices_nan(student, reference, rng):
    """Where the nan stands."""
    x = with_nan(rng)
    _, argmax = student.maxpool2d_forward(x, 3, 1, 1)
    assert_close(argmax, reference.maxpool2d_forward(x, 3, 1, 1)[1], names=ARGMAX)


# ---- backward: argmax is the reference's, so the results of the student's own forward do not matter


@part("backward")
@public
@points(4)
def test_backward_by_hand(student):
    """The example of the handout."""
    x, dout = by_hand()
    dx = np.array([[[[0.0, 3.0, 0.0], [0.0, -4.0, 0.0], [3.0, 0.0, 0.0]]]])
    assert_close(student.maxpool2d_backward(dout, np.array([[[[1, 1], [6, 4]]]]), x.shape), dx, names=DX)


@part("backward")
@public
@points(6, per_case=True)
@steps
def test_backward_steps(student, reference, rng, stride, padding):
    """Stride and padding, the same for height and width."""
    x = image(rng, H=8, W=7)
    argmax, dout = pooled(rng, reference, x, 3, stride, padding)
    arguments = dout, argmax, x.shape
    assert_close(student.maxpool2d_backward(*arguments), reference.maxpool2d_backward(*arguments), names=DX)


@part("backward")
@public
@points(2)
def test_backward_is_the_slope(student, reference, rng):
    """L = sum(dout * out) changes as the gradient says."""
    x = image(rng, H=5, W=6)
    argmax, dout = pooled(rng, reference, x, 3, 1, 1)

    def loss(x):
        return (dout * reference.maxpool2d_forward(x, 3, 1, 1)[0]).sum()

    dx = student.maxpool2d_backward(dout, argmax, x.shape)
    assert_gradient(loss, (x,), (dx,), rng, names=(DX,), step=1e-3)


@part("backward")
@public
@secondary
def test_backward_loses_nothing(student, reference, rng):
    """In every channel dx has the same sum as dout."""
    x = image(rng, H=5, W=6)
    argmax, dout = pooled(rng, reference, x, 3, 1, 1)
    dx = student.maxpool2d_backward(dout, argmax, x.shape)
    assert_close(dx.sum(axis=(2, 3)), dout.sum(axis=(2, 3)), names="sum of dx (N, C)")


@part("backward")
@points(7, per_case=True)
@pools
def test_backward_pools(student, reference, rng, name):
    """Pools of many sizes."""
    x, window = pool_named(rng, name)
    argmax, dout = pooled(rng, reference, x, *window)
    arguments = dout, argmax, x.shape
    assert_close(student.maxpool2d_backward(*arguments), reference.maxpool2d_backward(*arguments), names=DX)


@part("backward")
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_backward_dtype(student, reference, rng, dtype):
    """float32 gives float32, integers give float64."""
    x = image(rng)
    argmax, dout = pooled(rng, reference, x, 3, 1, 1)
    arguments = (9 * dout).astype(dtype), argmax, x.shape
    assert_close(student.maxpool2d_backward(*arguments), reference.maxpool2d_backward(*arguments), names=DX)


@part("backward")
@chain
def test_forward_then_backward(student, reference, rng):
    """Your backward on your own argmax."""
    x = image(rng, H=7, W=5)
    argmax, dout = pooled(rng, reference, x, (3, 2), (2, 1), 1)
    _, own = student.maxpool2d_forward(x, (3, 2), (2, 1), 1)
    dx = student.maxpool2d_backward(dout, own, x.shape)
    assert_close(dx, reference.maxpool2d_backward(dout, argmax, x.shape), names=DX)


# The only test with equal pixels. Elsewhere the last of them may win, or all of them, or each may get an equal share.
# The gradient is judged with the right argmax; the forward call before is for those who look back at its image.
@part("backward")
@secondary
@points(2)
@pytest.mark.parametrize("pixels", ["after_relu", "three_values"])
def test_ties(student, reference, rng, pixels):
    """Ties: the first of equal pixels wins and gets the gradient."""
    x = image(rng, H=6, W=8)
    x = np.maximum(x, 0.0) if pixels == "after_relu" else x % 3
    argmax, dout = pooled(rng, reference, x, 3, 2, 1)
    _, own = student.maxpool2d_forward(x, 3, 2, 1)
    dx = student.maxpool2d_backward(dout, argmax, x.shape)
    assert_close((own, dx), (argmax, reference.maxpool2d_backward(dout, argmax, x.shape)), names=(ARGMAX, DX))


@part("backward")
@secondary
@points(0.5)
def test_backward_no_images(student, reference, rng):
    """An empty batch."""
    x = image(rng, N=0)
    argmax, dout = pooled(rng, reference, x, 3, 2, 1)
    arguments = dout, argmax, x.shape
    assert_close(student.maxpool2d_backward(*arguments), reference.maxpool2d_backward(*arguments), names=DX)


@part("backward")
@secondary
@points(0.5)
def test_backward_keeps_arguments(student, reference, rng):
    """dout and argmax stay as they were."""
    x = image(rng)
    argmax, dout = pooled(rng, reference, x, 3, 1, 1)
    assert_unchanged(student.maxpool2d_backward, dout, argmax, x.shape)


# ---- averages


@part("average")
@public
@points(2)
def test_average_by_hand(student):
    """The averages of the handout's example."""
    x, _ = by_hand()
    assert_close(student.avgpool2d_forward(x, 2, 1), np.array([[[[3.25, 2.75], [3.0, 0.25]]]]), names=OUT)


@part("average")
@public
@points(2)
def test_average_backward_by_hand(student):
    """The gradient of the averages in the handout's example."""
    x, dout = by_hand()
    dx = np.array([[[[0.25, 0.75, 0.5], [1.0, 0.5, -0.5], [0.75, -0.25, -1.0]]]])
    assert_close(student.avgpool2d_backward(dout, x.shape, 2, 1), dx, names=DX)


@part("average")
@public
@points(2, per_case=True)
@steps
@padded
def test_average_steps(student, reference, rng, stride, padding, count_include_pad):
    """Averages with stride and padding."""
    arguments = image(rng, H=8, W=7), 3, stride, padding, count_include_pad
    assert_close(student.avgpool2d_forward(*arguments), reference.avgpool2d_forward(*arguments), names=OUT)


@part("average")
@public
@points(2, per_case=True)
@steps
@padded
def test_average_backward_steps(student, reference, rng, stride, padding, count_include_pad):
    """The gradient of averages with stride and padding."""
    x = image(rng, H=8, W=7)
    _, dout = pooled(rng, reference, x, 3, stride, padding)
    arguments = dout, x.shape, 3, stride, padding, count_include_pad
    assert_close(student.avgpool2d_backward(*arguments), reference.avgpool2d_backward(*arguments), names=DX)


@part("average")
@points(2.5, per_case=True)
@pools
@padded
def test_average_pools(student, reference, rng, name, count_include_pad):
    """Average pools of many sizes."""
    x, window = pool_named(rng, name)
    arguments = x, *window, count_include_pad
    assert_close(student.avgpool2d_forward(*arguments), reference.avgpool2d_forward(*arguments), names=OUT)


@part("average")
@points(2.5, per_case=True)
@pools
@padded
def test_average_backward_pools(student, reference, rng, name, count_include_pad):
    """The gradient of average pools of many sizes."""
    x, window = pool_named(rng, name)
    _, dout = pooled(rng, reference, x, *window)
    arguments = dout, x.shape, *window, count_include_pad
    assert_close(student.avgpool2d_backward(*arguments), reference.avgpool2d_backward(*arguments), names=DX)


@part("average")
@pytest.mark.parametrize("dtype", ["float32", "int64"])
@padded
def test_average_dtype(student, reference, rng, dtype, count_include_pad):
    """float32 gives float32, integers give float64."""
    x = image(rng)
    _, dout = pooled(rng, reference, x, 3, 2, 1)
    window = 3, 2, 1, count_include_pad
    x, dout = x.astype(dtype), (9 * dout).astype(dtype)
    assert_close(student.avgpool2d_forward(x, *window), reference.avgpool2d_forward(x, *window), names=OUT)
    arguments = dout, x.shape, *window
    assert_close(student.avgpool2d_backward(*arguments), reference.avgpool2d_backward(*arguments), names=DX)


@part("average")
@secondary
@points(0.25)
def test_average_adjoint(student, reference, rng):
    """sum(dout * out) = sum(dx * x): averages are linear."""
    x = image(rng)
    _, dout = pooled(rng, reference, x, 3, 2, 1)
    out, dx = student.avgpool2d_forward(x, 3, 2, 1), student.avgpool2d_backward(dout, x.shape, 3, 2, 1)
    assert_close((dx * x).sum(), (dout * out).sum(), names="sum(dx * x)", atol=1e-9)


@part("average")
@secondary
@points(0.25)
def test_average_no_images(student, reference, rng):
    """Averages of an empty batch."""
    x = image(rng, N=0)
    _, dout = pooled(rng, reference, x, 3, 2, 1)
    assert_close(student.avgpool2d_forward(x, 3, 2, 1), reference.avgpool2d_forward(x, 3, 2, 1), names=OUT)
    arguments = dout, x.shape, 3, 2, 1
    assert_close(student.avgpool2d_backward(*arguments), reference.avgpool2d_backward(*arguments), names=DX)


@part("average")
@secondary
@points(0.25)
def test_average_keeps_arguments(student, reference, rng):
    """Averages leave the image as it was."""
    assert_unchanged(student.avgpool2d_forward, image(rng), 3, 2, 1, False)


@part("average")
@secondary
@points(0.25)
def test_average_backward_keeps_arguments(student, reference, rng):
    """The gradient of averages leaves dout as it was."""
    x = image(rng)
    _, dout = pooled(rng, reference, x, 3, 2, 1)
    assert_unchanged(student.avgpool2d_backward, dout, x.shape, 3, 2, 1, False)


# ---- bad arguments

# what the message names, shape of x, kernel_size, stride, padding
BAD = [
    ("x", (3, 5, 6), 2, None, 0),
    ("kernel_size", (2, 3, 5, 6), (6, 2), 1, 0),
    ("stride", (2, 3, 5, 6), 2, 0, 0),
    ("padding", (2, 3, 5, 6), 3, 1, 2),
]
MORE_BAD = [
    ("x", (1, 2, 3, 5, 6), 2, None, 0),
    ("kernel_size", (2, 3, 5, 6), (2, 9), 1, (0, 1)),
    ("kernel_size", (2, 3, 5, 6), 0, 1, 0),
    ("stride", (2, 3, 5, 6), 2, (1, -1), 0),
    ("padding", (2, 3, 5, 6), (2, 5), 1, (0, 3)),
    ("padding", (2, 3, 5, 6), (5, 2), 1, (0, -1)),
]


@part("checks")
@public
@secondary
@points(1.5)
@pytest.mark.parametrize("naming, shape, kernel_size, stride, padding", BAD, ids=[bad[0] for bad in BAD])
def test_forward_refuses(student, rng, naming, shape, kernel_size, stride, padding):
    """Images and windows that make no sense."""
    x = rng.standard_normal(shape)
    assert_raises(student.maxpool2d_forward, x, kernel_size, stride, padding, naming=naming)


@part("checks")
@public
@secondary
def test_backward_refuses_argmax(student, rng):
    """An argmax that does not have the shape of dout."""
    dout, argmax = rng.standard_normal((2, 3, 2, 3)), rng.integers(0, 30, (2, 3, 3, 2))
    assert_raises(student.maxpool2d_backward, dout, argmax, (2, 3, 5, 6), naming="argmax")


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, shape, kernel_size, stride, padding", MORE_BAD)
def test_forward_refuses_more(student, rng, naming, shape, kernel_size, stride, padding):
    """More windows that make no sense."""
    x = rng.standard_normal(shape)
    assert_raises(student.maxpool2d_forward, x, kernel_size, stride, padding, naming=naming)


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, x_shape", [("x_shape", (3, 5, 6)), ("dout", (4, 3, 5, 6)), ("dout", (2, 1, 5, 6))])
def test_backward_refuses(student, rng, naming, x_shape):
    """A gradient for another batch."""
    dout, argmax = rng.standard_normal((2, 3, 2, 3)), rng.integers(0, 30, (2, 3, 2, 3))
    assert_raises(student.maxpool2d_backward, dout, argmax, x_shape, naming=naming)


@part("checks")
@secondary
@pytest.mark.parametrize("naming, shape, kernel_size, stride, padding", BAD + MORE_BAD)
def test_average_refuses(student, rng, naming, shape, kernel_size, stride, padding):
    """Averages over windows that make no sense."""
    x = rng.standard_normal(shape)
    assert_raises(student.avgpool2d_forward, x, kernel_size, stride, padding, naming=naming)


@part("checks")
@secondary
@points(0.5)
@pytest.mark.parametrize("naming, shape, x_shape", [
    ("x_shape", (3, 2, 3), (3, 5, 6)), ("dout", (2, 3, 2, 2), (2, 3, 5, 6)), ("dout", (1, 3, 2, 3), (2, 3, 5, 6)),
    ("padding", (2, 3, 4, 5), (2, 3, 5, 6)),
])  # fmt: skip
def test_average_backward_refuses(student, rng, naming, shape, x_shape):
    """Gradients of averages that do not fit."""
    dout, padding = rng.standard_normal(shape), 2 if naming == "padding" else 0
    assert_raises(student.avgpool2d_backward, dout, x_shape, 2, 2, padding, naming=naming)


# ---- questions and speed


@part("questions")
@points(5, per_case=True)
@pytest.mark.parametrize("question", ["Q1", "Q2", "Q3", "Q4", "Q5"])
def test_question(student, reference, question):
    """Answers to the questions."""
    answer = float(reference.value(question))  # 16.0 is as good as 16
    assert_close(student.value(question), answer, names=question)


# 16 images of 8 x 24 x 24 pixels, windows of 3 x 3, stride 2, padding 1. A loop over the 144 positions takes up to 3
# times as long as the reference, one over images, channels and positions 30 times forward and 16 times backward.
SPEED = dict(N=16, C=8, H=24, W=24)


@part("speed")
def test_forward_speed(student, reference, rng):
    """A max pool on a small batch."""

    def arguments():
        return image(rng, **SPEED), 3, 2, 1

    assert_speed(student.maxpool2d_forward, reference.maxpool2d_forward, arguments, at_most=12.0)


@part("speed")
def test_backward_speed(student, reference, rng):
    """The gradient of a max pool on a small batch."""

    def arguments():
        argmax = rng.integers(0, SPEED["H"] * SPEED["W"], (SPEED["N"], SPEED["C"], 12, 12))
        return rng.standard_normal(argmax.shape), argmax, tuple(SPEED.values())

    assert_speed(student.maxpool2d_backward, reference.maxpool2d_backward, arguments, at_most=6.0)
