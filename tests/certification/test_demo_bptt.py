"""The demonstration of bptt as students run it: it ends soon, the loss falls, an unfinished file is told kindly."""

import shutil
import subprocess
import sys
import time

import pytest

from grader.source.strip import stub
from tests.certification.loading import SOLUTIONS

SOURCE = SOLUTIONS / "bptt"
REFERENCE = (SOURCE / "bptt.py").read_text(encoding="utf-8")
STUB = stub(REFERENCE, "bptt.py")
BLOCKS = "▁▂▃▄▅▆▇█"


def demo(folder, text, *options):
    """What the demonstration prints beside a bptt.py with this text."""
    shutil.copy(SOURCE / "demo_bptt.py", folder)
    (folder / "bptt.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-X", "utf8", "demo_bptt.py", *options]
    result = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60)
    assert result.returncode == 0 and result.stderr == ""
    return result.stdout


def losses(page, bars):
    """(name, bars, last loss) of each line of the first picture."""
    lines = [line.rsplit(maxsplit=2) for line in page.splitlines()[1:6] if set(line[15:16]) & set(bars)]
    return [(name.strip(), curve, float(last)) for name, curve, last in lines]


def with_solutions(*names):
    """The stub, with these functions as in the reference: both have the same blocks between double blank lines."""
    blocks = zip(STUB.split("\n\n\n"), REFERENCE.split("\n\n\n"), strict=True)
    solved = tuple(f"def {name}(" for name in names)
    return "\n\n\n".join(full if full.startswith(solved) else empty for empty, full in blocks)


@pytest.mark.parametrize(("options", "bars"), [((), BLOCKS), (("--ascii",), ".:-=+*#@")])
def test_demonstration_learns_in_time(tmp_path, options, bars):
    begin = time.monotonic()
    page = demo(tmp_path, REFERENCE, *options)
    assert time.monotonic() - begin < 20
    (full, curve, last), (_, _, last_5), (short, _, last_4) = losses(page, bars)
    assert (full, short) == ("bptt", "tbptt, k = 4")
    assert curve[0] == bars[-1] and curve[-1] == bars[0]  # from guessing to nearly 0
    assert last < 0.1 and last_5 < 0.1 and last_4 > 0.5  # a window of 4 steps does not reach the answer
    assert f"{bars[0]} is 0, {bars[-1]} is 0.7" in page and "so a window must hold 5 steps" in page
    assert page.isascii() == bool(options)
    assert max(map(len, page.splitlines())) <= 100


def test_gradient_fades_and_windows_cut_it(tmp_path):
    lines = demo(tmp_path, REFERENCE).splitlines()
    rows = {line[2:28].strip(): line[28:] for line in lines if line.startswith("  ")}
    before, cut = rows["bptt, before training"], rows["tbptt, k = 4, before"]
    heights = [BLOCKS.index(bar) for bar in before.split()]
    assert len(heights) == 12 and heights == sorted(heights) and heights[0] < 2 < 5 < heights[-1]
    assert cut.split() == before.split()[-4:] and len(cut) == len(before)


@pytest.mark.parametrize(
    ("solved", "missing"),
    [((), "rnn_forward"), (("rnn_forward",), "bptt"), (("rnn_forward", "bptt"), "rnn_step_backward")],
)
def test_stub_is_told_what_is_missing(tmp_path, solved, missing):
    page = demo(tmp_path, with_solutions(*solved))
    assert page.count("\n") == 1 and f"`{missing}`" in page and "still to be written" in page


def test_empty_function_is_missing_too(tmp_path):
    page = demo(tmp_path, STUB.replace('raise NotImplementedError("TODO: rnn_forward")', "pass"))
    assert "`rnn_forward`" in page


def test_truncation_may_be_missing(tmp_path):
    page = demo(tmp_path, with_solutions("rnn_forward", "rnn_step_backward", "bptt"))
    ((name, _, last),) = losses(page, BLOCKS)
    assert name == "bptt" and last < 0.1
    assert "Write `tbptt` too" in page


def test_wrong_gradient_is_said(tmp_path):
    page = demo(tmp_path, REFERENCE.replace("dz = dh * ", "dz = -dh * "))
    assert "tells what is wrong" in page
