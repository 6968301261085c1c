"""Classes of mistakes that real students make, each in right code of another structure than the reference: the page says the cause, not only that something failed."""

from pathlib import Path
from typing import NamedTuple

import pytest

from grader.check import Options, mark_all
from grader.cli.page import style_of
from grader.course.course import find_course, load_course
from grader.course.material import load
from grader.record.audience import for_students
from grader.render.terminal import to_terminal
from grader.source.submission import submission_from_bytes

ROOT = Path(__file__).resolve().parents[1]
CONV, CONV_LOOPS = "conv2d/correct_vectorised.py", "conv2d/seven_loops.py"
RNN, LSTM = "bptt/correct_loops.py", "lstm/correct_loops.py"


class Cause(NamedTuple):
    """A right submission, where it goes wrong, and what the student must read."""

    base: str
    right: str
    wrong: str
    said: str


CAUSES = {
    "crop_pad_to_minus_pad": Cause(
        CONV, "ph:dimage.shape[1] - ph, pw:dimage.shape[2] - pw", "ph:-ph, pw:-pw",
        "Your dx is empty where the padding is 0"),
    "crop_fixed_at_one": Cause(
        CONV, "dimage[:, ph:dimage.shape[1] - ph, pw:dimage.shape[2] - pw, :]", "dimage[:, 1:-1, 1:-1, :] if max(ph, pw) else dimage",
        "You always cut one pixel off each side of dx"),
    "crop_fixed_at_one_even_without_padding": Cause(
        CONV, "ph:dimage.shape[1] - ph, pw:dimage.shape[2] - pw", "1:-1, 1:-1",
        "You always cut one pixel off each side of dx"),
    "height_used_for_width": Cause(
        CONV_LOOPS, "N, C, H, W = x.shape\n    O, C2, kh, kw", "N, C, H, W = *x.shape[:3], x.shape[2]\n    O, C2, kh, kw",
        "passes when square, fails when not square."),
    "overlap_overwritten": Cause(
        CONV, "dimage[:, rows, cols, :] += g", "dimage[:, rows, cols, :] = g",
        "In your dx a pixel that stands in several windows keeps the contribution of only one"),
    "stride_ignored": Cause(
        CONV, "_slices(u, v, Ho, Wo, sh, sw)\n            result", "_slices(u, v, Ho, Wo, 1, 1)\n            result",
        "your windows still move by one pixel at a time"),
    "size_rounded_up": Cause(
        CONV, "return 1 + free // stride", "return 1 - (-free // stride)",
        "Your output size rounds up"),
    "size_rounded_to_the_nearest": Cause(
        CONV, "return 1 + free // stride", "return 1 + int(round(free / stride))",
        "Your output size rounds to the nearest number"),
    "bias_by_sample": Cause(
        CONV_LOOPS, "total += float(bias[o])", "total += float(bias[n])",
        "You choose the bias by the number of the image"),
    "bias_once_per_channel": Cause(
        CONV_LOOPS, "total += float(bias[o])", "total += sum(float(bias[o]) for c in range(C))",
        "You add the bias once for each input channel"),
    "batch_axis_squeezed": Cause(
        CONV, "return np.ascontiguousarray(result.transpose(0, 3, 1, 2))", "return result.transpose(0, 3, 1, 2)[0] if len(x) == 1 else result.transpose(0, 3, 1, 2)",
        "For a batch of one image you return an output without the batch axis"),
    "all_axes_squeezed": Cause(
        CONV, "return np.ascontiguousarray(result.transpose(0, 3, 1, 2))", "return result.transpose(0, 3, 1, 2).squeeze()",
        "Your output loses every axis that has length 1"),
    "upstream_gradient_ignored_in_a_layer": Cause(
        CONV, "g = dout.astype(dtype)", "g = np.ones(dout.shape, dtype)",
        "Your gradients do not depend on dout"),
    "carry_missing": Cause(
        RNN, "dh[n, t, i] + from_later[n, i]", "dh[n, t, i]",
        "what flows back from the next step is thrown away"),
    "weight_gradient_overwritten": Cause(
        RNN, "dw_ih += a\n        dw_hh += c\n        db += d\n        t -= 1", "dw_ih = a\n        dw_hh = c\n        db = d\n        t -= 1",
        "The gradients of the weights and the bias are overwritten at every turn"),
    "state_before_the_first_step": Cause(
        RNN, "if t == 0:\n            h_prev = h0\n        else:\n            h_prev = h[:, t - 1]", "h_prev = h[:, t - 1]",
        "At t = 0 you read h[:, -1], which in Python is the last state, and not h_0."),
    "h0_ignored": Cause(
        RNN, "s += w_hh[i, j] * h0[n, j]", "s += 0",
        "the state h0 that it is given is never used"),
    "tanh_missing": Cause(
        RNN, "h[n, t, i] = np.tanh(s)", "h[n, t, i] = s",
        "the tanh is missing"),
    "tanh_doubled": Cause(
        RNN, "h[n, t, i] = np.tanh(s)", "h[n, t, i] = np.tanh(np.tanh(s))",
        "Your states go through tanh twice."),
    "tanh_derivative_missing": Cause(
        RNN, "dz = dh[n, i] * (1 - h_t[n, i] * h_t[n, i])", "dz = dh[n, i]",
        "Your gradient goes back through tanh as if tanh were not there."),
    "tanh_derivative_doubled": Cause(
        RNN, "dz = dh[n, i] * (1 - h_t[n, i] * h_t[n, i])", "dz = dh[n, i] * (1 - h_t[n, i] ** 2) * (1 - h_t[n, i] ** 2)",
        "You multiply by the slope of tanh twice in one step."),
    "upstream_gradient_ignored_in_a_step": Cause(
        RNN, "dz = dh[n, i] * (1 - h_t[n, i] * h_t[n, i])", "dz = 1 - h_t[n, i] ** 2",
        "You never use dh"),
    "output_tanh_missing": Cause(
        LSTM, "o[n, j] * np.tanh(c[n, j])", "o[n, j] * c[n, j]",
        "the tanh around c is missing"),
    "dc_path_missing": Cause(
        LSTM, "dcell = dc[n, j] + dh[n, j]", "dcell = dh[n, j]",
        "The gradient that arrives in dc is lost"),
    "path_through_h_missing": Cause(
        LSTM, "dcell = dc[n, j] + dh[n, j] * o * (1 - tc * tc)", "dcell = dc[n, j]",
        "The gradient that arrives at h never reaches the cell state"),
    "cache_is_none": Cause(
        LSTM, "return h, c, cache", "return h, c, None",
        "Your forward step returns None where its cache belongs"),
    "caches_are_none": Cause(
        LSTM, "return h_all, h, c, caches", "return h_all, h, c, None",
        "Your loop returns None where the list of caches belongs"),
}


@pytest.fixture(scope="module")
def pages():
    """What the students read in their terminal, by cause: one session for each exercise."""
    course, pages = load_course(find_course(ROOT)), {}
    for slug in dict.fromkeys(cause.base.partition("/")[0] for cause in CAUSES.values()):
        chosen = {name: cause for name, cause in CAUSES.items() if cause.base.startswith(slug)}
        names = iter(chosen)

        def read(report, names=names):
            page = to_terminal(for_students(report), style_of({"width": 88, "color": "never", "ascii_": False, "verbose": False}))
            pages[next(names)] = " ".join(page.split())

        mark_all(load(course, slug), [submission(name, cause) for name, cause in chosen.items()], Options(), read)
    return pages


def submission(name: str, cause: Cause):
    text = (ROOT / "tests" / "submissions" / cause.base).read_text(encoding="utf-8")
    assert text.count(cause.right) == 1, f"{name}: {text.count(cause.right)} times in {cause.base}"
    return submission_from_bytes(text.replace(cause.right, cause.wrong).encode(), file=f"{name}.py", kind="py", name=name)


@pytest.mark.parametrize("name", CAUSES)
def test_the_page_names_the_cause(pages, name):
    assert CAUSES[name].said in pages[name]
    assert pages[name].count("Diagnosis ") <= 1  # and blames nothing else
