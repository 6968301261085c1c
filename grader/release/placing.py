"""A release is put in its place: all of it or nothing, and never over somebody's edits.

The files are written to a temporary folder beside the target. Then the folders of the exercises are exchanged one by
one, `course.toml` last; if one exchange fails, those before it are taken back.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from grader.course.assignment import is_slug
from grader.course.course import COURSE_FILE, Course, CourseFile
from grader.course.manifest import is_as_released
from grader.course.settings import read_settings
from grader.errors import CourseError, UsageError

BINARY = (".expected", ".npz")


def slug_of(path: str) -> str:
    """`conv2d/README.md` -> `conv2d`."""
    return path.partition("/")[0]


def old_digests(target: Path) -> dict[str, str]:
    """path -> sha256 of the release that is in `target`; empty if there is none."""
    file = target / COURSE_FILE
    digests = read_settings(file, CourseFile, str(file)).digests if file.is_file() else {}
    return {path: digest for path, digest in digests.items() if is_slug(slug_of(path))}


def old_tests(target: Path) -> dict[str, dict[str, str]]:
    """slug -> digests of its tests, of the release that is in `target`."""
    file = target / COURSE_FILE
    return read_settings(file, CourseFile, str(file)).tests if file.is_file() else {}


def check_target(course: Course, target: Path) -> None:
    """Refuse to write a release into anything but a release."""
    solutions = course.folder.source.resolve()
    if target.resolve().is_relative_to(solutions):
        raise UsageError(f"{target} lies in {solutions.name}/, which never leaves your machine; name another folder")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; name a folder")
    there = sorted(entry.name for entry in target.iterdir()) if target.exists() else []
    others = [name for name in there if not name.startswith(".")]
    if others and COURSE_FILE not in others:
        raise UsageError(f"{target} is no release and not empty (it has {others[0]}); name another folder")


def place(tree: Mapping[str, bytes], removed: Iterable[str], target: Path) -> None:
    """Write `tree` (path -> bytes) to `target`: its exercises take the place of the old ones, `removed` go."""
    slugs = sorted({slug_of(path) for path in tree if "/" in path} | set(removed))
    _check_unedited(tree, slugs, target)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".release-", dir=target.resolve().parent) as temporary:
            new, old = Path(temporary, "new"), Path(temporary, "old")
            old.mkdir()
            for path, data in tree.items():
                (new / path).parent.mkdir(parents=True, exist_ok=True)
                (new / path).write_bytes(data)
            _exchange([*slugs, COURSE_FILE], new, old, target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written ({error.strerror or error}); it is as it was") from error


def _exchange(names: Iterable[str], new: Path, old: Path, target: Path) -> None:
    """Move what `target` has of these names to `old`, and what `new` has of them to `target`."""
    moves = [(place / name, goal / name) for name in names for place, goal in ((target, old), (new, target))]
    done: list[tuple[Path, Path]] = []
    try:
        for source, goal in moves:
            if source.exists():
                os.rename(source, goal)
                done.append((source, goal))
    except OSError:
        for source, goal in reversed(done):
            os.rename(goal, source)
        raise


def _check_unedited(tree: Mapping[str, bytes], slugs: Iterable[str], target: Path) -> None:
    """What would be lost is what was released before, or what is released now."""
    known = old_digests(target)
    edited = []
    for path, file in ((path, file) for slug in slugs for path, file in _files(target, slug)):
        data = file.read_bytes()
        if data != tree.get(path) and not is_as_released(data, known.get(path), binary=file.suffix in BINARY):
            edited.append(str(file))
    if edited:
        more = f" (and {len(edited) - 1} more)" if len(edited) > 1 else ""
        raise CourseError(f"somebody's edit: this file{more} is not what was released here before; move it away or "
                          "delete it, nothing was written", edited[0])


def present(target: Path, names: Iterable[str], strangers: bool) -> dict[str, bytes]:
    """The files of a release, path -> bytes: `course.toml` and exercises that are named; with `strangers` whatever else lies there."""
    others = {entry.name for entry in target.iterdir() if not entry.name.startswith(".")} if strangers and target.is_dir() else set()
    tops = [target / name for name in sorted({*names, *others})]
    files = [(top.name, top) for top in tops if top.is_file()] + [pair for top in tops if top.is_dir() for pair in _files(target, top.name)]
    return {path: file.read_bytes() for path, file in files}


def _files(target: Path, slug: str) -> Iterator[tuple[str, Path]]:
    """The files of an exercise in a release, caches aside."""
    for file in sorted((target / slug).rglob("*")):
        path = file.relative_to(target)
        if file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in path.parts):
            yield path.as_posix(), file
