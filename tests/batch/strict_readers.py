"""Readers of what platforms take, written from their importers and knowing nothing of our writers."""

from __future__ import annotations

import csv
import io
import re


def canvas(text: str, known_titles: dict[str, str], students: dict[str, str]) -> dict[str, dict[str, float | str | None]]:
    """As Canvas's gradebook importer reads: {title: {student id: score}}.

    known_titles: assignment id -> title; students: id -> name. Anything the importer would take for something new is an error.
    """
    rows = list(csv.reader(io.StringIO(text), strict=True))
    header = rows[0]
    assert re.search("Student", header[0]) and re.search("ID", header[1]), "not a gradebook"
    last_fixed = max(k for k, name in enumerate(header) if name in ("ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section"))
    assert header[last_fixed] == "Section"
    columns = {}
    for k in range(last_fixed + 1, len(header)):
        found = re.fullmatch(r"(.*?)\s*\((\d+)\)", header[k])
        assert found and known_titles.get(found[2]) == found[1], f"Canvas would make a new assignment {header[k]!r}"
        columns[k] = found[1]
    marks: dict[str, dict] = {title: {} for title in columns.values()}
    for row in rows[1:]:
        assert len(row) == len(header), "ragged"
        if row[0].strip() in ("Points Possible", "") or row[1] == "":
            continue
        assert row[1] in students, f"Canvas knows no student {row[1]}"
        for k, title in columns.items():
            cell = row[k].strip()
            marks[title][row[1]] = None if cell == "" else "EX" if cell.upper() == "EX" else float(cell)
    return marks


def moodle(text: str, participants: dict[str, str], most: float) -> dict[str, tuple[float | None, str]]:
    """As Moodle's offline grading importer reads an English worksheet: {participant id: (grade, comment)}."""
    rows = list(csv.reader(io.StringIO(text), strict=True))
    header = rows[0]
    index = {name: header.index(name) for name in ("Identifier", "Grade", "Last modified (grade)", "Feedback comments")}
    found = {}
    for row in rows[1:]:
        assert len(row) == len(header), "ragged"
        number = row[index["Identifier"]][len("Participant "):]
        assert number in participants, f"Moodle knows no participant {number}"
        grade = row[index["Grade"]]
        value = float(grade) if grade else None
        assert value is None or 0 <= value <= most, "grade out of range"
        found[number] = value, row[index["Feedback comments"]]
    return found


def feedback_owner(path: str, participants: set[str]) -> str | None:
    """The participant to whom Moodle's feedback zip importer gives a file."""
    for part in path.split("/"):
        info = part.split("_", 4)
        if len(info) >= 4 and info[1].isnumeric() and info[1] in participants and info[2] in ("assignsubmission", "assignfeedback") and info[3] == "file":
            return info[1]
    return None


def canvas_comment(path: str) -> tuple[str | None, str | None]:
    """(user id, attachment id) that Canvas infers from the name of a file that is uploaded again."""
    numbers = [piece for piece in path.split("/")[-1].split("_") if re.fullmatch(r"\d+", piece)]
    return (*numbers[:2], None, None)[:2]
