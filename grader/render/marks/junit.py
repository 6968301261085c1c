"""JUnit XML of a class: a suite per student, a case per test. Messages stand in the element's text, where CI shows them."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from grader.gradebook.book import Book, Row
from grader.render import words
from grader.report import TestReport, Verdict

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(book: Book) -> str:
    suites = [_suite(row) for row in book.rows if row.report is not None]
    head = f'<testsuites name={_attribute(f"{book.slug} ({book.late.sentence()})")}>'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>"]) + "\n"


def _suite(row: Row) -> str:
    tests = row.report.tests
    count = {name: sum(_kind(t) == name for t in tests) for name in ("failure", "error", "skipped")}
    properties = {"score": "" if row.score is None else words.points(row.score), "raw": "" if row.raw is None else words.points(row.raw),
                  "verdict": row.report.verdict.value, **({"adjustments": "; ".join(row.reasons)} if row.reasons else {})}
    lines = [f'<testsuite name={_attribute(row.student)} tests="{len(tests)}" failures="{count["failure"]}" errors="{count["error"]}" '
             f'skipped="{count["skipped"]}" time="{sum(t.duration_s for t in tests):.3f}">', "<properties>",
             *(f"<property name={_attribute(k)} value={_attribute(v)}/>" for k, v in properties.items()), "</properties>",
             *(_case(row, test) for test in tests), "</testsuite>"]
    return "\n".join(lines)


def _case(row: Row, test: TestReport) -> str:
    head = f'<testcase classname={_attribute(row.student)} name={_attribute(test.id)} file={_attribute(row.report.submission.file)} time="{test.duration_s:.3f}"'
    kind = _kind(test)
    if kind is None:
        return f"{head}/>"
    return f"{head}><{kind} message={_attribute(test.verdict.value)}>{_text(_why(test))}</{kind}></testcase>"


def _kind(test: TestReport) -> str | None:
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


def _why(test: TestReport) -> str:
    if test.finding is None:
        return f"{test.title}: {test.verdict.value}"
    exception = test.finding.exception
    gap = words.gap(test.finding) or (f"{exception.type}: {exception.message}" if exception else "")
    return f"{test.title}: {gap}"[:4000]


def _text(text: str) -> str:
    return escape(_NOT_XML.sub(lambda m: m[0].encode("unicode_escape").decode(), text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub(lambda m: m[0].encode("unicode_escape").decode(), text))
