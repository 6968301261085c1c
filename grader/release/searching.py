"""Every file that students will receive, looked through for what they may not: solutions, hidden tests, the secret.

    search(source, files, record)  -> lines that stand there by intention     else CourseError: what was found, file, line
"""

from __future__ import annotations

import getpass
import io
import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

import numpy as np

from grader.course.assignment import ASSIGNMENT_FILE
from grader.course.course import COURSE_FILE, CourseFolder
from grader.course.material import MISTAKES_FILE, Material
from grader.errors import CourseError
from grader.record import recording
from grader.record.recording import Recording
from grader.release import leaks
from grader.release.leaks import Document, Leak
from grader.source import begun
from grader.source.strip import regions

HANDOUT = "README.md"
COMMON_USERS = frozenset("root user users admin runner student students ubuntu debian jovyan vscode codespace docker build home".split())
IMPORTED_BY_TESTS = ("numpy", "pytest", "grader", "scipy")
NOTEBOOK_METADATA = {"kernelspec", "language_info", begun.KEY}
MOST_SAID = 10


def search(source: Material, files: Mapping[str, bytes], record: Recording) -> tuple[str, ...]:
    """Look through every file; what `may_show` excuses is returned as "file:line: text (reason)"."""
    own = source.assignment
    looked_for = _wanted(source, files, record)
    documents = [document for name, data in files.items() for document in _documents(source, name, data, files)]
    reasons = {shown.line.strip(): shown.reason for shown in own.may_show}
    refused = leaks.scan(documents, looked_for, reasons)
    if refused:
        _refuse(source, refused)
    for name, data in files.items():
        _check_bytes(source, name, data)
    shown = [leak for leak in leaks.scan(documents, looked_for) if leak.text in reasons]
    return tuple(f"{_place(source, leak)}: {leak.text} ({reasons[leak.text]})" for leak in shown)


def search_course(source_folder: CourseFolder, secret: str | None, text: str) -> None:
    """`course.toml` of the release tells neither the secret nor where it was made."""
    nothing = leaks.Wanted({}, frozenset(), frozenset(), frozenset(), frozenset(), secret or "", _places(source_folder.root))
    for leak in leaks.scan([Document(COURSE_FILE, text)], nothing):
        place = _line_in(source_folder.source / COURSE_FILE, leak.text.partition(" = ")[2] or leak.text)
        where = source_folder.shown(source_folder.source / COURSE_FILE)
        raise CourseError(f"{leak.what}: `{leak.text}`", f"{where}:{place}" if place else where)


def _wanted(source: Material, files: Mapping[str, bytes], record: Recording) -> leaks.Wanted:
    own = source.assignment
    said = "\n".join(files[name].decode() for name in (HANDOUT, ASSIGNMENT_FILE))
    return leaks.wanted(
        source.reference.pieces[0].text, files[own.source_name].decode(), _text(source.tests), files[own.tests_name].decode(),
        hidden=[row.test for row in record.table if not row.public], page=said, secret=source.course.secret or "",
        places=_places(source.course.folder.root), file=_shown(source, own.source_name))


def _places(root: Path) -> tuple[str, ...]:
    """What would tell on whose machine a release was made."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    named = [user] if len(user) >= 4 and user.lower() not in COMMON_USERS else []
    return (str(root.resolve()), *([str(Path.home())] if len(str(Path.home())) > 6 else []), *named)


def _documents(source: Material, name: str, data: bytes, files: Mapping[str, bytes]) -> Iterator[Document]:
    """The texts of one file."""
    own = source.assignment
    if name == own.expected_name:
        made = recording.decode(data, name)
        told = [text for known in made.known for text in (*known.names, known.says, *known.hint)]
        yield Document(name, "\n".join([*told, *made.items, *made.signatures, *(row.title for row in made.table)]), spoken=None)
    elif name.endswith(".ipynb"):
        sheet = json.loads(data)
        yield Document(f"{name}:metadata", json.dumps([sheet["metadata"], *(cell["metadata"] for cell in sheet["cells"])]), spoken=None)
        for number, cell in enumerate(sheet["cells"], 1):
            yield Document(f"{name}:cell {number}", "".join(cell["source"]), cell["cell_type"] == "code", spoken=None)
    elif not name.endswith(".npz"):
        spoken = {HANDOUT: None, own.source_name: None, ASSIGNMENT_FILE: None}
        lines = leaks.lines_of_tests(data.decode()) if name == own.tests_name else frozenset()
        yield Document(name, data.decode(), name.endswith(".py"), spoken.get(name, lines), name == own.tests_name)


def check_imports(source: Material) -> None:
    """Released tests use neither the solution nor a module that students do not have."""
    allowed = (*IMPORTED_BY_TESTS, *source.assignment.imports)
    for line, module in leaks.strange_imports(_text(source.tests), allowed):
        raise CourseError(f"the tests import `{module}`; they call `student` and `reference`, and use the standard library, "
                          f"{', '.join(allowed)}", f"{_shown(source, source.tests.name)}:{line}")


def _check_bytes(source: Material, name: str, data: bytes) -> None:
    """Nothing that no text shows: outputs in notebooks, texts in data, the secret in binary files."""
    where = _shown(source, name)
    for word in (source.course.secret or "", str(source.course.folder.root.resolve())):
        if name.endswith((".npz", ".expected")) and len(word) >= 8 and word.encode() in data:
            raise CourseError(f"the file holds `{word if '/' in word else 'the secret of the course'}`", where)
    if name.endswith(".npz"):
        _check_arrays(data, where)
    if name.endswith(".ipynb"):
        _check_notebook(json.loads(data), where)


def _check_arrays(data: bytes, where: str) -> None:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            strange = [key for key in arrays.files if arrays[key].dtype.kind not in "fiubc"]
    except (ValueError, OSError, KeyError) as error:
        raise CourseError(f"the data cannot be read without unpickling ({error})", where) from error
    if strange:
        raise CourseError(f"the array `{strange[0]}` holds no numbers; texts and objects are not released unread", where)


def _check_notebook(notebook: dict, where: str) -> None:
    """No outputs, nothing about when and how it was executed."""
    for number, cell in enumerate(notebook.get("cells", ()), 1):
        if cell.get("outputs") or cell.get("execution_count") is not None or cell.get("attachments"):
            found = json.dumps(cell.get("outputs") or cell.get("attachments") or cell["execution_count"])[:120]
            raise CourseError(f"the cell has an output or was executed: `{found}`", f"{where}:cell {number}")
        if strange := sorted(set(cell.get("metadata", ())) & {"execution", "ExecuteTime", "executionInfo", "collapsed"}):
            raise CourseError(f"the cell tells of its execution: `{strange[0]}`", f"{where}:cell {number}")
    if strange := sorted(set(notebook.get("metadata", ())) - NOTEBOOK_METADATA):
        raise CourseError(f"the notebook has metadata of the author's: `{strange[0]}`", where)


def _refuse(source: Material, found: list[Leak]) -> None:
    said = [(f"{leak.what}: `{leak.text[:160]}`", _place(source, leak)) for leak in found]
    more = [f"\n       {what} @ {where}" for what, where in said[1:MOST_SAID]]
    more += [f"\n       and {len(said) - MOST_SAID} more"] if len(said) > MOST_SAID else []
    what, where = said[0]
    advice = "take it out, or list the line and the reason in may_show of assignment.toml; nothing was written"
    raise CourseError(f"students would receive {what} ({advice})", where + "".join(more))


def _place(source: Material, leak: Leak) -> str:
    """Where the author finds the line: in the file it was made from."""
    own, name = source.assignment, leak.file.partition(":")[0]
    inside = {n for region in regions(_text(source.folder / own.source_name), "") for n in range(region.begin, region.end + 1)}
    for candidate in dict.fromkeys((name, HANDOUT, own.source_name, own.tests_name, MISTAKES_FILE, ASSIGNMENT_FILE)):
        if number := _line_in(source.folder / candidate, leak.text, inside if candidate == own.source_name else ()):
            return f"{_shown(source, candidate)}:{number}"
    return f"{own.slug}/{leak.file}:{leak.line} (of the release)"


def _line_in(file: Path, text: str, skipped: Container[int] = ()) -> int | None:
    """The line of `file` that is `text`, else the first that holds it."""
    lines = [line.strip() for line in _text(file).split("\n")] if file.is_file() and text else []
    holding = [number for number, line in enumerate(lines, 1) if text in line and number not in skipped]
    return next((number for number in holding if lines[number - 1] == text), next(iter(holding), None))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig", errors="replace")


def _shown(source: Material, name: str) -> str:
    return source.course.folder.shown(source.folder / name)
