"""The reference of grad-clip agrees with torch, exact decimal arithmetic, its handout and the laws of clipping."""

from decimal import Decimal, localcontext
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm

from tests.certification.loading import SOLUTIONS, reference

clip = reference("grad-clip")
HANDOUT = (SOLUTIONS / "grad-clip" / "README.md").read_text()
RTOL = 1e-9

EDGES = {
    "one array": ((3, 4),),
    "one number": ((1,),),
    "a number without axes": ((), (2,)),
    "an empty array": ((0,), (3, 2), (2, 0, 4)),
    "equal shapes": ((2, 2), (2, 2)),
    "five axes": ((2, 1, 3, 1, 2), (4,)),
}
RANDOM = {}
for seed in range(20):
    rng = np.random.default_rng(seed)
    RANDOM[f"seed {seed}"] = tuple(
        tuple(rng.integers(1, 5, rng.integers(1, 5)).tolist()) for _ in range(rng.integers(1, 6))
    )
NETWORKS = EDGES | RANDOM

networks = pytest.mark.parametrize("shapes", NETWORKS.values(), ids=NETWORKS)
norm_types = pytest.mark.parametrize("norm_type", [1.0, 1.5, 2, 3.0, 50.0, np.inf])
MAX_NORMS = (1e-3, 0.9, 2.0, 1e3)


def gradients(shapes, scale=1.0):
    rng = np.random.default_rng(len(shapes))
    return [np.array(scale * rng.standard_normal(shape)) for shape in shapes]


def joint(arrays):
    return np.concatenate([[0.0], *(array.ravel() for array in arrays)])


def parameters(grads):
    """torch's parameters, each with its gradient."""
    made = [torch.nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64)) for grad in grads]
    for parameter, grad in zip(made, grads, strict=True):
        parameter.grad = torch.tensor(grad)
    return made


def close(actual, expected, rtol=RTOL):
    """Same number of arrays, same shapes and dtypes, and |actual - expected| <= rtol * max|expected|."""
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape and a.dtype == e.dtype
        assert np.abs(a - e).max(initial=0.0) <= rtol * np.abs(e).max(initial=0.0)


# ---- independent oracles


def has_torch_norm(grads, norm_type):
    """torch takes no maximum over nothing."""
    return norm_type != np.inf or all(grad.size for grad in grads)


@networks
@norm_types
def test_total_norm_is_torchs(shapes, norm_type):
    grads = gradients(shapes)
    _, total_norm = clip.clip_grad_norm(grads, 1.0, norm_type)
    assert type(total_norm) is float
    if has_torch_norm(grads, norm_type):
        np.testing.assert_allclose(total_norm, get_total_norm([torch.tensor(g) for g in grads], norm_type).item(), RTOL)


@networks
@norm_types
def test_clipped_arrays_are_torchs_but_for_its_epsilon(shapes, norm_type):
    grads = gradients(shapes)
    for max_norm in MAX_NORMS if has_torch_norm(grads, norm_type) else ():
        clipped, total_norm = clip.clip_grad_norm(grads, max_norm, norm_type)
        clip_grad_norm_(torchs := parameters(grads), max_norm, norm_type)
        epsilon = total_norm / (total_norm + 1e-6) if total_norm > max_norm else 1.0
        close([epsilon * array for array in clipped], [parameter.grad.numpy() for parameter in torchs])


@networks
def test_clipped_values_are_torchs(shapes):
    grads = gradients(shapes)
    for limit in (1e-3, 0.5, 1.0, 10.0):
        clip_grad_value_(torchs := parameters(grads), limit)
        close(clip.clip_grad_value(grads, limit), [parameter.grad.numpy() for parameter in torchs], rtol=0.0)


def exact_norm(arrays, norm_type):
    """The norm in decimal arithmetic, whose exponents do not overflow."""
    sizes = [abs(Decimal(float(g))) for array in arrays for g in array.flat]
    if norm_type == np.inf:
        return max(sizes)
    with localcontext() as context:
        context.prec = 40
        p = Decimal(norm_type)
        return sum(size**p for size in sizes if size) ** (1 / p)


@networks
@norm_types
def test_no_norm_overflows(shapes, norm_type):
    for scale, fraction in product((1e-300, 1e-200, 1e-4, 1e25, 1e200, 1e300), (0.5, 2.0)):
        grads = gradients(shapes, scale)
        exact = float(exact_norm(grads, norm_type))
        max_norm = fraction * exact
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            clipped, total_norm = clip.clip_grad_norm(grads, max_norm, norm_type)
        np.testing.assert_allclose(total_norm, exact, RTOL)
        np.testing.assert_allclose(float(exact_norm(clipped, norm_type)), min(exact, max_norm), RTOL)


@networks
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e37])
def test_single_precision(shapes, scale):
    grads = [np.array(grad, dtype=np.float32) for grad in gradients(shapes, scale)]
    clipped, total_norm = clip.clip_grad_norm(grads, 0.5 * scale)
    wide, wide_norm = clip.clip_grad_norm([grad.astype(np.float64) for grad in grads], 0.5 * scale)
    assert total_norm == wide_norm
    close(clipped, [np.array(array, dtype=np.float32) for array in wide], rtol=1e-6)


# ---- numbers shown to students


def test_example_of_the_handout():
    example = HANDOUT.split("## A tiny example")[1].split("\n## ")[0]
    grads = [np.array([2.0, 3.0]), np.array([[6.0]])]
    clipped, total_norm = clip.clip_grad_norm(grads, 3.5)
    assert "grads       (2, 3)       ((6))" in example and "max_norm = 3.5" in example
    assert f"sqrt(4 + 9 + 36) = {total_norm:g}" in example and (4 + 9 + 36) ** 0.5 == total_norm
    assert f"factor      3.5 / {total_norm:g} = {3.5 / total_norm:g}" in example
    (x, y), ((z,),) = clipped
    assert f"clipped     ({x:g}, {y:g})     (({z:g}))           norm {np.linalg.norm([x, y, z]):g}," in example

    alone = [clip.clip_grad_norm([grad], 3.5) for grad in grads]
    words = " ".join(example.split())
    assert f"would come out as (({alone[1][0][0].item():g}))" in words
    assert f"of norm {alone[0][1]:.1f}, would shrink by a factor of {3.5 / alone[0][1]:.2f} only" in words
    norm_1, norm_inf = (clip.clip_grad_norm(grads, 3.5, p)[1] for p in (1, np.inf))
    assert f"With p = 1 total_norm is {norm_1:g}, with p infinite it is {norm_inf:g}." in words
    (x, y), ((z,),) = clip.clip_grad_value(grads, 2.5)
    assert f"limit = 2.5 gives ({x:g}, {y:g}) and (({z:g}))" in words


def three_lines(g, threshold):
    """The code whose effect `squared_norm_outcome` predicts."""
    s = np.sum(g * g)
    if s > threshold:
        g = g * (threshold / s)
    return g


def test_case_of_the_handout():
    words = " ".join(HANDOUT.split())
    for norm, threshold in ((7.0, 3.5), (5.0, 10.0)):
        outcome = clip.squared_norm_outcome(norm, threshold)
        assert f"one of norm {norm:g} with threshold {threshold:g} (it comes out with norm {outcome:g})" in words


def test_numbers_of_the_case():
    assert clip.squared_norm_outcome(10.0, 0.5) == pytest.approx(0.05, rel=1e-12)
    assert clip.squared_norm_outcome(0.8, 0.5) == pytest.approx(0.625, rel=1e-12)  # above the threshold
    assert clip.squared_norm_outcome(0.6, 0.5) == 0.6  # above it, and not even touched


@pytest.mark.parametrize("seed", range(50))
def test_outcome_is_what_the_three_lines_do(seed):
    rng = np.random.default_rng(seed)
    g, threshold = rng.lognormal() * rng.standard_normal(5), float(rng.lognormal())
    outcome = clip.squared_norm_outcome(float(np.linalg.norm(g)), threshold)
    assert type(outcome) is float
    np.testing.assert_allclose(outcome, np.linalg.norm(three_lines(g, threshold)), RTOL)


def test_answers():
    norms = np.linspace(0.001, 20.0, 200_000)
    assert max(clip.squared_norm_outcome(norm, 0.25) for norm in norms) == pytest.approx(clip.Q1, rel=1e-3)

    small, large = clip.squared_norm_outcome(30.0, 2.0), clip.squared_norm_outcome(3000.0, 2.0)
    assert clip.Q2 == pytest.approx(large / small, rel=1e-12)

    g = np.array([1.5, 2.0])  # norm 2.5
    s, threshold = np.sum(g * g), 4.0
    assert s > threshold and clip.Q3 == pytest.approx(np.linalg.norm(threshold / np.sqrt(s) * g), rel=1e-12)

    many = [clip.clip_grad_norm([10.0 + grad], 3.0)[0][0] for grad in gradients(((4, 5),) * 100)]
    assert clip.Q4 == pytest.approx(np.linalg.norm(joint(many)), rel=1e-12)

    assert np.finfo(np.float16).max == 65504 and clip.Q5 == pytest.approx(65504**0.5, rel=1e-3)
    with np.errstate(over="ignore"):
        assert np.isfinite(np.float16(clip.Q5) ** 2) and np.isinf(np.float16(clip.Q5 + 0.5) ** 2)


# ---- laws of clipping


@networks
@norm_types
def test_norm_direction_and_repetition(shapes, norm_type):
    grads = gradients(shapes)
    for max_norm in MAX_NORMS:
        clipped, total_norm = clip.clip_grad_norm(grads, max_norm, norm_type)
        factor = min(1.0, max_norm / total_norm)
        close(clipped, [np.array(factor * grad) for grad in grads])
        again, norm_after = clip.clip_grad_norm(clipped, max_norm, norm_type)
        np.testing.assert_allclose(norm_after, min(total_norm, max_norm), RTOL)
        close(again, clipped)


@networks
@norm_types
def test_pieces_order_and_size_do_not_matter(shapes, norm_type):
    grads = gradients(shapes)
    _, total_norm = clip.clip_grad_norm(grads, 1.0, norm_type)
    max_norm = 0.4 * total_norm
    clipped, _ = clip.clip_grad_norm(grads, max_norm, norm_type)

    backwards, _ = clip.clip_grad_norm(grads[::-1], max_norm, norm_type)
    close(backwards[::-1], clipped)
    cuts = [0, 1, joint(grads).size // 2, joint(grads).size]
    pieces, _ = clip.clip_grad_norm([joint(grads)[a:b] for a, b in pairwise(sorted(cuts))], max_norm, norm_type)
    close([joint(pieces)[1:]], [joint(clipped)])
    larger, larger_norm = clip.clip_grad_norm([np.array(8.0 * grad) for grad in grads], max_norm, norm_type)
    close(larger, clipped)
    np.testing.assert_allclose(larger_norm, 8.0 * total_norm, RTOL)


@networks
def test_within_the_threshold_nothing_happens(shapes):
    grads = gradients(shapes)
    _, total_norm = clip.clip_grad_norm(grads, 1.0)
    for max_norm in (total_norm, 1.5 * total_norm):
        close(clip.clip_grad_norm(grads, max_norm)[0], grads, rtol=0.0)
    close(clip.clip_grad_value(grads, np.abs(joint(grads)).max()), grads, rtol=0.0)


@norm_types
def test_zeros_and_nothing(norm_type):
    zeros = [np.zeros((2, 3)), np.zeros(0), np.zeros(4, dtype=np.float32)]
    with np.errstate(all="raise"):
        clipped, total_norm = clip.clip_grad_norm(zeros, 0.5, norm_type)
        assert clip.clip_grad_norm([], 0.5, norm_type) == ([], 0.0)
        assert clip.clip_grad_norm([np.zeros((0, 3))], 0.5, norm_type)[1] == 0.0
    assert total_norm == 0.0
    close(clipped, zeros)
    assert clip.clip_grad_value([], 0.5) == []


# ---- dtypes, purity, errors


@pytest.mark.parametrize("max_norm", [0.5, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_dtypes(dtype, max_norm):
    expected = dtype if dtype == "float32" else "float64"
    grads = [np.array([[3, 0, 7], [1, 9, 2]]).astype(dtype), np.array([2.5, -1.5])]
    for clipped in (clip.clip_grad_norm(grads, max_norm)[0], clip.clip_grad_value(grads, max_norm)):
        assert [array.dtype for array in clipped] == [expected, "float64"]
    wide = [grad.astype(np.float64) for grad in grads]
    for array, exact in zip(
        clip.clip_grad_norm(grads, max_norm)[0], clip.clip_grad_norm(wide, max_norm)[0], strict=True
    ):
        np.testing.assert_allclose(array, exact, 1e-6)
    for array, exact in zip(clip.clip_grad_value(grads, max_norm), clip.clip_grad_value(wide, max_norm), strict=True):
        np.testing.assert_allclose(array, exact, 1e-6)


@networks
@pytest.mark.parametrize("container", [list, tuple])
def test_arguments_are_kept_and_results_are_new(shapes, container):
    for size in (0.1, 1e3):
        grads = container(gradients(shapes))
        clipped = clip.clip_grad_norm(grads, size)[0], clip.clip_grad_value(grads, size)
        close(grads, gradients(shapes), rtol=0.0)
        for results in clipped:
            assert type(results) is list and all(type(result) is np.ndarray for result in results)
            assert not any(np.may_share_memory(result, grad) for result in results for grad in grads)


BAD_GRADS = {
    "an array": np.ones((2, 3)),
    "None": None,
    "a list of lists": [[1.0, 2.0]],
    "a list with None": [np.ones(2), None],
    "complex": [np.ones(2, dtype=complex)],
    "objects": [np.array([1.0, None])],
    "nan": [np.ones(2), np.array([1.0, np.nan])],
    "inf": [np.array([[np.inf]])],
    "-inf in float32": [np.array([-np.inf], dtype=np.float32)],
}


@pytest.mark.parametrize("grads", BAD_GRADS.values(), ids=BAD_GRADS)
@pytest.mark.parametrize("function", [clip.clip_grad_norm, clip.clip_grad_value])
def test_bad_grads(function, grads):
    with pytest.raises(ValueError, match=r"^grads\b"):
        function(grads, 1.0)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["max_norm", "norm_type", "limit", "norm", "threshold"])
def test_bad_numbers(name, value):
    grads = [np.ones(3)]
    call = {
        "max_norm": lambda: clip.clip_grad_norm(grads, value),
        "norm_type": lambda: clip.clip_grad_norm(grads, 1.0, value),
        "limit": lambda: clip.clip_grad_value(grads, value),
        "norm": lambda: clip.squared_norm_outcome(value, 1.0),
        "threshold": lambda: clip.squared_norm_outcome(1.0, value),
    }[name]
    if (name, value) == ("norm_type", np.inf):
        assert call()[1] == 1.0
    else:
        with pytest.raises(ValueError, match=rf"^{name}\b"):
            call()
