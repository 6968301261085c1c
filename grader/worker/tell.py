"""Inside the worker: say what a student's exception was and where, in plain data cut to size."""

from __future__ import annotations
import __future__

import sys
from collections.abc import Iterator
from typing import Any

MAX_TEXT = 500
MAX_FRAMES = 12
FUTURE_FLAGS = 0
for _name in __future__.all_feature_names:
    FUTURE_FLAGS |= getattr(__future__, _name).compiler_flag

_sources: dict[str, list[str]] = {}


def remember_sources(pieces: dict[str, str]) -> None:
    """Labels of the student's pieces: only frames in these are told."""
    _sources.clear()
    _sources.update({label: text.split("\n") for label, text in pieces.items()})


def failure(line: int, label: str, names: list[str], raised: dict) -> dict:
    return {"line": line, "file": label, "names": names[:50], "raised": raised}


def syntax_error(error: SyntaxError) -> dict:
    frame = _frame(error.filename or "", error.lineno or 1, (error.offset or 1) - 1, error.end_offset, None, {})
    return {"type": type(error).__name__, "message": _cut(str(error.msg)), "bases": ["SyntaxError", "Exception"],
            "frames": [frame] if frame else []}


def exception(error: BaseException) -> dict[str, Any]:
    """Type, message, bases and the student's frames; robust against hostile `__str__`."""
    if isinstance(error, SyntaxError) and error.filename in _sources:
        return syntax_error(error)
    return {"type": _cut(type(error).__name__, 80), "message": _message(error),
            "bases": [_cut(c.__name__, 80) for c in type(error).__mro__[:20]], "module": getattr(error, "name", None) if
            isinstance(error, ImportError) and isinstance(getattr(error, "name", None), str) else None,
            "frames": list(_frames(error))[-MAX_FRAMES:]}


def line_reached(error: BaseException, code: Any) -> int:
    """The line at which a module's own code was left; 0 when unknown."""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return traceback.tb_lineno
        traceback = traceback.tb_next
    return 0


def _message(error: BaseException) -> str:
    try:
        return _cut(str(error))
    except BaseException:  # noqa: BLE001 - a hostile __str__
        return "(the exception's own text could not be read)"


def _cut(text: str, size: int = MAX_TEXT) -> str:
    text = text if len(text) <= size else text[:size] + f" ... ({len(text) - size} characters more)"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _frames(error: BaseException) -> Iterator[dict]:
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename in _sources:
            start, end = _columns(code, traceback.tb_lasti, traceback.tb_lineno)
            yield _frame(code.co_filename, traceback.tb_lineno, start, end, code.co_name, traceback.tb_frame.f_locals)
        traceback = traceback.tb_next


def _columns(code: Any, lasti: int, line: int) -> tuple[int | None, int | None]:
    for k, (first, last, start, end) in enumerate(code.co_positions()):
        if k == lasti // 2:
            return (start, end) if first == last == line else (None, None)
    return None, None


def _frame(file: str, line: int, column: int | None, end: int | None, function: str | None, variables: dict) -> dict | None:
    lines = _sources.get(file)
    if lines is None:
        return None
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return {"file": file, "line": line, "text": _cut(text, 200), "column": column, "end_column": end, "function": function,
            "shapes": _shapes(text, variables)}


def _shapes(text: str, variables: dict) -> dict[str, str]:
    """Shapes of the arrays whose names stand on the line."""
    numpy = sys.modules.get("numpy")
    words = set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())
    found = {}
    for name in sorted(words & variables.keys())[:8]:
        value = variables[name]
        if value is None:
            found[name] = "None"
        elif numpy is not None and isinstance(value, numpy.ndarray):
            found[name] = f"{tuple(value.shape)} {value.dtype}"[:80]
    return found
