"""CSV with parts, and the Markdown summary."""

from __future__ import annotations

from grader.gradebook.book import Book, Row
from grader.gradebook.statistics import Statistics
from grader.gradebook.table import to_csv
from grader.render.text import Style, visible
from grader.render.words import points


def to_table(book: Book) -> str:
    """One line per student; the title of the score says whether penalties are inside."""
    parts = list({part.name: None for row in book.rows if row.report for part in row.report.parts})
    header = ["student", "name", "email", "sis_id", "section", f"score ({book.late.sentence()})", "points_total", "raw", "penalty", "days_late", "state",
              *(f"part: {name}" for name in parts), "handed_in", "adjustments", "comments"]
    return to_csv([header, *(_line(row, parts, book) for row in book.rows)])


def _line(row: Row, parts: list[str], book: Book) -> list[str]:
    of_part = {part.name: points(part.score) for part in row.report.parts} if row.report and row.raw is not None else {}
    return [row.student, row.person.name, row.person.email, row.person.sis_id, row.person.section, _number(row.score), points(book.points_total),
            _number(row.raw), points(row.penalty), str(row.days_late), row.state, *(of_part.get(name, "") for name in parts),
            (row.hand_in.at if row.hand_in else None) or "", "; ".join(row.reasons), "; ".join(row.comments)]


def _number(score: float | None) -> str:
    return "" if score is None else points(score)


def to_markdown(book: Book, found: Statistics) -> str:
    """For a job summary."""
    lines = [f"# {_cell(book.title)}: {len(book.rows)} students, {book.late.sentence()}", ""]
    lines += ["| state | students |", "|---|---|", *(f"| {state.replace('_', ' ')} | {n} |" for state, n in found.verdicts.items()), ""]
    if found.mistakes:
        lines += ["| misconception | certain | possible |", "|---|---|---|", *(f"| {_cell(n)} | {c} | {p} |" for n, c, p in found.mistakes[:20]), ""]
    if found.tests:
        lines += ["| test | pass | fail | neither |", "|---|---|---|---|"]
        lines += [f"| {_cell(t.title)} ({_cell(t.id)}, {t.visibility}) | {t.passed} | {t.failed} | {t.waiting} |" for t in found.tests]
        lines.append("")
    lines += ["| student | score | raw | state | adjustments |", "|---|---|---|---|---|"]
    lines += [f"| {_cell(r.shown_name)} | {_number(r.score)} | {_number(r.raw)} | {r.state.replace('_', ' ')} | {_cell('; '.join(r.reasons))} |" for r in book.rows]
    if book.unowned:
        lines += ["", "Without an owner:", "", *(f"- {_cell(u.path)}: {_cell(u.reason)}" for u in book.unowned)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Nothing in it is Markdown or HTML."""
    shown = visible(" ".join(text.split()), Style())
    return "".join(f"&#{ord(char)};" if char in "\\`*_[]<>|#&~!" else char for char in shown)
