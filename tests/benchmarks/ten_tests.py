"""Ten tests of an LSTM, as an exercise and as plain pytest; and submissions to them. Used by the benchmarks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LSTM = ROOT / "solutions" / "lstm" / "lstm.py"

TESTS = '''
import numpy as np
import pytest
{imports}


def arguments(rng, N=4, D=5, H=6):
    return (rng.standard_normal((N, D)), rng.standard_normal((N, H)), rng.standard_normal((N, H)),
            rng.standard_normal((4 * H, D)), rng.standard_normal((4 * H, H)), rng.standard_normal(4 * H))


def layer(rng, N=3, T=5, D=4, H=6):
    return (rng.standard_normal((N, T, D)), rng.standard_normal((N, H)), rng.standard_normal((N, H)),
            rng.standard_normal((4 * H, D)), rng.standard_normal((4 * H, H)), rng.standard_normal(4 * H))


{marks}
@pytest.mark.parametrize("N, D, H", [(1, 1, 1), (4, 5, 6), (7, 3, 2), (2, 8, 8)])
def test_step(student, reference, rng, N, D, H):
    """One step."""
    a = arguments(rng, N, D, H)
    assert_close(student.lstm_step_forward(*a)[:2], reference.lstm_step_forward(*a)[:2])


{marks}
@pytest.mark.parametrize("N", [2, 5])
def test_step_backward(student, reference, rng, N):
    """One step back."""
    a = arguments(rng, N)
    cache = reference.lstm_step_forward(*a)[2]
    dh, dc = rng.standard_normal((N, 6)), rng.standard_normal((N, 6))
    assert_close(student.lstm_step_backward(dh, dc, cache), reference.lstm_step_backward(dh, dc, cache))


{marks}
@pytest.mark.parametrize("T", [1, 4, 9, 12])
def test_layer(student, reference, rng, T):
    """The sequence."""
    a = layer(rng, T=T)
    assert_close(student.lstm_forward(*a)[:3], reference.lstm_forward(*a)[:3])
'''

PLAIN_CLOSE = '''
def assert_close(actual, expected):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-9)
'''

CONFTEST = '''
import importlib.util, pathlib, zlib
import numpy as np
import pytest
HERE = pathlib.Path(__file__).parent

def load(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{{name}}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

student = pytest.fixture(scope="session", name="student")(lambda: load("{student}"))
reference = pytest.fixture(scope="session", name="reference")(lambda: load("{reference}"))
rng = pytest.fixture(name="rng")(lambda request: np.random.default_rng(zlib.crc32(request.node.name.encode())))
'''


def exercise(folder: Path) -> Path:
    """The course with the ten tests; returns its root."""
    place = folder / "solutions" / "ten"
    place.mkdir(parents=True)
    (folder / "solutions" / "course.toml").write_text('title = "Ten"\nsecret = "x"\n')
    (place / "ten.py").write_text(LSTM.read_text())
    imports = "from grader.testing import assert_close, part, public"
    (place / "test_ten.py").write_text(TESTS.format(imports=imports, marks='@part("lstm")\n@public'))
    return folder


def plain(folder: Path, student: str) -> Path:
    """The same ten tests for plain pytest, student and reference in its process; returns the test file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reference_lstm.py").write_text(LSTM.read_text())
    (folder / "student_lstm.py").write_text(student)
    (folder / "conftest.py").write_text(CONFTEST.format(student="student_lstm", reference="reference_lstm"))
    file = folder / "test_ten.py"
    file.write_text(TESTS.format(imports=PLAIN_CLOSE, marks=""))
    return file


def correct() -> str:
    """A right submission: the reference without its marker comments."""
    return re.sub(r"^\s*# (BEGIN|END) SOLUTION\n", "", LSTM.read_text(), flags=re.MULTILINE)
