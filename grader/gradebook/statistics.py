"""The class as a whole: what is hard, what tells nothing, which misconceptions, which failures nobody explained yet."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from grader.gradebook.book import Book
from grader.record.report import Report, TestReport, Verdict

JUDGED = frozenset({Verdict.PASSED, Verdict.WRONG, Verdict.RAISED, Verdict.TIMEOUT, Verdict.CRASHED, Verdict.VIOLATION})
FAILED = JUDGED - {Verdict.PASSED}


class TestCount(msgspec.Struct, frozen=True):
    """How a test went; `waiting` is not attempted, blocked or ungraded."""

    __test__ = False
    id: str
    title: str
    visibility: str
    passed: int
    failed: int
    waiting: int

    @property
    def share(self) -> float:
        return self.passed / (self.passed + self.failed) if self.passed + self.failed else 0.0


class Cluster(msgspec.Struct, frozen=True):
    """Failures that look alike and have no diagnosis; the example is a student."""

    test: str
    kind: str
    n: int
    example: str


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    verdicts: dict[str, int]
    scores: tuple[float, ...]
    tests: tuple[TestCount, ...]
    mistakes: tuple[tuple[str, int, int], ...]  # (names, certain, possible)
    clusters: tuple[Cluster, ...]
    missing: tuple[str, ...]
    not_attempted: tuple[str, ...]

    @property
    def hardest(self) -> tuple[TestCount, ...]:
        """Of the tests that somebody passes and somebody fails."""
        return tuple(sorted((t for t in self.tests if t.passed and t.failed), key=lambda t: (t.share, t.id)))

    @property
    def nobody_fails(self) -> tuple[TestCount, ...]:
        return tuple(t for t in self.tests if t.passed and not t.failed)

    @property
    def everybody_fails(self) -> tuple[TestCount, ...]:
        return tuple(t for t in self.tests if t.failed and not t.passed)


def statistics(book: Book) -> Statistics:
    reports = {row.student: row.report for row in book.rows if row.report is not None}
    certain: Counter[str] = Counter()
    possible: Counter[str] = Counter()
    for report in reports.values():
        for diagnosis in report.diagnoses:
            (certain if diagnosis.certainty == "certain" else possible)[" + ".join(diagnosis.mistakes)] += 1
    names = sorted({*certain, *possible}, key=lambda n: (-certain[n] - possible[n], n))
    return Statistics(
        verdicts=dict(Counter(row.state for row in book.rows).most_common()),
        scores=tuple(row.score for row in book.rows if row.score is not None), tests=tuple(_tests(reports.values())),
        mistakes=tuple((n, certain[n], possible[n]) for n in names), clusters=tuple(_clusters(reports)),
        missing=tuple(row.shown_name for row in book.rows if row.hand_in is None and row.report is None and not row.excused),
        not_attempted=tuple(row.shown_name for row in book.rows if row.report is not None and row.report.verdict is Verdict.NOT_ATTEMPTED))


def _tests(reports):
    known: dict[str, TestReport] = {}
    count: dict[str, Counter[str]] = defaultdict(Counter)
    for report in reports:
        for test in report.tests:
            known.setdefault(test.id, test)
            count[test.id]["passed" if test.verdict is Verdict.PASSED else "failed" if test.verdict in FAILED else "waiting"] += 1
    for name, test in known.items():
        yield TestCount(name, test.title, test.visibility, count[name]["passed"], count[name]["failed"], count[name]["waiting"])


def _clusters(reports: dict[str, Report]):
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for student, report in reports.items():
        explained = {test for diagnosis in report.diagnoses for test in diagnosis.tests}
        first = next((t for t in report.tests if t.verdict in FAILED and t.id not in explained and t.finding is not None), None)
        if first is not None and not report.diagnoses:
            exception = first.finding.exception.type if first.finding.exception else ""
            alike[first.id, f"{first.finding.kind.value}{f' ({exception})' if exception else ''}"].append(student)
    for (test, kind), students in sorted(alike.items(), key=lambda item: (-len(item[1]), item[0])):
        yield Cluster(test, kind, len(students), students[0])
