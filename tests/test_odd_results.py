"""Right solutions whose results come back in odd forms: every exercise judges them, none is rejected by a fault of ours.

The forms are numpy's other dtypes and classes, numbers at the ends of their range, and values that are no arrays.
"""

import json

import pytest

from grader.check import Options, mark_all
from grader.course.course import find_course, load_course
from grader.course.material import load
from grader.diagnosis.learning import functions_of
from grader.record.audience import for_students
from grader.render.html import to_html
from grader.render.json import to_json
from grader.render.terminal import Style, to_terminal
from grader.source.submission import submission_from_bytes
from tests.benchmarks.ten_tests import ROOT

pytestmark = pytest.mark.slow
COURSE = load_course(find_course(ROOT))

FORM = """

import numpy as _np


def _in_form(of, result):
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result)(*[_in_form(of, r) for r in result])
    if isinstance(result, (tuple, list)):
        return type(result)(_in_form(of, r) for r in result)
    if isinstance(result, dict):
        return {k: _in_form(of, r) for k, r in result.items()}
    return of(_np.asarray(result)) if isinstance(result, (_np.ndarray, float, int, _np.generic)) and not isinstance(result, bool) else result
"""
SAME_NUMBERS = {  # and yet not what is asked for, or another class of the same
    "float16": "a.astype(_np.float16)", "longdouble": "a.astype(_np.longdouble)", "object": "a.astype(object)", "text": "a.astype(str)", "list": "a.tolist()",
    "matrix": "_np.matrix(a) if a.ndim <= 2 else a", "masked": "_np.ma.masked_array(a)", "complex": "a + 0j", "one more axis": "a[None]"}
OTHER_NUMBERS = {
    "huge": "a * 1e308 * 10", "denormal": "_np.full(a.shape, 4.566468536721193e-309)", "nan": "_np.full(a.shape, _np.nan)", "inf": "_np.full(a.shape, -_np.inf)",
    "some inf": "_np.where(_np.arange(a.size).reshape(a.shape) % 2, _np.inf, a + 1)", "bool": "a > 0", "uint8": "_np.nan_to_num(a + 1).astype(_np.uint8)",
    "sum": "_np.asarray(a.sum() + 1)", "nothing": "_np.zeros(0)", "None": "None", "str": "str(a)", "dates": "_np.zeros(a.shape, 'M8[s]')", "big integer": "10**400",
    "structured": "_np.zeros(a.shape, [('x', float)])", "repeated": "_np.broadcast_to(_np.float64(0.123), a.shape)"}


def odd(slug, source, functions, form):
    wrapped = "".join(f"\n\n_{f} = {f}\n\n\ndef {f}(*args, **kwargs):\n    return _in_form(lambda a: {form}, _{f}(*args, **kwargs))\n" for f in functions)
    return submission_from_bytes((source + FORM + wrapped).encode(), file=f"{slug}.py", kind="py", name="odd")


@pytest.mark.parametrize("slug", COURSE.slugs)
def test_results_in_odd_forms_are_judged(slug):
    exercise = load(COURSE, slug)
    source, reports = exercise.reference.pieces[0].text, []
    mark_all(exercise, [exercise.reference], Options(), reports.append)
    functions = sorted(f for f in functions_of(exercise.recorded()) if f.isidentifier())
    names, submissions = [], []
    for name, form in (SAME_NUMBERS | OTHER_NUMBERS).items():
        for group in (functions, *([f] for f in functions if name in ("huge", "denormal", "bool"))):
            names.append(name)
            submissions.append(odd(slug, source, group, form))
    reports.clear()
    mark_all(exercise, submissions, Options(), reports.append)
    assert len(reports) == len(submissions)
    for name, report in zip(names, reports, strict=True):
        unjudged = [(test.id, test.finding) for test in report.tests if test.verdict == "ungraded"]
        assert not unjudged, (name, unjudged[0])
        if name in OTHER_NUMBERS:
            assert report.verdict != "passed", name
        shown = for_students(report)
        assert json.loads(to_json(shown))["score"] == report.score and to_terminal(shown, Style(), "") and to_html(shown)
