"""What a learner changed in an exercise, and the way back.

    difference(course, slug)     `grade diff`      the learner's file and the one that was released
    reset(course, slug)          `grade reset`     the released file again; the learner's is kept beside it

The start is found in the copy that `grade start` keeps, in the package, or is made from the solution where that is at hand.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from grader.course import state
from grader.course.assignment import stem
from grader.course.course import COURSE_FILE, Course, load_course
from grader.course.manifest import is_as_released
from grader.errors import GradeError, UsageError
from grader.record.recording import write_bytes
from grader.source.strip import stub
from grader.source.submission import submission_from_bytes
from grader.starting import KEPT, learners_folder, packaged_course, set_aside


def difference(course: Course, slug: str) -> str:
    """What the learner changed, as a unified diff (of notebooks: of their code); empty if nothing."""
    lines: list[str] = []
    for file, begun in _begun(course, slug):
        here, there = (_text(data, file) for data in (file.read_bytes() if file.is_file() else b"", begun))
        name = f"{slug}/{file.name}"
        lines += difflib.unified_diff(there, here, f"{name} (the start)", f"{name} (yours)", lineterm="")
    return "\n".join(lines)


def reset(course: Course, slug: str) -> tuple[tuple[Path, Path | None], ...]:
    """Write the start again; each file with the name its old state is kept under, if there was one."""
    changed = [(file, begun) for file, begun in _begun(course, slug) if not (file.is_file() and _is_same(file.read_bytes(), begun))]
    done = []
    try:
        for file, begun in changed:
            aside = set_aside(file) if file.exists() else None
            write_bytes(begun, file)
            done.append((file, aside))
    except OSError as error:
        raise UsageError(f"{error.filename or file} cannot be written ({error.strerror or error})") from error
    state.forget(course.folder.root, slug)
    return tuple(done)


def _is_same(data: bytes, begun: bytes) -> bool:
    return data.replace(b"\r\n", b"\n") == begun.replace(b"\r\n", b"\n")


def _begun(course: Course, slug: str) -> list[tuple[Path, bytes]]:
    """The files learners write in, each with the bytes it was released with."""
    course.entry(slug)
    release = _release_of(course)
    names = [name for name in (f"{stem(slug)}.py", f"{stem(slug)}.ipynb") if f"{slug}/{name}" in release.digests]
    return [(release.folder.source / slug / name, _original(course, release, f"{slug}/{name}")) for name in names or (f"{stem(slug)}.py",)]


def _release_of(course: Course) -> Course:
    """The course as students have it: of an instructor's, its assignments/."""
    folder = course.folder
    if not folder.is_instructor:
        return course
    if folder.assignments is None or not (folder.assignments / COURSE_FILE).is_file():
        raise UsageError(f"{folder.root} has no assignments/ yet, so there is no start to go back to; `grade release` writes them")
    return load_course(learners_folder(folder.assignments))


def _original(course: Course, release: Course, path: str) -> bytes:
    """A file as it was released: from the copy that is kept, the package, the exercise's solution or the file itself."""
    known = release.digests.get(path)
    for data in _candidates(course, release, path):
        if known is None or is_as_released(data, known, binary=False):
            return data
    raise UsageError(f"the start of {path} is nowhere to be found (it is kept in {KEPT.as_posix()}/ by `grade start`); "
                     "`grade start --update --from ZIP|FOLDER` with your teacher's release brings it back")


def _candidates(course: Course, release: Course, path: str) -> Iterator[bytes]:
    places = [course.folder.root / KEPT]
    try:
        places.append(packaged_course())
    except UsageError:
        pass  # the package may come without a course
    if release.digests:
        places.append(release.folder.source)
    yield from ((place / path).read_bytes() for place in places if (place / path).is_file())
    if course.folder.solutions and path.endswith(".py") and (course.folder.solutions / path).is_file():
        try:
            yield stub((course.folder.solutions / path).read_text(encoding="utf-8-sig"), path).encode()
        except (GradeError, UnicodeDecodeError):
            return  # a solution that is being written


def _text(data: bytes, file: Path) -> list[str]:
    """The lines of a file; of a notebook those of its code cells, each below its number."""
    if file.suffix != ".ipynb" or not data:
        return data.decode(errors="replace").replace("\r\n", "\n").split("\n") if data else []
    pieces = submission_from_bytes(data, file=file.name, kind="ipynb", name=file.stem).pieces
    return [line for piece in pieces for line in (f"# {piece.label}", *piece.text.split("\n"))]
