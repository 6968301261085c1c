"""CSV in and out: rows with their line, and cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.errors import CourseError, UsageError

MOST_BYTES = 64 << 20
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?%?\Z")


def read_table(file: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]] | None:
    """`(line, {column: value})` of every row, values stripped; None when there is no such file."""
    if not file.is_file():
        return None
    text = read_text(file, CourseError)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if missing := [name for name in needed if name not in header]:
            known = ",".join((*needed, *optional))
            raise CourseError(f"the column {missing[0]!r} is missing; the first line reads {known}", f"{file.name}:1")
        if doubled := next((name for name in header if header.count(name) > 1), None):
            raise CourseError(f"the column {doubled!r} stands twice", f"{file.name}:1")
        rows = []
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                raise CourseError(f"{len(cells)} cells, but the first line names {len(header)} columns; quote commas inside a cell",
                                  f"{file.name}:{line}")
            cells += [""] * (len(header) - len(cells))
            rows.append((line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}))
        return rows
    except csv.Error as error:
        raise CourseError(f"not CSV: {error}", f"{file.name}:{reader.line_num}") from None


def read_text(file: Path, kind: type[CourseError] | type[UsageError]) -> str:
    """UTF-8, with or without its mark."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise kind(f"{file.name} is larger than {MOST_BYTES >> 20} MiB")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise kind(f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise kind(f"{file.name} is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)") from None


def defused(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe; plain numbers stay."""
    cell = cell.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _PLAIN_NUMBER.match(cell):
        return "'" + cell
    return cell


def to_csv(rows: Iterable[Sequence[str]]) -> str:
    """Rows as text; every cell is defused."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([defused(str(cell)) for cell in row] for row in rows)
    return text.getvalue()
