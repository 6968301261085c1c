"""`roster.csv`: who is in the course, and by which names platforms know them.

    student,name,email,sis_id,github,section,group      further columns are kept, and identify too (`canvas_id`, say)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from grader.errors import CourseError
from grader.gradebook.table import read_table

ROSTER_FILE = "roster.csv"
NOT_NAMES = ("name", "section", "group")  # columns that identify nobody by equality


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    student: str
    name: str = ""
    email: str = ""
    sis_id: str = ""
    github: str = ""
    section: str = ""
    group: str = ""
    others: dict[str, str] = {}

    def keys(self) -> frozenset[str]:
        """Everything that equals one student's name somewhere."""
        return frozenset(k.casefold() for k in (self.student, self.email, self.sis_id, self.github, *self.others.values()) if k)

    def spelt(self) -> frozenset[str]:
        """The name in letters alone, in every rotation of its words: `Jane Doe` -> janedoe, doejane."""
        words = [w for w in (_letters(w) for w in re.split(r"[\s,]+", self.name)) if w]
        return frozenset("".join(words[k:] + words[:k]) for k in range(len(words)))


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """All rows; `there` says whether a file was found."""

    people: tuple[Person, ...] = ()
    there: bool = False

    def person(self, student: str) -> Person | None:
        return next((p for p in self.people if p.student == student), None)

    def find(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The students that the first telling key means: one, a whole group, or nobody."""
        for key in filter(None, keys):
            for match in (self._equal, self._spelt, self._grouped):
                if found := match(key):
                    return found
        return ()

    def _equal(self, key: str) -> tuple[str, ...]:
        return _single([p for p in self.people if key.casefold() in p.keys()])

    def _spelt(self, key: str) -> tuple[str, ...]:
        return _single([p for p in self.people if _letters(key) and _letters(key) in p.spelt()])

    def _grouped(self, key: str) -> tuple[str, ...]:
        return tuple(p.student for p in self.people if p.group and p.group.casefold() == key.casefold())


def _single(found: list[Person]) -> tuple[str, ...]:
    return (found[0].student,) if len(found) == 1 else ()


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text).casefold()


def read_roster(folder: Path) -> Roster:
    """The roster beside `course.toml`; an empty one where there is none."""
    file = folder / ROSTER_FILE
    table = read_table(file, ("student",), ("name", "email", "sis_id", "github", "section", "group"))
    if table is None:
        return Roster()
    seen: dict[str, int] = {}
    people = []
    for line, row in table:
        student = row["student"]
        if not student:
            raise CourseError("a row without a student", f"{ROSTER_FILE}:{line}")
        if student.casefold() in seen:
            raise CourseError(f"the student {student!r} stands here and in line {seen[student.casefold()]}", f"{ROSTER_FILE}:{line}")
        seen[student.casefold()] = line
        known = {k: row.pop(k) for k in ("student", "name", "email", "sis_id", "github", "section", "group") if k in row}
        people.append(Person(**known, others=row))
    return Roster(people=tuple(people), there=True)
