"""Generic mutants: what they are, and that the tests of the six exercises notice them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.audit.mutants import mutants
from tests import toy

ROOT = Path(__file__).resolve().parents[1]
SLUGS = ["conv2d", "maxpool", "bptt", "grad-clip", "lstm", "linear-ae"]
REFERENCE = '''import numpy as np


def scaled(x, factor, shift=None):
    """factor x + shift, and the largest of it."""
    # BEGIN SOLUTION
    if factor <= 0:
        raise ValueError(f"factor must be above {0 + 0}, got {factor - 0}")
    y = factor * x
    y = y if shift is None else y + shift
    y -= x[:, 1:].max(axis=1)
    return y, -y.T
    # END SOLUTION


def given(x):
    return x - 1


# BEGIN SOLUTION
Q1 = 7
# END SOLUTION
'''
REGIONS = [(6, 12), (20, 22)]


def kills(root: Path, *slugs: str) -> tuple[list[dict], int]:
    """What `grade audit --mutants` says as JSON, one line an exercise, and its exit code."""
    done = subprocess.run([sys.executable, "-m", "grader", "audit", *slugs, "--mutants", "--format", "json"], cwd=root, capture_output=True, text=True,
                          env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, timeout=1800)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_mutants_change_one_thing_each_in_what_students_write():
    made = mutants(REFERENCE, REGIONS)
    assert made == mutants(REFERENCE, REGIONS)  # the same ones every time
    assert len({m.source for m in made}) == len(made) and all(any(a <= m.line <= b for a, b in REGIONS) for m in made)
    changes = {m.difference for m in made}
    assert {"- y = factor * x / + y = factor / x", "- if factor <= 0: / + if factor < 0:", "- if factor <= 0: / + if not factor <= 0:",
            "- y = factor * x / + y = factor * factor", "- y = factor * x / + y = -(factor * x)", "- return (y, -y.T) / + return (-y.T, y)",
            "- return (y, -y.T) / + return (y, -y)", "- y -= x[:, 1:].max(axis=1) / + pass", "- y -= x[:, 1:].max(axis=1) / + y = x[:, 1:].max(axis=1)",
            "- y -= x[:, 1:].max(axis=1) / + y -= x[:, :].max(axis=1)", "- y -= x[:, 1:].max(axis=1) / + y -= x[:, 1:].max()",
            "- y -= x[:, 1:].max(axis=1) / + y -= x[:, 1:].max(axis=0)", "- y -= x[:, 1:].max(axis=1) / + y -= x[:, 1:].min(axis=1)",
            "- y = y if shift is None else y + shift / + y = y if shift is not None else y + shift", "- Q1 = 7 / + Q1 = 8"} <= changes


def test_the_text_of_an_error_is_left_alone():
    assert not [m for m in mutants(REFERENCE, REGIONS) if "got {factor + 0}" in m.source or "got {x" in m.source]


def test_few_mutants_are_of_every_kind():
    everything = mutants(REFERENCE, REGIONS)
    few = mutants(REFERENCE, REGIONS, most=40)
    assert len(few) == 40 and {m.kind for m in few} == {m.kind for m in everything} and {m.source for m in few} <= {m.source for m in everything}


def test_survivors_are_told_from_equivalent_mutants(tmp_path):
    """The toy's tests never pass an offset and rarely reach the limit: more inputs tell the one from the others."""
    reference = """
def total(x, offset=0.0):
    # BEGIN SOLUTION
    return min(sum(sorted(x)), 5.0) + offset
    # END SOLUTION
"""
    tests = """
from grader.testing import assert_close, part, public

@part("total")
@public
def test_total(student, reference):
    \"\"\"By hand.\"\"\"
    assert_close(student.total([3.0, 1.0]), reference.total([3.0, 1.0]))

@part("total")
def test_more(student, reference, rng):
    \"\"\"More.\"\"\"
    for _ in range(250):
        x = list(rng.standard_normal(3))
        assert_close(student.total(x), reference.total(x))
"""
    [seen], code = kills(toy.course(tmp_path, reference=reference, tests=tests), "toy")
    survivors = {s["difference"].partition(" / + return ")[2]: s["equivalent"] for s in seen["survivors"]}
    assert survivors == {
        "min(sum(sorted(x)), 5.0) - offset": True, "min(sum(sorted(x)), 5.0)": True, "min(5.0, sum(sorted(x))) + offset": True,
        "min(sum(x), 5.0) + offset": True, "min(sum(sorted(x)), 6.0) + offset": False}
    assert seen["killed"] == seen["made"] - len(survivors) and code == 6


@pytest.mark.slow
def test_the_tests_of_the_six_exercises_notice_generic_mutants():
    """At least 98 % of those that are not equivalent, which are at most 5 % of all."""
    seen, code = kills(ROOT, *SLUGS)
    assert [k["slug"] for k in seen] == SLUGS
    for k in seen:
        print(f"{k['slug']:<10} {k['killed']} of {k['made']}, {k['equivalent']} equivalent")
        assert k["made"] >= 200 and k["rate"] >= 0.98 and k["equivalent"] <= 0.05 * k["made"], k["survivors"]
    assert code == 0
