"""JUnit XML of a class: a suite per student, a case per test. Messages stand in the element's text, where CI shows them."""

from __future__ import annotations

from grader.gradebook.book import Book, Row
from grader.record.report import TestReport
from grader.render import words
from grader.render.junit import attribute, kind, text, why


def to_junit(book: Book) -> str:
    suites = [_suite(row) for row in book.rows if row.report is not None]
    head = f'<testsuites name={attribute(f"{book.slug} ({book.late.sentence()})")}>'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>"]) + "\n"


def _suite(row: Row) -> str:
    tests = row.report.tests
    count = {name: sum(kind(t) == name for t in tests) for name in ("failure", "error", "skipped")}
    properties = {"score": "" if row.score is None else words.points(row.score), "raw": "" if row.raw is None else words.points(row.raw),
                  "verdict": row.report.verdict.value, **({"adjustments": "; ".join(row.reasons)} if row.reasons else {})}
    lines = [f'<testsuite name={attribute(row.student)} tests="{len(tests)}" failures="{count["failure"]}" errors="{count["error"]}" '
             f'skipped="{count["skipped"]}" time="{sum(t.duration_s for t in tests):.3f}">', "<properties>",
             *(f"<property name={attribute(k)} value={attribute(v)}/>" for k, v in properties.items()), "</properties>",
             *(_case(row, test) for test in tests), "</testsuite>"]
    return "\n".join(lines)


def _case(row: Row, test: TestReport) -> str:
    head = f'<testcase classname={attribute(row.student)} name={attribute(test.id)} file={attribute(row.report.submission.file)} time="{test.duration_s:.3f}"'
    what = kind(test)
    if what is None:
        return f"{head}/>"
    return f"{head}><{what} message={attribute(test.verdict.value)}>{text(why(test))}</{what}></testcase>"
