"""Moodle: the grading worksheet of an assignment is filled; rows and columns stay as they were exported.

Columns are known by their English titles, or by what stands in them where Moodle speaks another language: the
identifier ends in a participant's number, and `--column` names the grade.
"""

from __future__ import annotations

import re

from grader.errors import UsageError
from grader.gradebook.book import Book, Row
from grader.gradebook.table import to_csv
from grader.render.marks.filled import Filled, rows_of, score_text

_PARTICIPANT = re.compile(r"\D*?(\d+)\Z")


def to_moodle(book: Book, exported: str, title: str | None) -> Filled:
    rows = rows_of(exported, "the worksheet")
    header = [name.strip() for name in rows[0]]
    identifier = _identifier(header, rows)
    grade = _index(header, title or "Grade")
    if grade is None:
        raise UsageError(f"{title or 'Grade'!r} is no column of the worksheet; name the grade's with --column, there are {', '.join(map(repr, header))}")
    comments, most, closed = _index(header, "Feedback comments"), _index(header, "Maximum Grade"), _index(header, "Grade can be changed")
    email = next((k for k, name in enumerate(header) if "mail" in name.lower()), None)
    out, seen, filled, notices = [rows[0]], set(), 0, []
    for row in rows[1:]:
        row = row + [""] * (len(header) - len(row))
        mine = _find(book, row, identifier, email, header)
        if mine is not None:
            if mine.student in seen:
                raise UsageError(f"two rows of the worksheet are {mine.student}; mend the roster so that ids tell students apart")
            seen.add(mine.student)
            if closed is not None and row[closed].strip().lower() in ("no", "0"):
                notices.append(f"{mine.student}: Moodle says that this grade cannot be changed; left as it was")
            elif mine.score is not None or mine.excused:
                scale = _scale(row[most] if most is not None else "", book)
                row[grade] = "" if mine.excused else score_text(mine.score * scale)
                if comments is not None:
                    row[comments] = comment(mine, row[comments])
                filled += 1
            elif mine.state == "ungraded":
                notices.append(f"{mine.student}: not graded, the cell is left as it was")
        out.append(row)
    strangers = [r.student for r in book.rows if r.student not in seen and (r.score is not None or r.excused)]
    notices += [f"{len(strangers)} with a mark are not in the worksheet: {', '.join(strangers[:10])}"] if strangers else []
    return Filled(text=to_csv(out), filled=filled, notices=tuple(notices))


def comment(row: Row, before: str) -> str:
    """Adjustments and comments; what stood in the cell stays when there are none."""
    return "\n".join((*row.comments, *row.reasons)) or before


def _identifier(header: list[str], rows: list[list[str]]) -> int:
    named = _index(header, "Identifier")
    if named is not None:
        return named
    if all(row and _PARTICIPANT.match(row[0].strip()) for row in rows[1:]) and len(rows) > 1:
        return 0
    raise UsageError("the worksheet is none of Moodle: needed is the column Identifier (Participant 123); download the grading worksheet of the assignment")


def _index(header: list[str], name: str) -> int | None:
    found = [k for k, column in enumerate(header) if column.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else None


def _find(book: Book, row: list[str], identifier: int, email: int | None, header: list[str]) -> Row | None:
    number = _PARTICIPANT.match(row[identifier].strip())
    keys = [row[email]] if email is not None else []
    keys += [row[k] for k, name in enumerate(header) if name.casefold() in ("id number", "username")]
    of_platform = [r for r in book.rows if number and r.hand_in and r.hand_in.reply and number[1] in r.hand_in.ids]
    if len(of_platform) == 1:
        return of_platform[0]
    for key in filter(None, (k.strip().casefold() for k in keys)):
        found = [r for r in book.rows if key in r.person.keys()]
        if len(found) == 1:
            return found[0]
    return None


def _scale(most: str, book: Book) -> float:
    try:
        return float(most.replace(",", ".")) / book.points_total
    except (ValueError, ZeroDivisionError):
        return 1.0
