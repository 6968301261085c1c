"""`grade start`: a learner's copy of a released course, from the package, a folder or a zip."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

from grader.course.course import COURSE_FILE, Course, CourseFolder, load_course
from grader.errors import UsageError

MOST_FILES = 5_000
MOST_BYTES = 256 << 20


def packaged_course() -> Path:
    """The course that comes with the package (in a checkout: the one beside it)."""
    here = Path(__file__).resolve().parent
    for place in (here / "assignments", here.parent / "assignments"):
        if (place / "course.toml").is_file():
            return place
    raise UsageError("this installation carries no course; name one with --from ZIP|FOLDER")


def start(directory: Path, source: Path | None) -> Course:
    """Copy the course into `directory`, which must be new or empty; nothing is left behind when it fails."""
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty; name a new folder, nothing was copied")
    with tempfile.TemporaryDirectory() as unpacked:
        origin = source or packaged_course()
        if origin.is_file():
            origin = _unzip(origin, Path(unpacked))
        course = _released(origin)
        shutil.copytree(course.folder.source, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".grade", ".git"))
    (directory / ".gitignore").write_text(".grade/\n__pycache__/\n", encoding="utf-8")
    return load_course(CourseFolder(root=directory, solutions=None, assignments=directory))


def _released(origin: Path) -> Course:
    """The release in `origin`, or right below it."""
    place = next((p for p in (origin, origin / "assignments") if (p / COURSE_FILE).is_file()), None)
    if place is None:
        raise UsageError(f"{origin} holds no course (no {COURSE_FILE}); a release is the folder or zip that `grade release` writes")
    course = load_course(CourseFolder(root=place, solutions=None, assignments=place))
    if course.secret is not None:
        raise UsageError(f"{origin} is an instructor's course with its solutions; name its assignments/ folder or a release")
    return course


def _unzip(archive: Path, place: Path) -> Path:
    """Regular members only, inside `place` only, of bounded number and size."""
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
    except (zipfile.BadZipFile, OSError) as error:
        raise UsageError(f"{archive} is not a zip archive that can be read ({error})") from None
    holders = [p.parent for p in place.rglob("course.toml")]
    return min(holders, key=lambda p: len(p.parts)) if holders else place
