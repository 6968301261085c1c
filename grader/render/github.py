"""For GitHub Actions: annotations at the student's lines and the page in a fence; the job summary as Markdown.

A student's text could contain workflow commands (`::set-output`, `##[add-path]`): in annotations it is escaped, the page
stands between `::stop-commands::TOKEN` and `::TOKEN::`, with a token that depends on the whole report.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from grader.record.report import Diagnosis, Line, Report, TestReport
from grader.render import words
from grader.render.json import to_json
from grader.render.terminal import to_terminal
from grader.render.text import Style, visible

PAGE = Style(width=88)
MOST_ANNOTATIONS = 10  # GitHub shows no more of a step
LONGEST = 1200
LONGEST_SUMMARY = 200_000  # bytes of one report; GitHub drops a summary of more than a MiB


class Cause(NamedTuple):
    """One root cause: where it shows, and what is said."""

    line: Line | None
    title: str
    message: str


def to_github(reports: Iterable[Report]) -> str:
    """What a step prints."""
    reports = tuple(reports)
    causes = [(report, cause) for report in reports for cause in _causes(report)]
    lines = [_annotation(report, cause) for report, cause in causes[:MOST_ANNOTATIONS]]
    for report in reports:
        token = hashlib.sha256(to_json(report).encode()).hexdigest()
        lines += [f"::stop-commands::{token}", to_terminal(report, PAGE), f"::{token}::"]
    return "\n".join(lines)


def to_summary(reports: Iterable[Report]) -> str:
    """Markdown for `$GITHUB_STEP_SUMMARY`; whatever is a student's is escaped HTML in a `pre`."""
    return "\n".join(line for report in reports for line in _summary(report))


def _causes(report: Report) -> Iterator[Cause]:
    """Diagnoses first, then failing public tests that none of them explains, one for each line."""
    failing = [test for test in report.tests if test.visibility == "public" and (test.verdict in words.FAILING or words.did_not_load(test))]
    for found in report.diagnoses:
        test = next((t for t in failing if t.id in found.tests), None)
        yield Cause(found.line or _line(test), f"{report.assignment.title}: {_part(report, found)}", f"{found.says} {found.hint}")
    explained = {test for found in report.diagnoses for test in found.tests}
    said: set[tuple[str, int] | str] = set()
    for test in failing:
        place = (line.file, line.line) if (line := _line(test)) else test.part
        if test.id not in explained and place not in said:
            said.add(place)
            yield Cause(line, f"{report.assignment.title}: {test.title}", _why(test))


def _line(test: TestReport | None) -> Line | None:
    return test.finding.line if test is not None and test.finding is not None else None


def _part(report: Report, found: Diagnosis) -> str:
    return next((part.title for part in report.parts if part.name == found.part), found.part)


def _why(test: TestReport) -> str:
    if test.finding is None:
        return words.WITHOUT_FINDING.get(test.verdict, test.verdict.value)
    raised = test.finding.exception
    return words.gap(test.finding) or (f"{raised.type}: {raised.message}" if raised else test.finding.message)


def _annotation(report: Report, cause: Cause) -> str:
    """`::error file=lstm/lstm.py,line=31,title=...::message`; a notebook has cells, no lines."""
    place = {"file": report.submission.file}
    if cause.line is not None and report.submission.kind == "py":
        place["line"] = str(cause.line.line)
    elif cause.line is not None:
        place["title"] = f"{cause.line.file}: {cause.title}"
    properties = ",".join(f"{name}={_property(value)}" for name, value in ({"title": cause.title} | place).items())
    return f"::error {properties}::{_data(cause.message)}"


def _data(raw: str) -> str:
    text = visible(" ".join(raw.split()), PAGE)[:LONGEST]
    return text.replace("%", "%25")


def _property(raw: str) -> str:
    return _data(raw).replace(":", "%3A").replace(",", "%2C")


def _summary(report: Report) -> Iterator[str]:
    yield f"### {_cell(report.assignment.title)}"
    yield ""
    yield f"{_cell(words.score(report))} This is feedback, not a mark."
    yield ""
    yield "| Part | | Points |"
    yield "| :--- | :--- | ---: |"
    for part in report.parts:
        yield f"| {_cell(part.title)} | {words.state(part, report.tests).value} | {words.points(part.score)} of {words.points(part.max_score)} |"
    page = html.escape(to_terminal(report, PAGE)[:LONGEST_SUMMARY // 6])
    yield f"\n<pre>{page}</pre>\n"


def _cell(raw: str) -> str:
    """A piece of a table or a heading: no Markdown, no HTML."""
    text = html.escape(visible(" ".join(raw.split()), PAGE))
    return "".join(f"&#{ord(char)};" if char in "\\`*_{}[]#|~@!" else char for char in text)
