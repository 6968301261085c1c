"""A course of one small exercise, made for a test, and submissions to it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import msgspec

from grader.check import Options, mark_all
from grader.course.course import find_course, load_course
from grader.course.material import load
from grader.record.report import Report
from grader.source.submission import Submission, submission_from_bytes

REFERENCE = '''
import numpy as np


def double(x):
    """Twice x: x (N, D) -> (N, D)."""
    # BEGIN SOLUTION
    return 2.0 * x
    # END SOLUTION


def norm(x):
    """Euclidean norm of all entries: x (N, D) -> float."""
    # BEGIN SOLUTION
    return float(np.sqrt((x * x).sum()))
    # END SOLUTION
'''

TESTS = '''
import numpy as np
import pytest

from grader.testing import assert_close, assert_unchanged, case, chain, part, points, public, secondary


@part("double")
@public
@pytest.mark.parametrize("n", [1, 3])
def test_double(student, reference, rng, n):
    """Twice every entry."""
    x = rng.standard_normal((n, 4))
    assert_close(student.double(x), reference.double(x), names="y (N, D)")


@part("double")
@pytest.mark.parametrize("n", [2, 5])
def test_double_hidden(student, reference, rng, n):
    """Other sizes."""
    x = rng.standard_normal((n, 7))
    assert_close(student.double(x), reference.double(x), names="y (N, D)")


@part("double")
@secondary
def test_double_pure(student, rng):
    """The argument stays as it is."""
    assert_unchanged(student.double, rng.standard_normal((3, 4)))


@part("norm")
@public
def test_norm(student, reference, rng):
    """The length of all entries."""
    x = rng.standard_normal((3, 4))
    assert_close(student.norm(x), reference.norm(x), names="norm")


@part("norm")
@chain
def test_norm_of_double(student, reference, rng):
    """The norm doubles with the vector."""
    x = rng.standard_normal((3, 5))
    assert_close(student.norm(student.double(x)), reference.norm(reference.double(x)), names="norm")
'''

SETTINGS = 'title = "Toy"\n[limits]\ndeadline_s = 1.0\ncpu_s = 20\nmemory_mib = 512\n'

HONEST = "import numpy as np\ndef double(x):\n    return x + x\ndef norm(x):\n    return np.linalg.norm(x)\n"


def course(folder: Path, reference: str = REFERENCE, tests: str = TESTS, settings: str = SETTINGS, slug: str = "toy") -> Path:
    """Write an instructor's course of one exercise; returns its root."""
    place = folder / "solutions" / slug
    place.mkdir(parents=True, exist_ok=True)
    (folder / "solutions" / "course.toml").write_text(f'title = "Toys"\nsecret = "s3cret"\n[[assignments]]\nslug = "{slug}"\n')
    stem = slug.replace("-", "_")
    (place / f"{stem}.py").write_text(dedent(reference))
    (place / f"test_{stem}.py").write_text(dedent(tests))
    (place / "assignment.toml").write_text(settings)
    return folder


def submission(text: str, name: str = "student") -> Submission:
    return submission_from_bytes(dedent(text).encode(), file=f"{name}.py", kind="py", name=name)


def mark(root: Path, *texts: str, slug: str = "toy", options: Options | None = None) -> list[Report]:
    """Reports of submissions marked one after the other in one session."""
    exercise = load(load_course(find_course(root)), slug)
    reports: list[Report] = []
    submissions = [submission(t, f"s{k}") if isinstance(t, str) else t for k, t in enumerate(texts)]
    mark_all(exercise, submissions, options or Options(), reports.append)
    return reports


def timeless(report: Report) -> Report:
    """Without what differs between two equal runs: durations, and the name of the hand-in."""
    tests = tuple(msgspec.structs.replace(t, duration_s=0.0, finding=_nameless(t.finding)) for t in report.tests)
    return msgspec.structs.replace(report, tests=tests, submission=msgspec.structs.replace(report.submission, name="", file="", sha256=""))


def _nameless(finding):
    return finding if finding is None or finding.line is None else msgspec.structs.replace(finding, line=None, exception=None)
