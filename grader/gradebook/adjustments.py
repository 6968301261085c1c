"""`adjustments.csv`: the semester's exceptions, each with who and why. A row that names nobody or nothing is an error.

    student,assignment,kind,value,by,why
    ada,lstm,extension,2d,prof,ill            or a time: 2026-12-01T12:00+01:00
    ada,lstm,points,+2,ta,good comments       points are added after the late penalty
    bob,lstm,set,72,prof,oral                 stands instead of everything computed
    eve,lstm,excuse,,prof,exchange year
    eve,lstm,comment,Nice loops.,ta,
    bob,lstm,attribute,Untitled(3).ipynb,ta,asked him       read by `grade batch`
    *,lstm,void,test_peephole,prof,was wrong  everybody gets its points
"""

from __future__ import annotations

import datetime
import enum
import math
import re
from collections.abc import Collection
from pathlib import Path

import msgspec

from grader.errors import CourseError
from grader.gradebook.roster import Roster
from grader.gradebook.table import read_table

ADJUSTMENTS_FILE = "adjustments.csv"
EVERYBODY = "*"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class What(enum.StrEnum):
    EXTENSION = "extension"
    POINTS = "points"
    SET = "set"
    EXCUSE = "excuse"
    COMMENT = "comment"
    ATTRIBUTE = "attribute"
    VOID = "void"


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """One row; `where` is its file and line."""

    student: str
    assignment: str
    kind: What
    value: str
    by: str
    why: str
    where: str

    @property
    def number(self) -> float:
        return float(self.value)

    def due(self, due: datetime.datetime | None) -> datetime.datetime | None:
        """The due time after this extension."""
        span = _span(self.value)
        if span is None:
            return datetime.datetime.fromisoformat(self.value)
        return due + span if due else None


def read_adjustments(folder: Path, slugs: Collection[str], roster: Roster) -> tuple[Adjustment, ...]:
    """All rows beside `course.toml`; none where there is no file."""
    table = read_table(folder / ADJUSTMENTS_FILE, ("student", "assignment", "kind", "value", "by", "why"))
    return tuple(_adjustment(line, row, slugs, roster) for line, row in table or ())


def _adjustment(line: int, row: dict[str, str], slugs: Collection[str], roster: Roster) -> Adjustment:
    where = f"{ADJUSTMENTS_FILE}:{line}"
    kind, value, student, slug = row["kind"], row["value"], row["student"], row["assignment"]
    if kind not in list(What):
        raise CourseError(f"{kind!r} is no kind of adjustment; there are {', '.join(What)}", where)
    if slug not in slugs:
        raise CourseError(f"no exercise is called {slug!r}; there are {', '.join(slugs)}", where)
    if (student == EVERYBODY) != (kind == What.VOID):
        raise CourseError("a test is voided for everybody: the student of `void` is *, and of nothing else", where)
    if student != EVERYBODY and roster.there and roster.person(student) is None:
        raise CourseError(f"{student!r} is not in the roster", where)
    if reason := _misfit(What(kind), value):
        raise CourseError(reason, where)
    return Adjustment(**{k: row[k] for k in ("student", "assignment", "value", "by", "why")}, kind=What(kind), where=where)


def _misfit(kind: What, value: str) -> str | None:
    """What is wrong with a value."""
    match kind:
        case What.EXTENSION if _span(value) is None and _moment(value) is None:
            return f"{value!r}: an extension is a span such as 2d, 36h or 90m, or a time with its zone such as 2026-12-01T12:00+01:00"
        case What.POINTS | What.SET if _number(value) is None:
            return f"{value!r} is no number of points"
        case What.SET if float(value) < 0:
            return f"{value} points: a score is not below 0"
        case What.COMMENT | What.ATTRIBUTE | What.VOID if not value:
            return f"{kind} without a value"
        case What.EXCUSE if value:
            return f"excuse takes no value (seen: {value!r})"
    return None


def _span(value: str) -> datetime.timedelta | None:
    found = re.fullmatch(r"(\d{1,4})([mhd])", value)
    return datetime.timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


def _moment(value: str) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def attributed(adjustments: tuple[Adjustment, ...], slug: str) -> dict[str, str]:
    """File -> student, of the rows that say whose a file is; one file is one student's."""
    found: dict[str, str] = {}
    for row in adjustments:
        if row.kind is What.ATTRIBUTE and row.assignment == slug:
            if found.setdefault(row.value, row.student) != row.student:
                raise CourseError(f"{row.value} is attributed to {found[row.value]} and to {row.student}", row.where)
    return found
