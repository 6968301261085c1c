"""The demonstration of linear-ae, as a student runs it: beside the finished file, an empty one, a half done one."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from grader.source.strip import stub
from tests.certification.loading import SOLUTIONS, reference

FOLDER = SOLUTIONS / "linear-ae"
SOURCE = (FOLDER / "linear_ae.py").read_text(encoding="utf-8")
STUB = stub(SOURCE, "linear_ae.py")


def show(folder, source, *options, encoding="utf-8"):
    """What `python demo_linear_ae.py` prints beside a file `linear_ae.py` with this source."""
    for name in ("demo_linear_ae.py", "digits.npz"):
        shutil.copy(FOLDER / name, folder)
    (folder / "linear_ae.py").write_text(source, encoding="utf-8")
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(folder / "demo_linear_ae.py"), *options]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding=encoding, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize("options", [(), ("--ascii",)])
def test_it_draws_digits_and_angles(tmp_path, options):
    page = show(tmp_path, SOURCE, *options)
    assert page == show(tmp_path, SOURCE, *options)
    assert max(map(len, page.splitlines())) <= 80
    assert page.isascii() == bool(options)
    assert ("#" if options else "█") in page
    assert "This part" not in page


def test_its_numbers_are_those_of_the_digits(tmp_path):
    page = show(tmp_path, SOURCE)
    X = np.load(FOLDER / "digits.npz")["images"].reshape(500, 64) / 16
    variances = np.linalg.eigvalsh(np.cov(X.T, bias=True))[::-1]
    for k in (2, 8, 32):
        assert f"k = {k}: {variances[:k].sum() / variances.sum():.0%} of the variance" in page
    losses = [float(number) for number in re.findall(r"^ *\d+  .*?(\d+\.\d{6})$", page, re.MULTILINE)]
    assert len(losses) == 7 and losses == sorted(losses, reverse=True) and losses[-1] == 1.0
    assert float(re.search(r"ended at (\d+\.\d+)", page)[1]) < 0.01
    assert float(re.search(r"direction is (\d+\.\d+)", page)[1]) < 0.5  # the point: W is not the components


def test_a_digit_is_drawn_as_it_was_written(tmp_path):
    digits = np.load(FOLDER / "digits.npz")
    zero = digits["images"][np.flatnonzero(digits["labels"] == 0)[0]]
    drawn = show(tmp_path, SOURCE, "--ascii").split("original\n")[1].splitlines()[:8]
    expected = [" .:*#"[round(pixel / 4)] for pixel in zero.ravel()]
    assert [row.ljust(16)[:16:2] for row in drawn] == ["".join(expected[i : i + 8]) for i in range(0, 64, 8)]


def test_bars_show_the_angle():
    sys.modules["linear_ae"] = reference("linear-ae")
    try:
        demo = load_demo()
    finally:
        del sys.modules["linear_ae"]
    assert demo.bar(90, "blocks") == "█" * 9 and demo.bar(90, "ascii") == "#" * 9
    assert demo.bar(45, "blocks") == "████▌"
    assert demo.bar(0.06, "blocks") == "▏" and demo.bar(0.06, "ascii") == "#"
    assert demo.bar(0.04, "blocks") == demo.bar(0.0, "ascii") == "."


def load_demo():
    import importlib.util

    spec = importlib.util.spec_from_file_location("demo_linear_ae", FOLDER / "demo_linear_ae.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_terminal_without_blocks_gets_plain_characters(tmp_path):
    assert show(tmp_path, SOURCE, encoding="ascii") == show(tmp_path, SOURCE, "--ascii")


def test_nothing_written_yet(tmp_path):
    page = show(tmp_path, STUB)
    assert page.count("This part needs `pca`, which is not written yet.") == 2
    assert "Traceback" not in page


def test_half_done(tmp_path):
    """PCA is there, the autoencoder is not: the digits are drawn, the rest says what it waits for."""
    ready = SOURCE.split("# The autoencoder ---")[0] + "# The autoencoder ---" + STUB.split("# The autoencoder ---")[1]
    page = show(tmp_path, ready)
    assert "k = 32: 97% of the variance" in page
    assert page.count("This part needs") == 1 and "`train_linear_ae`" in page


@pytest.mark.parametrize("wrong", ["return None", "return 1, 2, 3", "raise RuntimeError('why?')"])
def test_a_wrong_function_ends_in_words(tmp_path, wrong):
    page = show(tmp_path, SOURCE.replace("    mean = X.mean(axis=0)\n", f"    {wrong}\n"))
    assert page.count("This part stopped: ") == 2 and "`grade linear-ae` says more" in page


def test_the_digits_are_small_and_say_where_they_come_from():
    assert (FOLDER / "digits.npz").stat().st_size < 60_000
    with np.load(FOLDER / "digits.npz", allow_pickle=False) as digits:
        images, labels = digits["images"], digits["labels"]
    assert images.shape == (500, 8, 8) and images.dtype == np.uint8 and images.max() == 16
    assert labels.shape == (500,) and labels.dtype == np.uint8 and set(labels) == set(range(10))
    note = (FOLDER / "digits.txt").read_text(encoding="utf-8")
    for words in ("Alpaydin", "Kaynak", "10.24432/C50P49", "creativecommons.org/licenses/by/4.0", "Changes"):
        assert words in note
