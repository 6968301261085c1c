"""`--anonymous KEYFILE`: pseudonyms instead of names; the key file alone leads back, and is kept from run to run."""

from __future__ import annotations

import os
import random
from pathlib import Path

from msgspec.structs import replace

from grader.errors import UsageError
from grader.gradebook.book import Book, Row
from grader.gradebook.roster import Person
from grader.gradebook.table import read_table, to_csv


def anonymous(book: Book, keyfile: Path) -> Book:
    """The book with a pseudonym for every student, in the order of the pseudonyms."""
    names = _names(keyfile, [row.student for row in book.rows])
    rows = sorted((_row(row, names[row.student], book) for row in book.rows), key=lambda row: row.student)
    return replace(book, rows=tuple(rows), manifest=replace(book.manifest, hand_ins=(), unowned=()))


def _names(keyfile: Path, students: list[str]) -> dict[str, str]:
    known = {row["student"]: row["pseudonym"] for _, row in read_table(keyfile, ("student", "pseudonym")) or ()}
    lacking = [s for s in students if s not in known]
    if lacking:
        taken = set(known.values())
        free = [name for name in (f"student-{n:04}" for n in range(1, len(students) + len(taken) + 1)) if name not in taken]
        random.SystemRandom().shuffle(lacking)
        known |= dict(zip(lacking, free, strict=False))
        try:
            descriptor = os.open(keyfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(to_csv([("student", "pseudonym"), *sorted(known.items())]))
        except OSError as error:
            raise UsageError(f"{keyfile} cannot be written ({error.strerror}); the key must be kept, or nobody is found again") from None
    return known


def _row(row: Row, name: str, book: Book) -> Row:
    """Reports name a student's file by the exercise's name for it, except in one field."""
    report = row.report
    if report is not None:
        file = f"{book.slug.replace('-', '_')}.{report.submission.kind}"
        report = replace(report, submission=replace(report.submission, name=name, file=file))
    return replace(row, student=name, person=Person(student=name), hand_in=None, report=report)
