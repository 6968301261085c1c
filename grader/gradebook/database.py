"""`RUN/gradebook.sqlite`: marks, tests and diagnoses as tables, for questions of one's own. Derived; made anew each time."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

from grader.gradebook.book import Book

FILE = "gradebook.sqlite"
SCHEMA = """
create table run (slug text, title text, digest text, tool text, level text, state text);
create table marks (student text primary key, name text, email text, section text, state text, raw real, penalty real, days_late integer,
                    score real, points_total real, excused integer, handed_in text, file text, sha256 text, reasons text, comments text);
create table tests (student text, test text, part text, visibility text, verdict text, score real, max_score real);
create table diagnoses (student text, mistakes text, certainty text, part text);
"""


def write_database(book: Book, run: Path) -> bool:
    """Whether it could be written; losing it loses nothing."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=run, prefix=FILE, suffix=".tmp")
        os.close(descriptor)
    except OSError:
        return False
    try:
        _fill(Path(temporary), book)
        os.chmod(temporary, 0o644)
        os.replace(temporary, run / FILE)
    except (OSError, sqlite3.Error):
        Path(temporary).unlink(missing_ok=True)
        return False
    return True


def _fill(file: Path, book: Book) -> None:
    connection = sqlite3.connect(file)
    try:
        with connection:
            connection.executescript(SCHEMA)
            m = book.manifest
            connection.execute("insert into run values (?,?,?,?,?,?)", (book.slug, book.title, m.assignment.digest, m.tool, m.options.level, m.state))
            for r in book.rows:
                h = r.hand_in
                connection.execute(f"insert into marks values ({','.join('?' * 16)})", (
                    r.student, r.person.name, r.person.email, r.person.section, r.state, r.raw, r.penalty, r.days_late, r.score, book.points_total,
                    int(r.excused), h and h.at, h and h.file, h and h.sha256, "\n".join(r.reasons), "\n".join(r.comments)))
                for t in r.report.tests if r.report else ():
                    connection.execute("insert into tests values (?,?,?,?,?,?,?)", (r.student, t.id, t.part, t.visibility, t.verdict.value, t.score, t.max_score))
                for d in r.report.diagnoses if r.report else ():
                    connection.execute("insert into diagnoses values (?,?,?,?)", (r.student, "+".join(d.mistakes), d.certainty, d.part))
    finally:
        connection.close()
