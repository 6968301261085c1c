"""Audits kept by content: what was audited green or red need not be audited again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from grader.audit.audit import Audit, audit
from grader.course import material
from grader.course.course import Course
from grader.errors import CourseError
from grader.record.recording import write_bytes


def audited(course: Course, slugs: Iterable[str], seeds: tuple[int | None, ...], jobs: int | None, progress) -> list[Audit]:
    """Audits in order; only those whose exercise, mistakes or this package changed are made anew."""
    slugs = tuple(slugs)
    files = {slug: _file(course, slug, seeds) for slug in slugs}
    found = {slug: _read(file) for slug, file in files.items() if file}
    lacking = [slug for slug in slugs if found.get(slug) is None]
    for made in audit(course.folder.root, lacking, seeds, jobs, progress) if lacking else ():
        found[made.slug] = made
        if files[made.slug]:
            _write(made, files[made.slug])
    return [found[slug] for slug in slugs]


def _file(course: Course, slug: str, seeds: tuple) -> Path | None:
    try:
        exercise = material.load(course, slug)
        key = hashlib.sha256(f"{exercise.key}|{exercise.mistakes}|{seeds}|{package_digest()}".encode()).hexdigest()
        return exercise.cache_file.with_name(f"{slug}-audit-{key[:24]}.json")
    except CourseError:
        return None  # the audit itself will say what is broken


def package_digest() -> str:
    """Digest of this package's code: another engine may judge otherwise."""
    sha = hashlib.sha256()
    for file in sorted(Path(__file__).resolve().parents[1].rglob("*.py")):
        sha.update(file.read_bytes())
    return sha.hexdigest()


def _read(file: Path) -> Audit | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Audit)
    except (OSError, msgspec.DecodeError):
        return None


def _write(made: Audit, file: Path) -> None:
    try:
        write_bytes(msgspec.json.encode(made), file)
    except OSError:
        pass
