"""What a release says about itself: `course.toml` with digests, `assignment.toml`, the versions that can mark it.

    course_text(course, entries, digests, tests)  -> text      requires(__version__)         ">=0.1,<0.2"
    assignment_text(assignment)                   -> text      altered_tests(course, slug)   what a learner changed
"""

from __future__ import annotations

import ast
import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader import __version__
from grader.course.assignment import ASSIGNMENT_FILE, Assignment, stem
from grader.course.course import Course, Entry
from grader.errors import AlteredError, CourseError, UsageError
from grader.source.strip import first_line

if TYPE_CHECKING:
    from grader.record.recording import Recording

PACKAGE = "deepgrader"
RESTORES = "`grade start --update` restores it"
SHARED = "*"  # no test is called so


# Texts ----------------------------------------------------------------------------------------------------------------


def course_text(course: Course, entries: Iterable[Entry], digests: Mapping[str, str], tests: Mapping[str, Mapping[str, str]]) -> str:
    """`course.toml` of a release: what learners need of the instructor's, no `secret`."""
    entries = tuple(entries)
    due = course.due
    lines = [
        f"title = {_quoted(course.title)}",
        *([f"submit = {_quoted(course.submit)}"] if course.submit else []),
        *([f"sandbox = {_quoted(course.sandbox.value)}"] if course.sandbox else []),
        *([f"due = {due.isoformat()}"] if isinstance(due, datetime.datetime) else []),
        *([f"grace = {_quoted(_duration(course.grace))}"] if course.grace else []),
        *([f"late_percent_per_day = {course.late_percent_per_day!r}"] if course.late_percent_per_day else []),
        f"requires = {_quoted(requires(__version__))}",
    ]
    if isinstance(due, dict) and (own := [entry.slug for entry in entries if entry.slug in due]):
        lines += ["", "[due]", *(f"{slug} = {due[slug].isoformat()}" for slug in own)]
    before: list[str] = []
    for entry in entries:
        lines += _entry(entry, before)
        before.append(entry.slug)
    lines += ["", "[digests]", *(f"{_quoted(path)} = {_quoted(digests[path])}" for path in sorted(digests))]
    for slug in sorted(tests):
        lines += ["", f"[tests.{slug}]", *(f"{_quoted(test)} = {_quoted(tests[slug][test])}" for test in sorted(tests[slug]))]
    return "\n".join(lines) + "\n"


def _entry(entry: Entry, before: list[str]) -> list[str]:
    """One exercise; prerequisites that are not released are not named."""
    built_on = [slug for slug in entry.prerequisites if slug in before]
    return ["", "[[assignments]]", f"slug = {_quoted(entry.slug)}",
            *([f"unit = {_quoted(entry.unit)}"] if entry.unit else []),
            *([f"prerequisites = {_list(built_on)}"] if built_on else [])]


def assignment_text(assignment: Assignment) -> str:
    """`assignment.toml` of a release, nothing left to defaults."""
    limits = assignment.limits
    lines = [f"title = {_quoted(assignment.title)}", f"framework = {_quoted(assignment.framework.value)}",
             f"imports = {_list(assignment.imports)}"]
    for part in assignment.parts:
        lines += ["", "[[parts]]", f"name = {_quoted(part.name)}", f"title = {_quoted(part.title)}",
                  f"points = {part.hundredths / 100:g}"]
    lines += ["", "[limits]", f"deadline_s = {limits.deadline_s!r}", f"cpu_s = {limits.cpu_s!r}",
              f"memory_mib = {limits.memory_mib}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _duration(time: datetime.timedelta) -> str:
    """`2d`, `36h`, `90m`."""
    minutes = int(time.total_seconds()) // 60
    return next(f"{minutes // size}{unit}" for unit, size in (("d", 1440), ("h", 60), ("m", 1)) if minutes % size == 0)


# Versions -------------------------------------------------------------------------------------------------------------


def requires(version: str) -> str:
    """The versions of this package that mark a release alike: `0.1.3` -> `>=0.1,<0.2`, `2.3.1` -> `>=2.3,<3`."""
    from packaging.version import Version

    major, minor = Version(version).major, Version(version).minor
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 1}"


def check_version(course: Course) -> None:
    """UsageError, with the line that mends it, unless this package can mark the release."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    if course.requires is None:
        return
    try:
        fits = Version(__version__).base_version in SpecifierSet(course.requires)
    except InvalidSpecifier:
        what = f"{course.requires!r} is no range of versions such as '>=0.1,<0.2'"
        raise CourseError(what, f"{course.folder.shown(course.folder.file)}:requires") from None
    if not fits:
        raise UsageError(f"this course was released for {PACKAGE} {course.requires}, installed is {__version__}; "
                         f'run: pip install "{PACKAGE}{course.requires}"')


# Digests --------------------------------------------------------------------------------------------------------------


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def is_as_released(data: bytes, known: str | None, binary: bool) -> bool:
    """Whether a file has the bytes of the release; of texts the line ends do not matter (git may change them)."""
    return digest(data) == known or (not binary and digest(data.replace(b"\r\n", b"\n")) == known)


def test_digests(tests: str, made: Recording) -> dict[str, str]:
    """Test -> short digest of its source and of what the reference answered; SHARED: of all that several tests use."""
    lines = tests.replace("\r\n", "\n").split("\n")
    sources: dict[str, list[str]] = {SHARED: []}
    for node in ast.parse(tests).body:
        is_test = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test")
        segment = "\n".join(lines[first_line(node) - 1 : node.end_lineno])
        sources.setdefault(node.name if is_test else SHARED, []).append(segment)
    items: dict[str, list] = {SHARED: [made.table, sorted(made.signatures.items()), made.known]}
    for item in sorted(made.items):
        items.setdefault(item.partition("[")[0], []).append((item, made.items[item]))
    return {test: digest(repr(sources[test]).encode() + msgspec.msgpack.encode(items.get(test)))[:16] for test in sources}


def altered_tests(course: Course, slug: str) -> tuple[str, ...]:
    """The tests of an exercise that are not as they were released; AlteredError when there are no others.

    This finds accidents: whoever changes `course.toml` too is not found. Marks that count are made with `solutions/`.
    """
    check_version(course)
    if not (changed := changed_files(course, slug)):
        return ()
    known, now = course.tests.get(slug, {}), _digests_now(course, slug)
    altered = tuple(test for test in known if test != SHARED and known[test] != now.get(test))
    all_are = f"{slug}/{ASSIGNMENT_FILE}" in changed or known.get(SHARED) != now.get(SHARED) or len(altered) == len(known) - 1
    if not known or all_are:
        raise AlteredError(f"{changed[0]} is not the file that was released, and no test is left that is; {RESTORES}")
    return altered


def changed_files(course: Course, slug: str) -> tuple[str, ...]:
    """Tests, recording and settings of an exercise that have other bytes than those that were released."""
    names = (f"test_{stem(slug)}.py", f"{stem(slug)}.expected", ASSIGNMENT_FILE) if course.digests else ()  # none: written by hand
    files = {f"{slug}/{name}": _read(course.folder.source / slug / name) for name in names}
    return tuple(path for path, data in files.items()
                 if not is_as_released(data, course.digests.get(path), binary=path.endswith(".expected")))


def _digests_now(course: Course, slug: str) -> dict[str, str]:
    """`test_digests` of what is there; empty if it cannot be read."""
    from grader.record import recording

    folder = course.folder.source / slug
    try:
        made = recording.decode(_read(folder / f"{stem(slug)}.expected"), "")
        return test_digests(_read(folder / f"test_{stem(slug)}.py").decode("utf-8-sig"), made)
    except (AlteredError, SyntaxError, ValueError):
        return {}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise AlteredError(f"{file} cannot be read ({error.strerror}); {RESTORES}") from None
