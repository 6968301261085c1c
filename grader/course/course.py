"""A course: where it lies, the order of its exercises, what holds for all of them; from `course.toml`.

    folder = find_course(Path.cwd())                CourseFolder, or None
    course = load_course(folder)                    Course
    assignment = load_assignment(course, "lstm")    Assignment

Two layouts: an instructor's `solutions/`, mostly with `assignments/` beside it, and a release or a learner's copy of
one, where `course.toml` stands among the exercises. Light: neither numpy nor pytest is imported from here.
"""

from __future__ import annotations

import datetime
import enum
import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from grader.course.assignment import (
    ASSIGNMENT_FILE,
    RESERVED,
    Assignment,
    Framework,
    Limits,
    MayShow,
    Part,
    Shown,
    checked_slug,
    is_slug,
    read_assignment,
    stem,
)
from grader.course.settings import Settings, nearest, read_settings
from grader.errors import CourseError, UsageError

__all__ = ["RESERVED", "Assignment", "Course", "CourseFolder", "Entry", "Framework", "Limits", "MayShow", "Part",
           "Sandbox", "Shown", "find_course", "load_assignment", "load_course", "slugs_in"]

COURSE_FILE = "course.toml"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Text = Annotated[str, Meta(min_length=1)]
Moment = Annotated[datetime.datetime, Meta(tz=True)]  # "23:59" must mean the same in every time zone
Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,4}[mhd]\Z")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Sandbox(enum.StrEnum):
    """How much protection a run needs."""

    STRICT = "strict"
    AVAILABLE = "available"
    OFF = "off"


class Entry(Settings):
    """The place of one exercise in the course."""

    slug: str
    unit: str = ""
    prerequisites: tuple[str, ...] = ()


class CourseFile(Settings):
    """`course.toml` as written; every key may be missing."""

    title: str = "Exercises"
    assignments: tuple[Entry, ...] | None = None  # default: every folder that holds its `slug_file.py`, sorted
    secret: Text | None = None
    submit: Text | None = None
    sandbox: Sandbox | None = None
    due: Moment | dict[str, Moment] | None = None  # one time for all, or a table by slug
    grace: Duration = "0m"
    late_percent_per_day: Annotated[float, Meta(ge=0, le=100)] = 0.0
    requires: Text | None = None
    digests: dict[str, Sha256] = {}
    tests: dict[str, dict[str, Text]] = {}


class CourseFolder(Settings):
    """Where a course lies; at least one of the two folders is there."""

    root: Path  # `.grade/` lives here
    solutions: Path | None
    assignments: Path | None  # of a learner's copy: `root` itself

    @property
    def is_instructor(self) -> bool:
        return self.solutions is not None

    @property
    def source(self) -> Path:
        """Where tests and settings are read: `solutions/` when it is there, else what was released."""
        return self.solutions or self.assignments or self.root

    @property
    def file(self) -> Path:
        """The `course.toml` that counts."""
        released = (self.assignments or self.root) / COURSE_FILE
        own = self.source / COURSE_FILE
        return own if os.path.isfile(own) or not os.path.isfile(released) else released

    def shown(self, path: Path) -> str:
        """`path` as errors name it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


class Course(Settings):
    """The exercises in order, and what holds for all of them."""

    folder: CourseFolder
    title: str
    assignments: tuple[Entry, ...]
    secret: str | None  # seeds hidden inputs; never in a release and never printed
    submit: str | None  # how to hand in, as learners read it
    sandbox: Sandbox | None
    due: datetime.datetime | dict[str, datetime.datetime] | None
    grace: datetime.timedelta
    late_percent_per_day: float
    requires: str | None  # of a release: the versions of this package that fit, ">=0.1,<0.2"
    digests: dict[str, str]  # of a release: path -> sha256
    tests: dict[str, dict[str, str]] = {}  # of a release: slug -> test -> digest, see `manifest`

    def __repr__(self) -> str:
        return f"Course({self.title!r}, {len(self.assignments)} exercises in {str(self.folder.root)!r})"

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(entry.slug for entry in self.assignments)

    def entry(self, slug: str) -> Entry:
        """The exercise called `slug`; an unknown one is the caller's error, told with the nearest that there is."""
        for entry in self.assignments:
            if entry.slug == slug:
                return entry
        near = nearest(slug, self.slugs)
        advice = f"did you mean `{near}`?" if near else "`grade list` names all there are."
        raise UsageError(f"there is no exercise {slug!r} in this course; {advice}")

    def due_at(self, slug: str) -> datetime.datetime | None:
        return self.due.get(slug) if isinstance(self.due, dict) else self.due


def find_course(start: Path) -> CourseFolder | None:
    """The course that `start` lies in, looked for upwards."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if found := _instructors(folder) or _learners(folder):
            return found
    return None


def _instructors(folder: Path) -> CourseFolder | None:
    """The course with the parts `folder/solutions/` and `folder/assignments/`, if there are solutions."""
    solutions, assignments = folder / "solutions", folder / "assignments"
    if not (_marks(solutions) or (_marks(assignments) and any(solutions.glob("*/test_*.py")))):
        return None
    return CourseFolder(root=folder, solutions=solutions,
                        assignments=assignments if os.path.isdir(assignments) else None)


def _learners(folder: Path) -> CourseFolder | None:
    """The course in `folder` itself (unless it is one half of an instructor's), or the release right below it."""
    if _marks(folder):
        whole = _instructors(folder.parent) if folder.name in ("assignments", "solutions") else None
        return whole or CourseFolder(root=folder, solutions=None, assignments=folder)
    below = folder / "assignments"
    return CourseFolder(root=below, solutions=None, assignments=below) if _marks(below) else None


def _marks(folder: Path) -> bool:
    return os.path.isfile(folder / COURSE_FILE)


def load_course(folder: CourseFolder) -> Course:
    """Read `course.toml`; of the exercises only the names, so that a broken one does not hinder the others."""
    shown = folder.shown(folder.file)
    read = read_settings(folder.file, CourseFile, shown)
    entries = read.assignments
    if entries is None:
        entries = tuple(Entry(slug=slug) for slug in slugs_in(folder.source, strict=folder.is_instructor))
    _check_entries(entries, shown)
    slugs = [entry.slug for entry in entries]
    if isinstance(read.due, dict) and (strays := [slug for slug in read.due if slug not in slugs]):
        known = ", ".join(slugs)
        raise CourseError(f"no exercise is called {strays[0]!r}; there are {known}", f"{shown}:due.{strays[0]}")
    grace = datetime.timedelta(**{_UNITS[read.grace[-1]]: int(read.grace[:-1])})
    return Course(**msgspec.structs.asdict(read) | {"folder": folder, "assignments": entries, "grace": grace})


def slugs_in(place: Path, *, strict: bool = False) -> tuple[str, ...]:
    """The folders of `place` that hold an exercise, sorted; names that are no slugs are skipped; `strict`: errors."""
    found = sorted(file.parent.name for file in place.glob("*/*.py") if file.stem == stem(file.parent.name))
    if strict:
        return tuple(checked_slug(name, f"{place.name}/{name}") for name in found)
    return tuple(name for name in found if is_slug(name))


def _check_entries(entries: tuple[Entry, ...], shown: str) -> None:
    """Slugs are slugs, stand once, and follow what they build on."""
    before: list[str] = []
    for number, entry in enumerate(entries):
        key = f"{shown}:assignments[{number}]"
        if checked_slug(entry.slug, f"{key}.slug") in before:
            raise CourseError(f"the exercise {entry.slug!r} is listed twice", f"{key}.slug")
        if strays := [slug for slug in entry.prerequisites if slug not in before]:
            raise CourseError(f"{entry.slug!r} builds on {strays[0]!r}, which is not listed before it",
                              f"{key}.prerequisites")
        before.append(entry.slug)


def load_assignment(course: Course, slug: str) -> Assignment:
    """The exercise `slug` of `course`, with the settings in its folder."""
    course.entry(slug)
    place = course.folder.source / slug
    if course.folder.is_instructor and not os.path.isfile(reference := place / f"{stem(slug)}.py"):
        raise CourseError(f"{slug!r} is listed, but its reference is missing; begin it with `grade new {slug}`",
                          course.folder.shown(reference))
    file = place / ASSIGNMENT_FILE
    return read_assignment(slug, file, course.folder.shown(file))
