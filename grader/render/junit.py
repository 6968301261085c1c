"""JUnit XML of reports: a suite for each exercise, a case for each test. What is wrong stands in the element's text, where CI shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from grader.record.report import Report, TestReport, Verdict
from grader.render import words

LONGEST = 4000
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(reports: Iterable[Report]) -> str:
    lines = [line for report in reports for line in _suite(report)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="grade">', *lines, "</testsuites>"])


def _suite(report: Report) -> Iterable[str]:
    kinds = [kind(test) for test in report.tests]
    yield (f'<testsuite name={attribute(report.assignment.slug)} tests="{len(kinds)}" failures="{kinds.count("failure")}" '
           f'errors="{kinds.count("error")}" skipped="{kinds.count("skipped")}" time="{sum(t.duration_s for t in report.tests):.3f}">')
    said = {"score": words.points(report.score), "max_score": words.points(report.max_score), "verdict": report.verdict.value}
    yield f"<properties>{''.join(f'<property name={attribute(name)} value={attribute(value)}/>' for name, value in said.items())}</properties>"
    for test, what in zip(report.tests, kinds, strict=True):
        head = (f"<testcase classname={attribute(report.assignment.slug)} name={attribute(test.id)} file={attribute(report.submission.file)} "
                f'time="{test.duration_s:.3f}"')
        yield f"{head}/>" if what is None else f"{head}><{what} message={attribute(test.verdict.value)}>{text(why(test))}</{what}></testcase>"
    yield "</testsuite>"


def kind(test: TestReport) -> str | None:
    """What does not load has failed: skipped cases alone would look as if all were well."""
    if words.did_not_load(test):
        return "failure"
    match test.verdict:
        case Verdict.PASSED:
            return None
        case Verdict.UNGRADED:
            return "error"
        case Verdict.NOT_ATTEMPTED | Verdict.BLOCKED:
            return "skipped"
    return "failure"


def why(test: TestReport) -> str:
    if test.finding is None:
        return f"{test.title}: {test.verdict.value}"
    exception = test.finding.exception
    gap = words.gap(test.finding) or (f"{exception.type}: {exception.message}" if exception else test.finding.message)
    return f"{test.title}: {gap}"[:LONGEST]


def text(raw: str) -> str:
    return escape(_printable(raw))


def attribute(raw: str) -> str:
    return quoteattr(_printable(raw))


def _printable(raw: str) -> str:
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), raw)
