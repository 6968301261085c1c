"""Raw reports, roster and adjustments -> one `Row` per student. Pure but for reading files; points are hundredths.

    earned    = raw score + the points of voided tests
    penalty   = late_percent_per_day of earned, per started day after due time, extension and grace
    score     = earned - penalty + points given, at least 0;  `set` stands instead;  `excuse`: no score
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path

import msgspec

from grader.batch.run_folder import HandIn, Manifest, Unowned, read_manifest, read_reports
from grader.course.course import Course
from grader.errors import CourseError
from grader.gradebook.adjustments import EVERYBODY, Adjustment, What, read_adjustments
from grader.gradebook.roster import Person, Roster, read_roster
from grader.record.report import Report, Verdict


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One student and what counts. `score` is None where there is none: nothing handed in, not graded, excused."""

    student: str
    person: Person
    hand_in: HandIn | None = None
    report: Report | None = None
    raw: float | None = None
    penalty: float = 0.0
    days_late: int = 0
    score: float | None = None
    excused: bool = False
    reasons: tuple[str, ...] = ()  # one per adjustment and for the penalty
    comments: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """A word: excused | missing | a verdict."""
        if self.excused:
            return "excused"
        return self.report.verdict.value if self.report else "missing"

    @property
    def shown_name(self) -> str:
        return self.person.name or self.student


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """The course's rule for one exercise."""

    due: datetime.datetime | None = None
    grace: datetime.timedelta = datetime.timedelta()
    percent_per_day: float = 0.0

    def sentence(self) -> str:
        """What stands in the first line of every export."""
        if not self.percent_per_day or not self.due:
            return "no late penalties"
        return f"late penalties included ({self.percent_per_day:g} % per started day)"

    def days(self, at: str | None, extensions: Iterable[Adjustment]) -> int:
        due = self.due
        for extension in extensions:
            due = extension.due(due)
        if at is None or due is None:
            return 0
        late = datetime.datetime.fromisoformat(at) - due
        return 0 if late <= self.grace else -(-late // datetime.timedelta(days=1))


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """A run with everything the semester added."""

    manifest: Manifest
    rows: tuple[Row, ...]
    late: Late
    points_total: float
    has_roster: bool

    @property
    def title(self) -> str:
        return self.manifest.assignment.title

    @property
    def slug(self) -> str:
        return self.manifest.assignment.slug

    def row(self, student: str) -> Row | None:
        keys = student.casefold()
        exact = [r for r in self.rows if r.student.casefold() == keys]
        return (exact or [r for r in self.rows if keys in r.person.keys() or keys == r.person.name.casefold()] or [None])[0]

    @property
    def unowned(self) -> tuple[Unowned, ...]:
        return self.manifest.unowned


def read_book(run: Path, course: Course | None) -> Book:
    """The run as it stands; without a course neither roster nor adjustments are known."""
    manifest = read_manifest(run)
    reports = read_reports(run, manifest.hand_ins)
    slug = manifest.assignment.slug
    roster, adjustments, late = Roster(), (), Late()
    if course is not None:
        beside = course.folder.file.parent
        roster = read_roster(beside)
        adjustments = tuple(a for a in read_adjustments(beside, course.slugs, roster) if a.assignment == slug)
        late = Late(due=course.due_at(slug), grace=course.grace, percent_per_day=course.late_percent_per_day)
    hand_ins = {h.student: h for h in manifest.hand_ins}
    check_adjustments(adjustments, roster, hand_ins, reports)
    students = dict.fromkeys((*(p.student for p in roster.people), *sorted(hand_ins)))
    rows = tuple(row_of(student, roster, hand_ins.get(student), reports.get(student), adjustments, late) for student in students)
    total = next((r.points_total for r in reports.values()), 100.0)
    return Book(manifest=manifest, rows=rows, late=late, points_total=total, has_roster=roster.there)


def check_adjustments(adjustments: Iterable[Adjustment], roster: Roster, hand_ins: dict[str, HandIn], reports: dict[str, Report]) -> None:
    """Every row is about somebody and something of this run."""
    tests = {test.id for report in reports.values() for test in report.tests}
    for row in adjustments:
        if row.kind is What.VOID:
            if reports and row.value not in tests:
                raise CourseError(f"no test is called {row.value!r}; `grade report RUN` names those there are", row.where)
        elif not roster.there and row.student not in hand_ins:
            raise CourseError(f"{row.student!r} handed in nothing, and there is no roster that knows the name", row.where)
        elif row.kind is What.ATTRIBUTE and (row.student not in hand_ins or hand_ins[row.student].file != row.value):
            raise CourseError(f"{row.value} is not marked for {row.student} yet; run `grade batch` again with --resume", row.where)


def row_of(student: str, roster: Roster, hand_in: HandIn | None, report: Report | None, adjustments: Iterable[Adjustment], late: Late) -> Row:
    """Everything about one student."""
    person = roster.person(student) or Person(student=student)
    own = [a for a in adjustments if a.student in (student, EVERYBODY)]
    of = {kind: [a for a in own if a.kind is kind] for kind in What}
    graded = report is not None and report.verdict is not Verdict.UNGRADED
    raw = round(report.score * 100) if graded else None
    reasons, penalty, days = [], 0, 0
    score = raw
    if graded:
        voided = {a.value: a for a in of[What.VOID]}
        lost = {t.id: round((t.max_score - t.score) * 100) for t in report.tests if t.id in voided}
        score += sum(lost.values())
        reasons += [_said(f"a test did not count: {_points(lost[name])} points for everybody", voided[name]) for name in lost if lost[name]]
        days = late.days(hand_in.at if hand_in else None, of[What.EXTENSION])
        penalty = min(score, round(score * late.percent_per_day * days / 100)) if late.due or of[What.EXTENSION] else 0
        if penalty:
            reasons.append(f"handed in late, {days} {'day' if days == 1 else 'days'} begun: {_points(-penalty)} points ({late.percent_per_day:g} % per day)")
        score -= penalty
    reasons += [_said(f"more time: {a.value}", a) for a in of[What.EXTENSION]]
    for a in of[What.POINTS]:
        if score is not None:
            score = max(0, score + round(a.number * 100))
            reasons.append(_said(f"points: {_points(round(a.number * 100))}", a))
    for a in of[What.SET]:
        score = round(a.number * 100)
        reasons.append(_said(f"set to {_points(score, '')} points", a))
    reasons += [_said("excused", a) for a in of[What.EXCUSE]]
    excused = bool(of[What.EXCUSE])
    return Row(student=student, person=person, hand_in=hand_in, report=report, raw=None if raw is None else raw / 100, penalty=penalty / 100,
               days_late=days, score=None if score is None or excused else score / 100, excused=excused, reasons=tuple(reasons),
               comments=tuple(f"{a.value}" + (f" ({a.by})" if a.by else "") for a in of[What.COMMENT]))


def _points(hundredths: int, sign: str = "+") -> str:
    return f"{hundredths / 100:{sign}.2f}".rstrip("0").rstrip(".")


def _said(what: str, row: Adjustment) -> str:
    """`+2 points (ta: good comments)`"""
    reason = ": ".join(part for part in (row.by, row.why) if part)
    return f"{what} ({reason})" if reason else what
