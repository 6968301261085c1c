"""Known wrong ideas: what `mistakes.toml` says, and the wrong solution that each makes of the reference."""

from __future__ import annotations

import ast
import difflib
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec

from grader.course.settings import Settings, read_settings
from grader.errors import CourseError

Text = Annotated[str, msgspec.Meta(min_length=1)]
once = lru_cache(maxsize=4)  # the reference is asked about with every mistake


class Edit(Settings):
    """A text that stands exactly once in the reference, and what replaces it."""

    find: Text
    replace: str


class Mistake(Settings):
    """One wrong idea: edits to the reference (or a whole function in place of its own), and what to say."""

    name: Text
    part: Text
    edits: tuple[Edit, ...] = ()
    function: str | None = None
    says: str = ""
    hint: tuple[Text, ...] = ()
    exclusive: str | None = None  # why it cannot be combined with others
    pair: bool = True  # whether it may be one of two mistakes at once
    tie: tuple[str, ...] = ()  # mistakes that no test can tell from this one
    equivalent: str | None = None  # why it is no mistake at all: it must score full
    claims: tuple[Text, ...] = ()  # expressions over the reference's names that make the numbers in says and hint true
    slow: bool = False  # right, but slow: it loses speed points only


class MistakesFile(Settings):
    """`mistakes.toml` as written."""

    mistakes: tuple[Mistake, ...] = ()


def read_mistakes(file: Path, shown: str) -> tuple[Mistake, ...]:
    """The mistakes of an exercise; none when the file is not there."""
    if not file.is_file():
        return ()
    mistakes = read_settings(file, MistakesFile, shown).mistakes
    names = [m.name for m in mistakes]
    for mistake in mistakes:
        where = f"{shown}:{mistake.name}"
        if names.count(mistake.name) > 1:
            raise CourseError(f"the mistake {mistake.name!r} stands twice", where)
        if bool(mistake.edits) == bool(mistake.function):
            raise CourseError(f"{mistake.name!r} needs either edits or a function", where)
        if strays := [name for name in mistake.tie if name not in names]:
            raise CourseError(f"{mistake.name!r} ties with {strays[0]!r}, which is not there", where)
        if not mistake.says and not mistake.equivalent:
            raise CourseError(f"{mistake.name!r} says nothing; needed is one sentence for the student", where)
    return mistakes


def apply(reference: str, mistake: Mistake, where: str = "mistakes.toml") -> str:
    """The reference with the mistake in it; CourseError when an edit does not fit any more."""
    if mistake.function is not None:
        return _with_function(reference, mistake, where)
    text = reference
    for edit in mistake.edits:
        if text.count(edit.find) != 1:
            raise CourseError(_misfit(text, edit, mistake.name), f"{where}:{mistake.name}")
        text = text.replace(edit.find, edit.replace)
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise CourseError(f"{mistake.name!r} makes no valid Python: {error.msg} (line {error.lineno})", f"{where}:{mistake.name}") from None
    return text


def _misfit(text: str, edit: Edit, name: str) -> str:
    found = text.count(edit.find)
    if found:
        return f"the edit of {name!r} fits {found} places, needed is exactly one: {edit.find!r}"
    first = edit.find.strip().split("\n")[0]
    near = difflib.get_close_matches(first, [line.strip() for line in text.split("\n") if line.strip()], n=3, cutoff=0.4)
    lines = "; ".join(f"line {n}: {line.strip()}" for n, line in enumerate(text.split("\n"), 1) if line.strip() in near) or "none is near"
    return f"the edit of {name!r} fits nowhere: {edit.find!r}. Nearest lines: {lines}"


def _with_function(reference: str, mistake: Mistake, where: str) -> str:
    try:
        new = ast.parse(mistake.function or "")
    except SyntaxError as error:
        raise CourseError(f"the function of {mistake.name!r} is no valid Python: {error.msg}", f"{where}:{mistake.name}") from None
    names = [n.name for n in new.body if isinstance(n, ast.FunctionDef)]
    old = next((n for n in ast.parse(reference).body if isinstance(n, ast.FunctionDef) and names and n.name == names[0]), None)
    if old is None:
        raise CourseError(f"the function of {mistake.name!r} replaces none of the reference's", f"{where}:{mistake.name}")
    lines = reference.split("\n")
    start = min([old.lineno, *(d.lineno for d in old.decorator_list)]) - 1
    return "\n".join([*lines[:start], *(mistake.function or "").strip("\n").split("\n"), *lines[old.end_lineno:]])


def changed_functions(reference: str, wrong: str) -> frozenset[str]:
    """Module-level functions whose code differs between the two."""
    before, after = _functions(reference), _functions(wrong)
    return frozenset(name for name in before if before[name] != after.get(name))


def reach(reference: str, wrong: str, changed: frozenset[str]) -> frozenset[str] | None:
    """The functions in which a change of `changed` can be noticed: themselves and all that use them. None: the rest of the module changed as well."""
    if _rest(reference) != _rest(wrong):
        return None
    uses = {n.name: {x.id for x in ast.walk(n) if isinstance(x, ast.Name)} for n in _definitions(wrong)}
    reached = set(changed)
    while more := {name for name, used in uses.items() if used & reached} - reached:
        reached |= more
    return frozenset(reached)


def defined(text: str) -> frozenset[str]:
    """The names of a module's functions and classes."""
    return frozenset(n.name for n in _definitions(text))


@once
def _functions(text: str) -> dict[str, str]:
    return {n.name: ast.dump(n) for n in _definitions(text)}


def _definitions(text: str) -> list[ast.FunctionDef | ast.ClassDef]:
    return [n for n in _statements(text) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]


@once
def _rest(text: str) -> list[str]:
    return [ast.dump(n) for n in _statements(text) if not isinstance(n, (ast.FunctionDef, ast.ClassDef))]


@once
def _statements(text: str) -> list[ast.stmt]:
    return ast.parse(text).body
