"""Where an exercise's files lie and what they add up to: tests, reference, recordings, digests.

With `solutions/` at hand the reference is recorded once and kept in `.grade/cache`; a release brings its recording.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import msgspec
import numpy as np

from grader import __version__
from grader.course.assignment import ASSIGNMENT_FILE, Assignment, check_framework
from grader.course.course import Course, load_assignment
from grader.course.manifest import RESTORES, altered_tests, changed_files
from grader.errors import AlteredError, CourseError
from grader.record import recording
from grader.record.mistake import Mistake, read_mistakes
from grader.source.submission import Submission, read_submission

MISTAKES_FILE = "mistakes.toml"


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise as files."""

    course: Course
    assignment: Assignment
    folder: Path  # solutions/SLUG, or the released SLUG
    tests: Path
    reference: Submission | None
    digest: str  # of what students' marks depend on, the secret aside
    key: str  # of the recording
    secret: str
    altered: tuple[str, ...] = ()  # tests of a release that a learner changed

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """Known mistakes; none where there are no solutions (a release brings what they answer)."""
        return read_mistakes(self.folder / MISTAKES_FILE, self.mistakes_shown) if self.reference else ()

    @property
    def mistakes_digest(self) -> str:
        """Of `mistakes`, which need not be read for it."""
        file = self.folder / MISTAKES_FILE
        return hashlib.sha256(file.read_bytes()).hexdigest() if self.reference and file.is_file() else ""

    @property
    def mistakes_shown(self) -> str:
        return self.course.folder.shown(self.folder / MISTAKES_FILE)

    @property
    def cache_file(self) -> Path:
        return self.course.folder.root / ".grade" / "cache" / f"{self.assignment.slug}-{self.key[:24]}.recording"

    def recorded(self) -> recording.Recording | None:
        """The recording at hand: from the cache, or the released one."""
        if self.reference is None:
            return self._released()
        try:
            found = recording.read(self.cache_file)
        except (OSError, AlteredError):
            return None  # a cache is made anew
        return found if found.key == self.key else None

    def _released(self) -> recording.Recording:
        file = self.folder / self.assignment.expected_name
        try:
            return recording.read(file)
        except FileNotFoundError:
            raise AlteredError(f"{file} is missing; `grade start --update` restores it") from None

    def keep(self, made: recording.Recording) -> None:
        """Put a recording into the cache; a folder that cannot be written costs time, nothing else."""
        try:
            recording.write(made, self.cache_file)
            _forget_old(self.cache_file)
        except OSError:
            pass


def _forget_old(newest: Path, keep: int = 6) -> None:
    """Only a few recordings per exercise stay in the cache."""
    stem = newest.name.rpartition("-")[0]
    files = sorted(newest.parent.glob(f"{stem}-*.recording"), key=lambda f: f.stat().st_mtime, reverse=True)
    for file in files[keep:]:
        file.unlink(missing_ok=True)


def load(course: Course, slug: str, seed: int | None = None) -> Material:
    """The exercise `slug`; `seed` stands in for the course's secret."""
    altered = () if course.folder.is_instructor else altered_tests(course, slug)
    assignment = load_assignment(course, slug)
    check_framework(assignment)
    folder = course.folder.source / slug
    tests = folder / assignment.tests_name
    if not tests.is_file():
        raise CourseError(f"{slug!r} has no tests; needed is a file with functions marked by @part", course.folder.shown(tests))
    reference = read_submission(folder / assignment.source_name, name="reference") if course.folder.is_instructor else None
    secret = str(seed) if seed is not None else course.secret or ""
    digest = _digest(folder, assignment, tests, reference)
    key = hashlib.sha256(f"{digest}|{secret}|{recording.FORMAT}|{__version__}|{np.__version__}".encode()).hexdigest()
    return Material(course=course, assignment=assignment, folder=folder, tests=tests, reference=reference, digest=digest, key=key, secret=secret, altered=altered)


def check_unchanged(exercise: Material) -> None:
    """AlteredError unless all of a release is as it was: on a platform nobody may mark by a changed test."""
    changed = () if exercise.reference else changed_files(exercise.course, exercise.assignment.slug)
    if changed:
        raise AlteredError(f"{changed[0]} is not the file that was released; {RESTORES}")


def _digest(folder: Path, assignment: Assignment, tests: Path, reference: Submission | None) -> str:
    sha = hashlib.sha256(tests.read_bytes())
    settings = folder / ASSIGNMENT_FILE
    sha.update(settings.read_bytes() if settings.is_file() else b"")
    sha.update(reference.sha256.encode() if reference else b"")
    return sha.hexdigest()


def signatures(source: str) -> dict[str, tuple[str, ...]]:
    """Parameter names of the module-level functions (trusted source only: it is parsed here)."""
    return {node.name: tuple(a.arg for a in node.args.posonlyargs + node.args.args)
            for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
