"""Tests of conv2d. x (N, C, H, W), weight (O, C, kh, kw), bias (O,), out and dout (N, O, Ho, Wo)."""

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

OUT = "out (N, O, Ho, Wo)"
GRADIENTS = ("dx (N, C, H, W)", "dweight (O, C, kh, kw)", "dbias (O,)")


def layer(rng, N=2, C=2, H=5, W=6, maps=3, kh=3, kw=2):
    """x, weight and bias with normal entries."""
    return rng.standard_normal((N, C, H, W)), rng.standard_normal((maps, C, kh, kw)), rng.standard_normal(maps)


def upstream(rng, reference, x, weight, stride=1, padding=0):
    """A dout of the shape of the layer's output."""
    return rng.standard_normal(reference.conv2d_forward(x, weight, None, stride, padding).shape)


images = pytest.mark.parametrize(
    "N, H, W", [pytest.param(N, H, W, marks=case(square=H == W)) for N, H, W in [(2, 5, 5), (2, 4, 6), (1, 6, 4)]]
)


# ---- sizes and counts


@part("sizes")
@public
@points(3)
@pytest.mark.parametrize(
    "size, kernel_size, stride, padding",
    [(6, 3, 1, 0), (8, 3, 1, 2), (11, 3, 2, 0), (12, 3, 2, 0), (20, 4, 3, 2), (2, 5, 1, 3)],
)
def test_output_size(student, reference, size, kernel_size, stride, padding):
    """How many positions a window has along one axis."""
    assert_close(
        student.conv2d_output_size(size, kernel_size, stride, padding),
        reference.conv2d_output_size(size, kernel_size, stride, padding),
    )


@part("sizes")
@public
@points(2)
@pytest.mark.parametrize(
    "c_in, c_out, kernel_size, bias",
    [(3, 8, 5, True), (3, 8, 5, False), pytest.param(4, 2, (3, 5), True, id="4-2-3x5-True")],
)
def test_num_params(student, reference, c_in, c_out, kernel_size, bias):
    """How many numbers a layer learns."""
    assert_close(
        student.conv2d_num_params(c_in, c_out, kernel_size, bias),
        reference.conv2d_num_params(c_in, c_out, kernel_size, bias),
    )


# ---- forward


@part("forward")
@public
@points(3)
def test_forward_by_hand(student):
    """One image, one kernel: the example of the handout."""
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]]])
    weight = np.array([[[[1.0, 0.0], [2.0, -1.0]]]])
    bias = np.array([1.0])
    assert_close(student.conv2d_forward(x, weight, bias), np.array([[[[1.0, 2.0], [5.0, 1.0]]]]), names=OUT)


@part("forward")
@public
@points(3)
def test_forward_three_channels(student):
    """Red, green and blue: one edge filter for each, summed."""
    red = [[4, 1, 2, 16, 3, 6], [1, 7, 5, 8, 19, 27], [5, 2, 5, 12, 17, 8], [0, 4, 9, 9, 6, 11]]
    green = [[5, 2, 6, 14, 15, 8], [26, 3, 6, 8, 4, 9], [0, 15, 24, 6, 1, 8], [7, 4, 9, 5, 24, 17]]
    blue = [[4, 6, 8, 9, 5, 3], [16, 5, 2, 8, 2, 1], [5, 2, 14, 11, 7, 8], [15, 2, 5, 0, 9, 8]]
    vertical_edges = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    x = np.array([[red, green, blue]], dtype=np.float64)
    weight = np.array([[vertical_edges] * 3], dtype=np.float64)
    expected = np.array([[[[24.0, -58.0, -13.0, 1.0], [-37.0, -33.0, 8.0, -25.0]]]])
    assert_close(student.conv2d_forward(x, weight), expected, names=OUT)


@part("forward")
@public
@points(4)
@images
def test_forward_images(student, reference, rng, N, H, W):
    """Images that are square, wide, tall; with a bias."""
    arguments = layer(rng, N=N, H=H, W=W)
    assert_close(student.conv2d_forward(*arguments), reference.conv2d_forward(*arguments), names=OUT)


@part("forward")
@public
@points(6, per_case=True)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_forward_stride_padding(student, reference, rng, stride, padding):
    """Stride and padding, the same for height and width."""
    arguments = layer(rng, H=7, W=4, kh=3, kw=3)
    assert_close(
        student.conv2d_forward(*arguments, stride, padding),
        reference.conv2d_forward(*arguments, stride, padding),
        names=OUT,
    )


@part("forward")
@public
@points(2)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_forward_dtype(student, reference, rng, dtype):
    """float32 gives float32, integers give float64."""
    x, weight, bias = ((3 * array).astype(dtype) for array in layer(rng))
    assert_close(student.conv2d_forward(x, weight, bias), reference.conv2d_forward(x, weight, bias), names=OUT)


# ---- backward: dout is drawn, so the results of the student's own forward do not matter


@part("backward")
@public
@points(4)
def test_backward_by_hand(student):
    """The gradients of the handout's example."""
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]]])
    weight = np.array([[[[1.0, 0.0], [2.0, -1.0]]]])
    dout = np.array([[[[1.0, -1.0], [0.0, 2.0]]]])
    dx = np.array([[[[1.0, -1.0, 0.0], [2.0, -1.0, 1.0], [0.0, 4.0, -2.0]]]])
    dweight = np.array([[[[1.0, 8.0], [-1.0, 0.0]]]])
    dbias = np.array([2.0])
    assert_close(student.conv2d_backward(dout, x, weight), (dx, dweight, dbias), names=GRADIENTS)


@part("backward")
@public
@points(4)
@images
def test_backward_images(student, reference, rng, N, H, W):
    """Images that are square, wide, tall."""
    x, weight, _ = layer(rng, N=N, H=H, W=W)
    dout = upstream(rng, reference, x, weight)
    assert_close(student.conv2d_backward(dout, x, weight), reference.conv2d_backward(dout, x, weight), names=GRADIENTS)


@part("backward")
@public
@points(6, per_case=True)
@pytest.mark.parametrize("stride", [pytest.param(s, marks=case(overlap=s < 3)) for s in (1, 2, 3)])
@pytest.mark.parametrize("padding", [0, 1])
def test_backward_stride_padding(student, reference, rng, stride, padding):
    """Stride and padding, the same for height and width."""
    x, weight, _ = layer(rng, H=7, W=4, kh=3, kw=3)
    dout = upstream(rng, reference, x, weight, stride, padding)
    assert_close(
        student.conv2d_backward(dout, x, weight, stride, padding),
        reference.conv2d_backward(dout, x, weight, stride, padding),
        names=GRADIENTS,
    )


@part("backward")
@public
@points(4)
def test_backward_is_the_slope(student, reference, rng):
    """L = sum(dout * out) changes as the gradients say."""
    x, weight, bias = layer(rng, H=6, W=7)
    dout = upstream(rng, reference, x, weight, stride=2, padding=(1, 0))

    def loss(x, weight, bias):
        return (dout * reference.conv2d_forward(x, weight, bias, stride=2, padding=(1, 0))).sum()

    gradients = student.conv2d_backward(dout, x, weight, stride=2, padding=(1, 0))
    assert_gradient(loss, (x, weight, bias), gradients, rng, names=GRADIENTS)


# ---- bad arguments


@part("checks")
@public
@secondary
@pytest.mark.parametrize(
    "naming, size, kernel_size, stride, padding",
    [("kernel_size", 4, 7, 1, 1), ("stride", 5, 3, 0, 0), ("padding", 5, 3, 1, -1)],
)
def test_output_size_refuses(student, naming, size, kernel_size, stride, padding):
    """Sizes that make no sense raise a ValueError."""
    assert_raises(student.conv2d_output_size, size, kernel_size, stride, padding, naming=naming)


@part("checks")
@public
@secondary
def test_forward_refuses_channels(student, rng):
    """A weight for 3 channels cannot take an image with 2."""
    x, weight, bias = layer(rng, C=3)
    assert_raises(student.conv2d_forward, x[:, :2], weight, bias, naming="weight")
