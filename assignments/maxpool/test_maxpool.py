"""Tests of maxpool. x, dx (N, C, H, W) and out, argmax, dout (N, C, Ho, Wo). Only the test on ties has equal pixels."""

import numpy as np
import pytest

from grader.testing import (
    assert_close,
    assert_gradient,
    assert_raises,
    case,
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

padded = pytest.mark.parametrize("count_include_pad", [True, False])


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


# ---- bad arguments

# what the message names, shape of x, kernel_size, stride, padding
BAD = [
    ("x", (3, 5, 6), 2, None, 0),
    ("kernel_size", (2, 3, 5, 6), (6, 2), 1, 0),
    ("stride", (2, 3, 5, 6), 2, 0, 0),
    ("padding", (2, 3, 5, 6), 3, 1, 2),
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
