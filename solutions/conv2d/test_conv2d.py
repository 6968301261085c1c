"""Tests of conv2d. x (N, C, H, W), weight (O, C, kh, kw), bias (O,), out and dout (N, O, Ho, Wo)."""

import numpy as np
import pytest

from grader.testing import (
    assert_close,
    assert_gradient,
    assert_raises,
    assert_speed,
    assert_unchanged,
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


@part("sizes")
@points(3)
@pytest.mark.parametrize(
    "size, kernel_size, stride, padding",
    [
        (32, 5, 1, 0),
        (14, 5, 3, 0),
        (15, 5, 3, 0),
        (16, 5, 3, 0),
        (17, 6, 4, 3),
        (4, 7, 2, 4),
        (20, 1, 3, 0),
        (12, 3, 9, 0),
    ],
)
def test_more_output_sizes(student, reference, size, kernel_size, stride, padding):
    """More sizes."""
    assert_close(
        student.conv2d_output_size(size, kernel_size, stride, padding),
        reference.conv2d_output_size(size, kernel_size, stride, padding),
    )


@part("sizes")
@points(1)
@pytest.mark.parametrize(
    "c_in, c_out, kernel_size, bias", [(5, 7, (2, 3), True), (5, 7, (4, 1), False), (6, 9, 3, True)]
)
def test_more_num_params(student, reference, c_in, c_out, kernel_size, bias):
    """More counts."""
    assert_close(
        student.conv2d_num_params(c_in, c_out, kernel_size, bias),
        reference.conv2d_num_params(c_in, c_out, kernel_size, bias),
    )


@part("sizes")
@secondary
@pytest.mark.parametrize("size, kernel_size, stride, padding", [(5, 5, 1, 0), (3, 7, 2, 2), (7, 5, 1, 2), (8, 3, 1, 1), (0, 3, 2, 3)])
def test_output_size_at_the_limits(student, reference, size, kernel_size, stride, padding):
    """A window that fills the axis; an axis that keeps its size; an axis of padding alone."""
    assert_close(
        student.conv2d_output_size(size, kernel_size, stride, padding),
        reference.conv2d_output_size(size, kernel_size, stride, padding),
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


# In the first layer no two sizes agree and both axes have a remainder; each other layer is about one thing.
LAYERS = {
    "generic": dict(N=2, C=3, H=10, W=8, maps=4, kh=5, kw=4, stride=(2, 3), padding=(1, 3)),
    "square_kernel": dict(N=3, C=4, H=6, W=7, maps=4, kh=3, kw=3, stride=1, padding=1),  # and as many maps as channels
    "no_padding": dict(N=3, C=2, H=9, W=6, maps=5, kh=2, kw=4, stride=1, padding=0),
    "remainder": dict(N=2, C=3, H=8, W=12, maps=2, kh=3, kw=4, stride=(2, 3), padding=0),
    "one_channel": dict(N=1, C=1, H=7, W=5, maps=3, kh=4, kw=2, stride=1, padding=(0, 1)),
    "gaps": dict(N=2, C=2, H=9, W=10, maps=3, kh=2, kw=1, stride=(4, 2), padding=(2, 0)),  # pixels between the windows
    "one_pixel": dict(N=2, C=5, H=4, W=3, maps=3, kh=1, kw=1, stride=1, padding=0),
    "one_position": dict(N=3, C=2, H=4, W=5, maps=6, kh=6, kw=5, stride=1, padding=(1, 0)),
    "large_kernel": dict(N=2, C=3, H=3, W=4, maps=2, kh=5, kw=6, stride=1, padding=2),  # larger than the image
}


def layer_named(rng, name):
    """(x, weight, bias), stride and padding of one of LAYERS."""
    sizes = dict(LAYERS[name])
    stride, padding = sizes.pop("stride"), sizes.pop("padding")
    return layer(rng, **sizes), stride, padding


@part("forward")
@points(12, per_case=True)
@pytest.mark.parametrize("name", LAYERS)
def test_forward_layers(student, reference, rng, name):
    """Layers of many sizes."""
    arrays, stride, padding = layer_named(rng, name)
    arguments = (*arrays, stride, padding)
    assert_close(student.conv2d_forward(*arguments), reference.conv2d_forward(*arguments), names=OUT)


@part("forward")
@pytest.mark.parametrize("padding", [0, (2, 1)])
def test_forward_without_bias(student, reference, rng, padding):
    """No bias."""
    x, weight, _ = layer(rng, H=6, W=4)
    assert_close(
        student.conv2d_forward(x, weight, stride=(1, 2), padding=padding),
        reference.conv2d_forward(x, weight, stride=(1, 2), padding=padding),
        names=OUT,
    )


@part("forward")
def test_forward_bright_image(student, reference, rng):
    """A bright image and kernels of sum 0."""
    x, weight, bias = layer(rng, H=7, W=5)
    weight = weight - weight.mean(axis=(1, 2, 3), keepdims=True)
    assert_close(
        student.conv2d_forward(1e6 + x, weight, bias),
        reference.conv2d_forward(1e6 + x, weight, bias),
        names=OUT,
        rtol=1e-8,
        why="the bright part cancels in the sum: 1e6 leaves ten of the sixteen digits",
    )


@part("forward")
@pytest.mark.parametrize(
    "of_x, of_weight, of_bias",
    [("float32", "float32", "float32"), ("float32", "float64", "float32"), ("float64", "float32", "float32"), ("int64", "int64", "int64")],
)
def test_forward_dtypes(student, reference, rng, of_x, of_weight, of_bias):
    """Arrays of equal and of different dtypes."""
    x, weight, bias = (3 * array for array in layer(rng, N=3, C=3))
    arguments = (x.astype(of_x), weight.astype(of_weight), bias.astype(of_bias), (2, 1), (0, 1))
    assert_close(student.conv2d_forward(*arguments), reference.conv2d_forward(*arguments), names=OUT)


@part("forward")
@secondary
def test_forward_no_images(student, reference, rng):
    """An empty batch."""
    arguments = (*layer(rng, N=0), 2, 1)
    assert_close(student.conv2d_forward(*arguments), reference.conv2d_forward(*arguments), names=OUT)


@part("forward")
@secondary
def test_forward_keeps_arguments(student, rng):
    """Arguments stay as they were."""
    assert_unchanged(student.conv2d_forward, *layer(rng), (2, 1), (1, 2))


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


@part("backward")
@points(12, per_case=True)
@pytest.mark.parametrize("name", LAYERS)
def test_backward_layers(student, reference, rng, name):
    """Layers of many sizes."""
    (x, weight, _), stride, padding = layer_named(rng, name)
    arguments = (upstream(rng, reference, x, weight, stride, padding), x, weight, stride, padding)
    assert_close(student.conv2d_backward(*arguments), reference.conv2d_backward(*arguments), names=GRADIENTS)


@part("backward")
@points(2)
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_backward_dtype(student, reference, rng, dtype):
    """Results have the dtype that the arguments ask for."""
    x, weight, _ = layer(rng, C=3)
    dout = upstream(rng, reference, x, weight)
    arguments = [(3 * array).astype(dtype) for array in (dout, x, weight)]
    assert_close(student.conv2d_backward(*arguments), reference.conv2d_backward(*arguments), names=GRADIENTS)


@part("backward")
@points(1)
def test_backward_bright_image(student, reference, rng):
    """A bright image and a dout whose maps have sum 0."""
    x, weight, _ = layer(rng, H=7, W=5)
    dout = upstream(rng, reference, x, weight)
    dout = dout - dout.mean(axis=(0, 2, 3), keepdims=True)
    expected = reference.conv2d_backward(dout, 1e6 + x, weight)[:2]
    dx, dweight, _ = student.conv2d_backward(dout, 1e6 + x, weight)
    assert_close(
        (dx, dweight),
        expected,
        names=GRADIENTS[:2],
        rtol=1e-8,
        why="the bright part cancels in the sum: 1e6 leaves ten of the sixteen digits",
    )


@part("backward")
@secondary
def test_backward_no_images(student, reference, rng):
    """An empty batch."""
    x, weight, _ = layer(rng, N=0)
    dout = upstream(rng, reference, x, weight)
    assert_close(
        student.conv2d_backward(dout, x, weight),
        reference.conv2d_backward(dout, x, weight),
        names=GRADIENTS,
        atol=1e-12,
    )


@part("backward")
@secondary
def test_backward_keeps_arguments(student, reference, rng):
    """Arguments stay as they were."""
    x, weight, _ = layer(rng)
    dout = upstream(rng, reference, x, weight, (2, 1), (1, 2))
    assert_unchanged(student.conv2d_backward, dout, x, weight, (2, 1), (1, 2))


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


@part("checks")
@secondary
@pytest.mark.parametrize(
    "naming, size, kernel_size, stride, padding",
    [
        ("size", 6.0, 3, 1, 0),
        ("size", -1, 3, 1, 2),
        ("kernel_size", 6, 2.0, 1, 0),
        ("kernel_size", 6, 0, 1, 0),
        ("stride", 6, 3, 1.5, 0),
        ("stride", 6, 3, -1, 0),
        ("padding", 6, 3, 1, 0.5),
    ],
)
def test_output_size_refuses_more(student, naming, size, kernel_size, stride, padding):
    """More bad sizes."""
    assert_raises(student.conv2d_output_size, size, kernel_size, stride, padding, naming=naming)


@part("checks")
@secondary
@pytest.mark.parametrize(
    "naming, shapes, stride, padding",
    [
        ("x", ((3, 5, 6), (2, 3, 3, 2), (2,)), 1, 0),
        ("x", ((2, 3, 5), (2, 3, 3, 2), (2,)), 1, 0),
        ("weight", ((2, 3, 5, 6), (3, 3, 2), (3,)), 1, 0),
        ("bias", ((2, 3, 5, 6), (2, 3, 3, 2), (3,)), 1, 0),
        ("bias", ((2, 3, 5, 6), (2, 3, 3, 2), (2, 1)), 1, 0),
        ("stride", ((2, 3, 5, 6), (2, 3, 3, 2), (2,)), (1, 0), 0),
        ("padding", ((2, 3, 5, 6), (2, 3, 3, 2), (2,)), 1, (-1, 1)),
        ("kernel_size", ((2, 3, 5, 6), (2, 3, 3, 9), (2,)), 1, (4, 1)),
        ("kernel_size", ((2, 3, 5, 6), (2, 3, 8, 3), (2,)), 1, (1, 4)),
    ],
)
def test_forward_refuses(student, rng, naming, shapes, stride, padding):
    """More bad arguments of the forward function."""
    x, weight, bias = (rng.standard_normal(shape) for shape in shapes)
    assert_raises(student.conv2d_forward, x, weight, bias, stride, padding, naming=naming)


@part("checks")
@secondary
@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 3, 3, 4), (1, 3, 3, 5), (2, 1, 3, 5)])
def test_backward_refuses(student, rng, shape):
    """A gradient that does not have the shape of the output."""
    x, weight, _ = layer(rng)
    assert_raises(student.conv2d_backward, rng.standard_normal(shape), x, weight, naming="dout")


# ---- questions and speed


@part("questions")
@points(5, per_case=True)
@pytest.mark.parametrize("question", ["Q1", "Q2", "Q3", "Q4", "Q5"])
def test_question(student, reference, question):
    """Answers to the questions."""
    assert_close(student.value(question), reference.value(question), names=question)


# Times of the reference, transport included: a loop over the 256 output positions takes 2 to 9 of them, one over images
# and positions 5 to 11, one over images, maps and positions 50 to 60, seven loops 170 to 300.
SPEED = dict(N=2, C=4, H=16, W=16, maps=16, kh=3, kw=3)


@part("speed")
def test_forward_speed(student, reference, rng):
    """The layer forward on a small batch."""
    assert_speed(student.conv2d_forward, reference.conv2d_forward, lambda: (*layer(rng, **SPEED), 1, 1), at_most=25.0)


@part("speed")
def test_backward_speed(student, reference, rng):
    """The gradients on a small batch."""

    def arguments():
        x, weight, _ = layer(rng, **SPEED)
        return rng.standard_normal((SPEED["N"], SPEED["maps"], SPEED["H"], SPEED["W"])), x, weight, 1, 1

    assert_speed(student.conv2d_backward, reference.conv2d_backward, arguments, at_most=25.0)
