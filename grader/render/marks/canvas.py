"""Canvas: one column of a gradebook that was exported from it is filled; every other score column is left out.

A column that Canvas does not know would become a new assignment, so an unknown title is refused; columns that are
left out cannot be changed by the import.
"""

from __future__ import annotations

import re

from grader.errors import UsageError
from grader.gradebook.book import Book, Row
from grader.gradebook.table import to_csv
from grader.render.marks.filled import Filled, rows_of, score_text

FIXED = ("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section")
_ID = re.compile(r"\s*\(\d+\)\Z")


def to_canvas(book: Book, exported: str, title: str) -> Filled:
    rows = rows_of(exported, "the gradebook")
    header = rows[0]
    if len(header) < 3 or header[0] != "Student" or header[1] != "ID" or "Section" not in header:
        raise UsageError("the gradebook is none of Canvas: its first line begins with Student, ID and goes on to Section; "
                         "export it from Canvas (Grades, Export) and leave it as it is")
    column = _column(header, title)
    fixed = list(range(header.index("Section") + 1))
    possible = next((_number(row[column]) for row in rows[1:4] if row and row[0].strip() == "Points Possible" and len(row) > column), None)
    scale = possible / book.points_total if possible and book.points_total else 1.0
    out, seen, notices = [[*(header[k] for k in fixed), header[column]]], set(), []
    for row in rows[1:]:
        row = row + [""] * (len(header) - len(row))
        mine = None if _is_no_student(row) else _find(book, dict(zip(header, row, strict=False)))
        cell = row[column]
        if mine is not None:
            if mine.student in seen:
                raise UsageError(f"two rows of the gradebook are {mine.student}; mend the roster so that ids tell students apart")
            seen.add(mine.student)
            cell = "EX" if mine.excused else score_text(mine.score * scale) if mine.score is not None else cell
        out.append([*(row[k] for k in fixed), cell])
    filled = [r for r in book.rows if r.student in seen and (r.excused or r.score is not None)]
    if scale != 1.0:
        notices.append(f"{header[column]!r} has {possible:g} points possible: scores of {book.points_total:g} were scaled")
    strangers = [r.student for r in book.rows if r.student not in seen and (r.score is not None or r.excused)]
    notices += [f"{len(strangers)} with a mark are not in the gradebook: {', '.join(strangers[:10])}"] if strangers else []
    notices += [f"{r.student}: not graded, the cell is left as it was" for r in book.rows if r.state == "ungraded"]
    return Filled(text=to_csv(out), filled=len(filled), notices=tuple(notices))


def _column(header: list[str], title: str) -> int:
    """The one column called `title`, with or without the id in brackets."""
    after = header.index("Section") + 1
    exact = [k for k in range(after, len(header)) if header[k] == title]
    loose = [k for k in range(after, len(header)) if _ID.sub("", header[k]) == title.strip()]
    found = exact or loose
    if len(found) != 1:
        known = ", ".join(repr(name) for name in header[after:after + 20])
        what = "stands twice; give the title with its number" if found else "is no column of the gradebook"
        raise UsageError(f"{title!r} {what}; there are {known}. (Canvas would make a new assignment of an unknown title.)")
    return found[0]


def _is_no_student(row: list[str]) -> bool:
    return not row[0].strip() or row[0].strip() == "Points Possible" or row[0].startswith("    ")


def _find(book: Book, cells: dict[str, str]) -> Row | None:
    """By Canvas's id, then SIS id, login, then the name if it is nobody else's."""
    for name in ("ID", "SIS User ID", "SIS Login ID"):
        if key := cells.get(name, "").strip():
            of_platform = [r for r in book.rows if name == "ID" and r.hand_in and r.hand_in.reply and key in r.hand_in.ids]
            found = of_platform or [r for r in book.rows if key.casefold() in (r.person.keys() if name != "ID" else _further(r))]
            if len(found) == 1:
                return found[0]
    return None


def _further(row: Row) -> frozenset[str]:
    return frozenset(value.casefold() for value in row.person.others.values() if value)


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", ""))
    except ValueError:
        return None
