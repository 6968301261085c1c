"""`results.json` of Gradescope's autograder: every field that a report can fill.

A hidden test shows title, points and the kind of what is wrong (the report is one for students already); when it shows
is the assignment's `hidden`. Without a setting it is `visible`: one `hidden` test would hide the student's total.
"""

from __future__ import annotations

import json
from typing import Any

from grader.record.report import Report, TestReport, Verdict
from grader.render import words
from grader.render.terminal import to_terminal
from grader.render.text import Style

PAGE = Style(width=88)
LONGEST = 20_000
STAFF = "hidden"  # who sees what the autograder itself prints


def to_gradescope(report: Report, hidden: str = "visible", execution_time: float | None = None) -> str:
    """The JSON text; `report` is one for students. Points and maximum are those of the tests that ran."""
    numbers = _numbers(report)
    return _json({
        "score": report.score,
        "execution_time": round(sum(t.duration_s for t in report.tests) if execution_time is None else execution_time, 3),
        "output": to_terminal(report, PAGE)[:LONGEST],
        "output_format": "text", "test_output_format": "text", "test_name_format": "text",
        "visibility": "visible", "stdout_visibility": STAFF,
        "tests": [_test(report, test, numbers[test.id], hidden) for test in report.tests],
        "extra_data": {"schema": report.schema, "version": report.tool.version, "assignment": report.assignment.slug,
                       "digest": report.assignment.digest, "sha256": report.submission.sha256, "file": report.submission.file,
                       "attempt": report.submission.attempt, "verdict": report.verdict.value, "max_score": report.max_score,
                       "sandbox": report.sandbox.level, "diagnoses": [list(d.mistakes) for d in report.diagnoses]},
    })


def without_report(output: str, extra: dict[str, Any] | None = None) -> str:
    """No points and a reason: before the marking is done, or when there is nothing that can be marked."""
    return _json({"score": 0.0, "output": output, "output_format": "text", "visibility": "visible", "stdout_visibility": STAFF,
                  "tests": [], "extra_data": extra or {}})


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=True, allow_nan=False, indent=1)


def _numbers(report: Report) -> dict[str, str]:
    """`2.3`: the third test of the second part."""
    parts = [part.name for part in report.parts]
    found: dict[str, str] = {}
    for test in report.tests:
        place = parts.index(test.part) + 1 if test.part in parts else len(parts) + 1
        found[test.id] = f"{place}.{sum(number.startswith(f'{place}.') for number in found.values()) + 1}"
    return found


def _test(report: Report, test: TestReport, number: str, hidden: str) -> dict[str, Any]:
    kind = test.finding.kind.value if test.finding is not None else None
    return {
        "score": test.score, "max_score": test.max_score, "status": "passed" if test.verdict is Verdict.PASSED else "failed",
        "name": test.title, "name_format": "text", "number": number, "output": "\n".join(_lines(report, test))[:LONGEST],
        "output_format": "text", "tags": [test.part, test.verdict.value],
        "visibility": "visible" if test.visibility == "public" else hidden,
        "extra_data": {"id": test.id, "verdict": test.verdict.value, "kind": kind},
    }


def _lines(report: Report, test: TestReport) -> list[str]:
    """What a student reads under the test."""
    if test.verdict is Verdict.PASSED:
        return []
    if test.visibility == "hidden":
        return [words.sentence(test.finding.message if test.finding else test.verdict.value.replace("_", " "))]
    lines = [words.WITHOUT_FINDING.get(test.verdict, test.verdict.value.replace("_", " ")) if test.finding is None else words.gap(test.finding)]
    if test.finding is not None:
        raised, line, case = test.finding.exception, test.finding.line, test.finding.case
        lines += [f"{line.file}:{line.line}  {line.text.strip()}"] if line else []
        lines += [f"{raised.type}: {raised.message}"] if raised else []
        lines += [f"Small case: {case.arguments}", f"  yours     {case.actual}", f"  expected  {case.expected}"] if case else []
    lines += [words.diagnosis(found) for found in report.diagnoses if test.id in found.tests]
    return [_plain(line) for line in lines if line]


def _plain(line: str) -> str:
    """Student text without control characters."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
