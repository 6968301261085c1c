"""What platforms receive: Gradescope's autograder as a zip, repositories for GitHub.

    gradescope(course, slug)  -> bytes        the instructor's: setup.sh, run_autograder, this package, solutions
    github(course, target)    -> files        target/student: a release with its workflow; target/course: the marking workflow
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from grader import __version__
from grader.course import manifest, material
from grader.course.assignment import ASSIGNMENT_FILE, Framework
from grader.course.course import COURSE_FILE, Course
from grader.course.material import Material
from grader.errors import UsageError
from grader.release import release
from grader.release.archive import zipped

PACKAGE = Path(__file__).resolve().parents[1]
TEMPLATES = PACKAGE / "data"
PROGRAMS = ("setup.sh", "run_autograder")
WORKFLOWS = Path(".github", "workflows")


def gradescope(course: Course, slug: str) -> bytes:
    """The zip that an instructor uploads as the autograder of one exercise; nothing in it is for students."""
    if not course.folder.is_instructor:
        raise UsageError("an autograder is made from solutions/, and this course has none")
    source = material.load(course, slug)
    release.recorded(source)  # the reference passes
    level = course.sandbox.value if course.sandbox else "strict"
    fields = {"SLUG": slug, "LEVEL": level}
    tree = {name: _filled(f"gradescope/{name}", fields) for name in PROGRAMS}
    tree |= {"requirements.txt": _requirements(source).encode(), **dict(_package()), **dict(_solutions(source))}
    return zipped(tree, PROGRAMS)


def github(course: Course, target: Path) -> tuple[Path, ...]:
    """Write the students' repository and the workflow of the course's; the files that were written."""
    released = release.release(course, (), target / "student")
    fields = {"PACKAGE": f"{manifest.PACKAGE}{manifest.requires(__version__)}"}
    files = {target / "student" / WORKFLOWS / "student.yml": _filled("github/student.yml", fields),
             target / "course" / WORKFLOWS / "mark.yml": _filled("github/mark.yml", fields)}
    for file, data in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return (*(released.target / path for path in sorted(released.tree)), *files)


def _filled(template: str, fields: dict[str, str]) -> bytes:
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z]+)@", lambda found: fields[found[1]], text).encode()


def _requirements(source: Material) -> str:
    """What this package needs, as the installed one states it."""
    try:
        stated = requires(manifest.PACKAGE) or []
    except PackageNotFoundError as error:
        raise UsageError("this package is not installed (it runs from a folder); pip install it, the autograder needs its requirements") from error
    wanted = [line for line in stated if "extra ==" not in line]
    if source.assignment.framework is Framework.TORCH:
        wanted += [line.partition(";")[0] for line in stated if line.startswith("torch>")]
    wanted += [name for name in source.assignment.imports if name not in ("numpy", "torch")]
    return "\n".join(sorted(set(wanted), key=str.lower)) + "\n"


def _package() -> Iterator[tuple[str, bytes]]:
    """This very package, so that the marks are those of the machine that made the zip; the course in it stays out."""
    for file in sorted(PACKAGE.rglob("*")):
        path = file.relative_to(PACKAGE)
        if file.is_file() and file.suffix != ".pyc" and path.parts[0] != "assignments" and not any(p.startswith((".", "__pycache__")) for p in path.parts):
            yield f"package/grader/{path.as_posix()}", file.read_bytes()


def _solutions(source: Material) -> Iterator[tuple[str, bytes]]:
    """The exercise and the course's settings; a stray file is an error, as in any release."""
    own, folder = source.assignment, source.folder
    yield f"solutions/{COURSE_FILE}", (folder.parent / COURSE_FILE).read_bytes()
    for name in (own.source_name, own.tests_name, ASSIGNMENT_FILE, release.MISTAKES):
        if (folder / name).is_file():
            yield f"solutions/{own.slug}/{name}", (folder / name).read_bytes()
    for name, data in release.data_files(source):
        yield f"solutions/{own.slug}/{name}", data
