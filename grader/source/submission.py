"""A student's file -> its source text, read as data: nothing of it is imported, compiled or run here.

    read_submission(Path("lstm.ipynb"))  -> Submission(pieces=(Piece("cell 2", "..."), ...))
    submission_from_bytes(raw, ...)      -> the same without a file system

Whatever cannot be read is a `SubmissionRefused` whose message says what was seen, what was needed and what to do.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Literal

import msgspec

from grader.errors import SubmissionRefused
from grader.record.report import Remark
from grader.source.magics import read_cell

MAX_SOURCE_BYTES = 1 << 20
MAX_NOTEBOOK_BYTES = 32 << 20  # pictures included
AGAIN = "Open it in Jupyter, save it and try again."
_BOMS = (  # longer ones first
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Source under one label: the file's name, or "cell 7"; lines are those that the student sees."""

    label: str
    text: str


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The source of one student for one assignment."""

    name: str  # the student, or the file's name without its ending
    file: str  # as reports show it
    kind: Literal["py", "ipynb"]
    sha256: str  # of the file's bytes
    pieces: tuple[Piece, ...]
    remarks: tuple[Remark, ...] = ()


class _Cell(msgspec.Struct, frozen=True):  # what else a notebook holds is not judged
    cell_type: str
    source: str = ""
    input: str = ""  # the source in version 3


class _Sheet(msgspec.Struct, frozen=True):
    cells: tuple[_Cell, ...]


class _Notebook(msgspec.Struct, frozen=True):
    cells: tuple[_Cell, ...] = ()
    worksheets: tuple[_Sheet, ...] = ()  # the cells in version 3


def read_submission(path: Path, name: str | None = None, *, follow_links: bool = True) -> Submission:
    """Read `path` (`.py` or `.ipynb`); a link is followed unless it comes from somebody else."""
    file = _printable(str(path))
    raw = _read_regular(path, file, follow_links)
    kind = path.suffix.lower().removeprefix(".")
    return submission_from_bytes(raw, file=file, kind=kind, name=name or _printable(path.stem))


def submission_from_bytes(raw: bytes, *, file: str, kind: str, name: str) -> Submission:
    """The submission that a file with these bytes is."""
    digest = hashlib.sha256(raw).hexdigest()
    if kind == "py":
        _check_size(len(raw), MAX_SOURCE_BYTES, file)
        pieces = (Piece(label=PurePath(file).name, text=_lines(_decode(raw, file))),)
        return Submission(name=name, file=file, kind=kind, sha256=digest, pieces=pieces)
    if kind == "ipynb":
        _check_size(len(raw), MAX_NOTEBOOK_BYTES, file)
        pieces, remarks = _read_cells(_code_cells(_decode(raw, file), file), file)
        return Submission(name=name, file=file, kind=kind, sha256=digest, pieces=pieces, remarks=remarks)
    raise SubmissionRefused(f"{file}: a submission is a `.py` or an `.ipynb` file; name one of these.")


def _read_regular(path: Path, file: str, follow_links: bool) -> bytes:
    """The bytes of a regular file, one more than allowed at most; never waits for a pipe or a device."""
    flags = os.O_RDONLY
    for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", *(() if follow_links else ("O_NOFOLLOW",))):
        flags |= getattr(os, flag, 0)  # some systems lack some
    try:
        descriptor = os.open(path, flags)
        try:
            _check_regular(os.fstat(descriptor).st_mode, file)
            with open(descriptor, "rb", closefd=False) as stream:
                return stream.read(MAX_NOTEBOOK_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise SubmissionRefused(f"{file} is not there. Name the `.py` or `.ipynb` file with `--file`.") from error
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        if not follow_links and os.path.islink(path):
            raise SubmissionRefused(f"{file} is a link; needed is the file itself. Hand in a copy.") from error
        reason = getattr(error, "strerror", None) or error
        raise SubmissionRefused(f"{file} cannot be read ({reason}). Check its path and permissions.") from error


def _check_regular(mode: int, file: str) -> None:
    if stat.S_ISDIR(mode):
        raise SubmissionRefused(f"{file} is a folder; name the `.py` or `.ipynb` file in it.")
    if not stat.S_ISREG(mode):
        raise SubmissionRefused(f"{file} is a pipe, a device or the like; name a `.py` or `.ipynb` file.")


def _check_size(size: int, limit: int, what: str) -> None:
    if size > limit:
        raise SubmissionRefused(f"{what}: larger than {limit >> 20} MiB, the most that is read. "
                                "Move data and pictures out of the file, clear outputs.")


def _decode(raw: bytes, file: str) -> str:
    """UTF-8, with or without its mark; other encodings are named as what they look like."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            raise SubmissionRefused(f"{file} is {encoding} text; needed is UTF-8. Save it as UTF-8 and try again.")
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SubmissionRefused(
            f"{file} is not UTF-8: byte 0x{raw[error.start]:02X} at offset {error.start} (line {line}) looks like "
            "Latin-1 (Windows-1252). Save it as UTF-8 and try again."
        ) from error
    _check_text(text, file)
    return text


def _check_text(text: str, where: str) -> None:
    """Refuse what no source text holds."""
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise SubmissionRefused(f"{where} holds a NUL character (line {line}), as binary files and UTF-16 do. "
                                "Save it as UTF-8 text and try again.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise SubmissionRefused(f"{where} holds half a character ({half}). Type that character anew.") from error


def _lines(text: str) -> str:
    """Windows' and old line ends become "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _printable(name: str) -> str:
    """File names may hold bytes that no text can; these are shown as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _code_cells(text: str, file: str) -> Iterator[tuple[int, str]]:
    """(number, source) of the code cells; all cells are counted, from 1."""
    import nbformat  # takes a tenth of a second: for notebooks only

    try:
        tree = nbformat.reader.parse_json(text, object_pairs_hook=_unique_keys)
    except RecursionError as error:
        raise SubmissionRefused(f"{file} is nested too deeply for a notebook. {AGAIN}") from error
    except ValueError as error:
        raise SubmissionRefused(f"{file} is not a notebook: {error.__cause__ or 'no JSON'}. {AGAIN}") from error
    version = tree.get("nbformat") if isinstance(tree, dict) else None
    if type(version) is not int or version not in (3, 4):
        seen = f"its `nbformat` is {_short(version)}"
        raise SubmissionRefused(f"{file} is not a notebook of version 3 or 4 ({seen}). {AGAIN}")
    try:
        notebook = msgspec.convert(nbformat.versions[version].to_notebook_json(tree), _Notebook)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise SubmissionRefused(f"{file} is not laid out as a notebook (see `{_short(error)}`). {AGAIN}") from error
    cells = notebook.cells if version == 4 else [cell for sheet in notebook.worksheets for cell in sheet.cells]
    for number, cell in enumerate(cells, 1):
        if cell.cell_type == "code":
            yield number, cell.source if version == 4 else cell.input


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Which of two equal keys counts would be the reader's choice: another program could see another notebook."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {_short(max(found, key=keys.count))} stands twice")
    return found


def _short(value: object) -> str:
    return _printable(str(value) if isinstance(value, Exception) else repr(value))[:80]


def _read_cells(cells: Iterator[tuple[int, str]], file: str) -> tuple[tuple[Piece, ...], tuple[Remark, ...]]:
    """The Python of the code cells, and what was left out of them."""
    pieces, remarks, size = [], [], 0
    for number, source in cells:
        _check_text(source, f"{file}, cell {number},")
        size += len(source.encode())
        _check_size(size, MAX_SOURCE_BYTES, f"the code cells of {file}")
        cell = read_cell(_lines(source))
        if cell.magic:
            left_out = f"Cell {number} (`{cell.magic}`) is not Python and was left out."
            remarks.append(Remark(kind="cell_left_out", text=left_out))
        else:
            pieces.append(Piece(label=f"cell {number}", text=cell.python))
        for line in cell.unassigned:
            left_out = f"Cell {number}, line {line} is a notebook command and was left out; its name is missing."
            remarks.append(Remark(kind="line_left_out", text=left_out))
    return tuple(pieces), tuple(remarks)
