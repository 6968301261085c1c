"""A learner's copy of a released course: made, and brought up to date.

    start(directory, source)     `grade start`            copy from the package, a folder or a zip
    update(folder, source)       `grade start --update`   restore what was released, never what the learner wrote

The release itself stays in `.grade/released`, for later comparisons and repairs.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from grader.course.assignment import stem
from grader.course.course import COURSE_FILE, Course, CourseFolder, load_course
from grader.course.manifest import check_version, is_as_released
from grader.errors import CourseError, UsageError
from grader.record.recording import write_bytes

MOST_FILES = 5_000
MOST_BYTES = 256 << 20
KEPT = Path(".grade", "released")
ORIGIN = Path(".grade", "origin")  # the folder or zip the course came from
IGNORED = ".grade/\n__pycache__/\n"
BINARY = (".expected", ".npz")
LEFT = frozenset(("__pycache__", ".grade", ".git"))


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """Paths: what was written, what the learner had changed in it and is kept under another name, whose start is a new one."""

    course: Course
    restored: tuple[str, ...]
    kept: tuple[str, ...]
    outdated: tuple[str, ...]


def start(directory: Path, source: Path | None) -> Course:
    """Copy the course into `directory`, which must be new or empty; nothing is left behind when it fails."""
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty; name a new folder, nothing was copied")
    is_new = not directory.exists()
    with _opened(source or packaged_course()) as course:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _copy(course, directory)
            (directory / ".gitignore").write_text(IGNORED, encoding="utf-8")
            _keep(course, source, directory)
        except OSError as error:
            _emptied(directory, is_new)
            raise UsageError(f"{error.filename or directory} cannot be written ({error.strerror or error}); nothing was copied") from error
    return load_course(learners_folder(directory))


def _emptied(directory: Path, remove: bool) -> None:
    for entry in directory.iterdir() if directory.is_dir() else ():
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
    if remove:
        shutil.rmtree(directory, ignore_errors=True)


def learners_folder(directory: Path) -> CourseFolder:
    return CourseFolder(root=directory, solutions=None, assignments=directory)


def _copy(course: Course, directory: Path) -> None:
    for path in _files(course):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(course.folder.source / path, directory / path)


def _files(course: Course) -> list[str]:
    """The paths of a release."""
    paths = (file.relative_to(course.folder.source) for file in sorted(course.folder.source.rglob("*")) if file.is_file())
    return [path.as_posix() for path in paths if not LEFT.intersection(path.parts)]


def _keep(course: Course, source: Path | None, directory: Path) -> None:
    """The release as it is, and where it came from."""
    shutil.rmtree(directory / KEPT, ignore_errors=True)
    _copy(course, directory / KEPT)
    write_bytes(str((source or packaged_course()).resolve()).encode(errors="surrogateescape"), directory / ORIGIN)


# The release ----------------------------------------------------------------------------------------------------------


def packaged_course() -> Path:
    """The course that comes with the package (in a checkout: the one beside it)."""
    here = Path(__file__).resolve().parent
    for place in (here / "assignments", here.parent / "assignments"):
        if (place / COURSE_FILE).is_file():
            return place
    raise UsageError("this installation carries no course; name one with --from ZIP|FOLDER")


@contextmanager
def _opened(origin: Path) -> Iterator[Course]:
    """The release in a folder or zip, whole and fit for this package."""
    if not origin.is_file():
        yield _release_in(origin, origin)
        return
    with tempfile.TemporaryDirectory() as unpacked:
        yield _release_in(_unzip(origin, Path(unpacked)), origin)


def _release_in(place: Path, origin: Path) -> Course:
    """The release in `place` or right below it; errors call it `origin`."""
    found = next((p for p in (place, place / "assignments") if (p / COURSE_FILE).is_file()), None)
    if found is None:
        raise UsageError(f"{origin} holds no course (no {COURSE_FILE}); a release is the folder or zip that `grade release` writes")
    course = load_course(learners_folder(found))
    if course.secret is not None:
        raise UsageError(f"{origin} is an instructor's course with its solutions; name its assignments/ folder or a release")
    if not course.slugs:
        raise UsageError(f"{origin} is a course without exercises; ask for the whole release")
    if lacking := [path for path in course.digests if not (found / path).is_file()]:
        raise UsageError(f"{origin} is not whole: {lacking[0]} is missing; download or unpack it again")
    check_version(course)
    return course


def _unzip(archive: Path, place: Path) -> Path:
    """Regular members only, inside `place` only, of bounded number and size; where in it the course lies."""
    try:
        with zipfile.ZipFile(archive) as file:
            members = [m for m in file.infolist() if not m.is_dir()]
            if len(members) > MOST_FILES or sum(m.file_size for m in members) > MOST_BYTES:
                raise UsageError(f"{archive} is larger than a course can be; nothing was copied")
            for member in members:
                target = (place / member.filename).resolve()
                if not target.is_relative_to(place.resolve()) or (member.external_attr >> 28) not in (0, 8):
                    raise UsageError(f"{archive} holds {member.filename!r}, which is no plain file of a course; nothing was copied")
            file.extractall(place, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:  # RuntimeError: encrypted
        raise UsageError(f"{archive} is not a zip archive that can be read ({error}); nothing was copied") from None
    holders = [p.parent for p in place.rglob(COURSE_FILE)]
    return min(holders, key=lambda p: (p.name == "solutions", len(p.parts)), default=place)


# Up to date -----------------------------------------------------------------------------------------------------------


def update(folder: CourseFolder, source: Path | None) -> Updated:
    """Bring the copy in `folder` to the release in `source` (default: where it came from, or what is kept of it)."""
    if folder.is_instructor:
        raise UsageError(f"{folder.root} is an instructor's course; `grade release` writes its assignments/")
    root, before = folder.root, _as_begun(folder)
    with _opened(source or _origin(root)) as course:
        if not set(before.slugs) & set(course.slugs):
            raise UsageError(f"{source or _origin(root)} is another course ({course.title}) than the one in {root} ({before.title}); nothing was changed")
        try:
            done = _bring(root, before, course)
            if course.folder.source != root / KEPT:
                _keep(course, source or _origin(root), root)
        except OSError as error:
            raise UsageError(f"{error.filename or root} cannot be written ({error.strerror or error}); what you wrote is as it was") from error
    return done


def _as_begun(folder: CourseFolder) -> Course:
    """The release the copy was made from; if its `course.toml` was damaged, as it is kept."""
    try:
        return load_course(folder)
    except CourseError:
        if not (folder.root / KEPT / COURSE_FILE).is_file():
            raise
        return load_course(learners_folder(folder.root / KEPT))


def _origin(root: Path) -> Path:
    if (root / ORIGIN).is_file():
        named = Path((root / ORIGIN).read_bytes().decode(errors="surrogateescape"))
        if named.exists():
            return named
    if (root / KEPT / COURSE_FILE).is_file():
        return root / KEPT
    raise UsageError(f"{root} does not know where it came from; name the release: `grade start --update --from ZIP|FOLDER`")


def _bring(root: Path, before: Course, course: Course) -> Updated:
    """Write what differs from the release; a learner's file that was begun stays, any other that was changed is kept beside."""
    restored, kept, outdated = [], [], []
    for path in sorted(_files(course), key=lambda path: path == COURSE_FILE):  # the manifest last
        new, there = (course.folder.source / path).read_bytes(), root / path
        old = there.read_bytes() if there.is_file() else None
        if old == new:
            continue
        is_binary = path.endswith(BINARY)
        is_own = old is not None and path != COURSE_FILE and not is_as_released(old, before.digests.get(path), is_binary)
        if is_own and path in _written_by_learners(course):
            if before.digests.get(path) != course.digests.get(path):
                outdated.append(path)
            continue
        if is_own and not is_binary:
            kept.append(set_aside(there).relative_to(root).as_posix())
        write_bytes(new, there)
        restored.append(path)
    return Updated(course=load_course(learners_folder(root)), restored=tuple(restored), kept=tuple(kept), outdated=tuple(outdated))


def _written_by_learners(course: Course) -> frozenset[str]:
    return frozenset(f"{slug}/{stem(slug)}{ending}" for slug in course.slugs for ending in (".py", ".ipynb"))


def set_aside(file: Path) -> Path:
    """Keep a copy of `file` in the first free of `lstm-1.py`, `lstm-2.py`, ..."""
    number = 1
    while (aside := file.with_name(f"{file.stem}-{number}{file.suffix}")).exists():
        number += 1
    write_bytes(file.read_bytes(), aside)
    return aside
