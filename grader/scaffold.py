"""`grade new`: a new exercise in an instructor's course, from a template or from another exercise; first the course, in an empty folder.

    place (the course found upwards, or an empty folder)  ->  files of the exercise, its line in course.toml  ->  written, or nothing is

What it writes passes `grade audit` and can be released as it stands; its TODOs say to the author what to do with it.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import secrets
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import msgspec

from grader.course.assignment import ASSIGNMENT_FILE, Framework, checked_slug, spoken, stem
from grader.course.course import COURSE_FILE, find_course, load_course
from grader.errors import CourseError, UsageError
from grader.record.recording import write_bytes
from grader.source.strip import BEGIN

TEMPLATES = Path(__file__).resolve().parent / "data" / "scaffold"
IGNORED = ".gitignore"
MAY_LIE_THERE = re.compile(r"\..*|(README|LICEN[SC]E)(\..*)?")  # in a folder that is called empty
TEXTS = (".py", ".md", ".toml", ".txt")
MOST_BYTES = 64 << 20  # of an exercise that is copied


class Scaffold(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: paths below `root`; whether the course is new, and whether the author must list the exercise."""

    root: Path
    slug: str
    files: tuple[str, ...]
    new_course: bool
    listed: bool


def new(start: Path, slug: str, source: Path | None = None, framework: str = "numpy") -> Scaffold:
    """Write the exercise `slug`: a copy of the exercise in `source`, or else the template for `framework`."""
    _check_slug(slug)
    try:
        root, is_new = _place(start)
        folder = root / "solutions" / slug
        if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
            raise UsageError(f"{folder} is there already; nothing was written. Name another exercise, or move that one away")
        tree = _copied(source, slug) if source else _template(slug, Framework(framework))
        course = _new_course(root, slug) if is_new else _listing(root, slug)
        _write(folder, tree, course)
    except OSError as error:
        raise UsageError(f"{error.filename or start} cannot be read or written ({error.strerror or error}); the exercise was not made") from error
    files = (*(f"solutions/{slug}/{name}" for name in sorted(tree)), *(file.relative_to(root).as_posix() for file in course))
    return Scaffold(root=root, slug=slug, files=files, new_course=is_new,
                    listed=is_new or slug in load_course(find_course(root)).slugs)


def _check_slug(slug: str) -> None:
    try:
        checked_slug(slug, "")
    except CourseError as error:
        raise UsageError(error.what) from None
    if keyword.iskeyword(slug) or stem(slug) in {*sys.stdlib_module_names, *Framework}:
        raise UsageError(f"{slug!r} is a word of Python: no file may be called {stem(slug)}.py; name the exercise otherwise, `my-{slug}` for example")


def _place(start: Path) -> tuple[Path, bool]:
    """The root of the course that `start` lies in; or `start`, where a course is to be made."""
    if (found := find_course(start)) is not None:
        if not found.is_instructor:
            raise UsageError(f"{found.root} is a course as students have it; an exercise is added to a course with solutions/, or to an empty folder")
        return found.root, False
    if others := sorted(entry.name for entry in start.iterdir() if not MAY_LIE_THERE.fullmatch(entry.name)):
        raise UsageError(f"there is no course in {start} or above it, and no new one is begun among other files (there is {others[0]}); "
                         "begin it in an empty folder")
    return start.resolve(), True


# What is written -----------------------------------------------------------------------------------------------------


def _template(slug: str, framework: Framework) -> dict[str, bytes]:
    """Reference and tests; torch moreover needs a setting."""
    fields = {"@SLUG@": slug, "@TITLE@": spoken(slug)}
    tree = {f"{stem(slug)}.py": _filled(f"{framework}.txt", fields), f"test_{stem(slug)}.py": _filled(f"test_{framework}.txt", fields)}
    return tree if framework is Framework.NUMPY else tree | {ASSIGNMENT_FILE: f'framework = "{framework}"\n'.encode()}


def _filled(template: str, fields: dict[str, str]) -> bytes:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return re.sub("|".join(fields), lambda found: fields[found[0]], text).encode()


def _copied(source: Path, slug: str) -> dict[str, bytes]:
    """The files of the exercise in `source`, which is called `slug` from now on."""
    try:
        old = _stem_in(source)
        files = [file for file in sorted(source.iterdir()) if file.is_file() and not file.name.startswith(".")]
        if sum(file.stat().st_size for file in files) > MOST_BYTES:
            raise UsageError(f"{source} is larger than an exercise can be; nothing was written")
        tree = {file.name: file.read_bytes() for file in files}
        if BEGIN not in tree[f"{old}.py"].decode("utf-8-sig"):
            raise UsageError(f"{source} holds no solution (no `{BEGIN}` in {old}.py), it is what students receive; name the exercise in somebody's solutions/")
        return {_renamed_file(name, old, stem(slug)): _renamed(name, data, old, slug) for name, data in tree.items()}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} cannot be read as an exercise ({error}); nothing was written") from error


def _stem_in(source: Path) -> str:
    """The NAME of NAME.py and test_NAME.py."""
    found = [file.stem.removeprefix("test_") for file in source.glob("test_*.py")]
    found = [name for name in sorted(found) if (source / f"{name}.py").is_file()]
    if not found:
        raise UsageError(f"{source} is no exercise: needed are NAME.py and test_NAME.py in it; name a folder such as solutions/lesson")
    return stem(source.resolve().name) if stem(source.resolve().name) in found else found[0]


def _renamed_file(name: str, old: str, new: str) -> str:
    return re.sub(rf"^(test_|demo_|){re.escape(old)}\.", rf"\g<1>{new}.", name)


def _renamed(name: str, data: bytes, old: str, slug: str) -> bytes:
    """A text with the new name wherever it names files, the module or the command of the old exercise."""
    if not name.endswith(TEXTS):
        return data
    text = data.decode("utf-8-sig")
    text = re.sub(rf"(?<![A-Za-z0-9_])(test_|demo_|){re.escape(old)}(?=\.(py|ipynb)\b)", rf"\g<1>{stem(slug)}", text)
    text = re.sub(rf"(?m)^(\s*(?:from|import)\s+){re.escape(old)}\b", rf"\g<1>{stem(slug)}", text)
    return re.sub(rf"\bgrade ((?:\w+ )?){re.escape(old.replace('_', '-'))}\b", rf"grade \g<1>{slug}", text).encode()


def _new_course(root: Path, slug: str) -> dict[Path, bytes]:
    """`course.toml` with a secret of its own, and what git is to leave aside."""
    title = json.dumps(spoken(root.name) or "Exercises", ensure_ascii=False)[1:-1]  # JSON's escapes are TOML's
    settings = _filled("course.txt", {"@TITLE@": title, "@SECRET@": secrets.token_urlsafe(24)}).decode()
    ignored = (root / IGNORED).read_bytes().decode(errors="surrogateescape") if (root / IGNORED).is_file() else ""
    lacking = [line for line in (TEMPLATES / "gitignore.txt").read_text(encoding="utf-8").splitlines() if line not in ignored.splitlines()]
    ignored += "\n" * (ignored != "" and not ignored.endswith("\n")) + "".join(f"{line}\n" for line in lacking)
    return {root / "solutions" / COURSE_FILE: (settings + _entry(slug)).encode(), root / IGNORED: ignored.encode(errors="surrogateescape")}


def _listing(root: Path, slug: str) -> dict[Path, bytes]:
    """`course.toml` with the exercise in it, if it has a list of exercises that a further one can be added to."""
    file = find_course(root).file
    course = load_course(find_course(root))
    text = file.read_text(encoding="utf-8-sig")
    if slug in course.slugs or "assignments" not in tomllib.loads(text) or file.parent.name != "solutions":
        return {}
    longer = text + "\n" * (not text.endswith("\n")) + _entry(slug)
    try:
        slugs = [entry["slug"] for entry in tomllib.loads(longer)["assignments"]]
    except tomllib.TOMLDecodeError:
        return {}  # a list in one line: the author is asked to
    return {file: longer.encode()} if slugs == [*course.slugs, slug] else {}


def _entry(slug: str) -> str:
    return f'\n[[assignments]]\nslug = "{slug}"\n'


# Writing --------------------------------------------------------------------------------------------------------------


def _write(folder: Path, tree: dict[str, bytes], course: dict[Path, bytes]) -> None:
    """The exercise is made aside and moved into place; it goes again if the course's files cannot follow."""
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as aside:
        made = Path(aside, folder.name)
        made.mkdir()
        for name, data in tree.items():
            (made / name).write_bytes(data)
        if folder.exists():
            folder.rmdir()  # it is empty
        os.rename(made, folder)
    try:
        for file, data in course.items():
            write_bytes(data, file)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
