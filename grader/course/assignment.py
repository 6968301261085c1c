"""One exercise: its parts and their points, its limits, what of it is shown; from the optional `assignment.toml`.

    assignment = read_assignment("lstm", file, "solutions/lstm/assignment.toml")
    assignment = assignment.with_parts(["step", "forward"])     # those of its tests: 50 points each, unless stated
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from grader.course.settings import Settings, read_settings
from grader.errors import CourseError, UsageError

ASSIGNMENT_FILE = "assignment.toml"
HUNDREDTHS = 10_000  # of a point: what the parts of an assignment share
MAX_SLUG = 32
RESERVED = frozenset(  # the verbs of today and those that may come; never a slug
    "run start list show hint diff reset doctor new audit release batch merge report regrade export "
    "check test lint watch explain status pack verify serve submit login sync import config fix plot profile "
    "bench trace similar open next skip undo help version completion".split()
)

Text = Annotated[str, Meta(min_length=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class Framework(enum.StrEnum):
    """What arrays are in the student's code."""

    NUMPY = "numpy"
    TORCH = "torch"


class Shown(enum.StrEnum):
    """When a platform shows the result of a hidden test (Gradescope's words)."""

    VISIBLE = "visible"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"
    HIDDEN = "hidden"


class Part(Settings):
    """A group of tests and its share of the 100 points, exact to a hundredth."""

    name: str
    title: str
    points: float

    @property
    def hundredths(self) -> int:
        return round(self.points * 100)


class Limits(Settings):
    """What a submission may use: wall time of one call, CPU time and memory of a worker."""

    deadline_s: float = 5.0
    cpu_s: float = 60.0
    memory_mib: int = 1024


class MayShow(Settings):
    """A line of the solution that may stand in a release."""

    line: Text
    reason: Text


class PartTable(Settings):
    name: Text
    points: Annotated[float, Meta(ge=0.01, le=100)]
    title: str = ""


class LimitsTable(Settings):
    deadline_s: Seconds = 5.0
    cpu_s: Seconds = 60.0
    memory_mib: Annotated[int, Meta(gt=0, le=1 << 20)] | None = None


class AssignmentFile(Settings):
    """`assignment.toml` as written; every key may be missing."""

    title: str = ""
    parts: tuple[PartTable, ...] = ()
    framework: Framework = Framework.NUMPY
    imports: tuple[Text, ...] | None = None
    limits: LimitsTable = LimitsTable()
    hidden: Shown = Shown.VISIBLE
    hidden_titles: bool = True
    may_show: tuple[MayShow, ...] = ()
    omit: tuple[Text, ...] = ()


class Assignment(Settings):
    """One exercise, defaults filled in; `parts` is empty until they are stated or `with_parts` is called."""

    slug: str
    title: str
    parts: tuple[Part, ...] = ()
    framework: Framework = Framework.NUMPY
    imports: tuple[str, ...] = ("numpy",)  # distributions beside the standard library
    limits: Limits = Limits()
    hidden: Shown = Shown.VISIBLE
    hidden_titles: bool = True  # a release lists titles and points of hidden tests
    may_show: tuple[MayShow, ...] = ()
    omit: tuple[str, ...] = ()  # parts left out; the others share their points

    @property
    def stem(self) -> str:
        return stem(self.slug)

    @property
    def source_name(self) -> str:
        return f"{self.stem}.py"

    @property
    def notebook_name(self) -> str:
        return f"{self.stem}.ipynb"

    @property
    def tests_name(self) -> str:
        return f"test_{self.stem}.py"

    @property
    def expected_name(self) -> str:
        return f"{self.stem}.expected"

    def with_parts(self, names: Iterable[str]) -> Assignment:
        """With its parts resolved; `names` are those of `@part` in the order of the tests."""
        names = tuple(dict.fromkeys(names))
        stated = tuple(part.name for part in self.parts)
        where = f"{self.slug}/{self.tests_name}"
        if stated:
            if strays := [name for name in names if name not in stated + self.omit]:
                raise CourseError(f"a test names the part {strays[0]!r}, but the parts are {_listed(stated)}", where)
            return self
        if strays := [name for name in self.omit if name not in names]:
            raise CourseError(f"{strays[0]!r} is to be omitted, but the tests name the parts {_listed(names)}",
                              f"{self.slug}/{ASSIGNMENT_FILE}:omit")
        kept = [name for name in names if name not in self.omit]
        if not kept:
            raise CourseError('no test with a part is left; mark one with @part("NAME")', where)
        return msgspec.structs.replace(self, parts=_parts([PartTable(name=name, points=1) for name in kept]))


def stem(slug: str) -> str:
    """File names use underscores: `grad-clip` -> `grad_clip`."""
    return slug.replace("-", "_")


def spoken(name: str) -> str:
    """A title from a name: `step_forward` -> `Step forward`."""
    words = re.sub(r"[-_]+", " ", name).strip()
    return words[:1].upper() + words[1:]


def is_slug(name: str) -> bool:
    """Whether `name` is spelt as a slug."""
    return len(name) <= MAX_SLUG and re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) is not None


def checked_slug(slug: str, where: str) -> str:
    """`slug`, if it is one that the command line can take."""
    if not is_slug(slug):
        raise CourseError(f"{slug!r} cannot name an exercise: needed are lower-case words joined by hyphens, such as "
                          f"`grad-clip`, of at most {MAX_SLUG} characters", where)
    if slug in RESERVED:
        raise CourseError(f"{slug!r} is a word of the command line; name the exercise otherwise", where)
    return slug


def read_assignment(slug: str, file: Path, shown: str) -> Assignment:
    """The assignment `slug`, with the settings of `file` if there is one (errors call it `shown`)."""
    read = read_settings(file, AssignmentFile, shown) if os.path.exists(file) else AssignmentFile()
    torch = read.framework is Framework.TORCH
    memory_mib = read.limits.memory_mib or (4096 if torch else 1024)
    return Assignment(
        slug=slug,
        title=read.title or spoken(slug),
        parts=_stated_parts(read, shown),
        framework=read.framework,
        imports=(("numpy", "torch") if torch else ("numpy",)) if read.imports is None else read.imports,
        limits=Limits(deadline_s=read.limits.deadline_s, cpu_s=read.limits.cpu_s, memory_mib=memory_mib),
        hidden=read.hidden,
        hidden_titles=read.hidden_titles,
        may_show=read.may_show,
        omit=read.omit,
    )


def check_framework(assignment: Assignment) -> None:
    """UsageError, with the line that mends it, unless what students' code works with is installed."""
    from importlib.util import find_spec

    if assignment.framework is not Framework.NUMPY and find_spec(assignment.framework) is None:
        raise UsageError(f"{assignment.slug!r} is an exercise for {assignment.framework}, which is not installed here; run: pip install {assignment.framework}")


def _stated_parts(read: AssignmentFile, shown: str) -> tuple[Part, ...]:
    """The parts that the file states and does not omit; what is omitted leaves its points to the others."""
    names = [part.name for part in read.parts]
    for number, part in enumerate(read.parts):
        if part.name in names[:number]:
            raise CourseError(f"the part {part.name!r} is stated twice", f"{shown}:parts[{number}].name")
        if abs(part.points * 100 - round(part.points * 100)) > 1e-6:
            raise CourseError(f"{part.points} points: needed are whole hundredths", f"{shown}:parts[{number}].points")
    total = sum(round(part.points * 100) for part in read.parts)
    if names and total != HUNDREDTHS:
        raise CourseError(f"the points of the parts sum to {total / 100:g}, needed are 100", f"{shown}:parts")
    if names and (strays := [name for name in read.omit if name not in names]):
        raise CourseError(f"{strays[0]!r} is to be omitted, but the parts are {_listed(names)}", f"{shown}:omit")
    kept = [part for part in read.parts if part.name not in read.omit]
    if names and not kept:
        raise CourseError("no part is left; omit fewer", f"{shown}:omit")
    return _parts(kept)


def _parts(tables: Sequence[PartTable]) -> tuple[Part, ...]:
    """Parts that share 100 points in proportion to the points of `tables`."""
    points = shares([round(table.points * 100) for table in tables])
    return tuple(Part(name=table.name, title=table.title or spoken(table.name), points=share / 100)
                 for table, share in zip(tables, points, strict=True))


def shares(weights: Sequence[int], total: int = HUNDREDTHS) -> tuple[int, ...]:
    """`total` in proportion to `weights`, exactly: what rounding leaves goes to the largest remainders."""
    whole = sum(weights)
    floors = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    favoured = set(by_remainder[: total - sum(floors)])
    return tuple(floor + (i in favoured) for i, floor in enumerate(floors))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
