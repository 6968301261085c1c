"""`grade release`: what students receive, made from what authors write.

    solutions/SLUG  -> recording of the reference     made, or from the cache
                    -> stub, public tests, handout, settings, expected results
                    -> {path: bytes}                  of all exercises, before anything is written
                    -> looked through (`searching`), proven by marking (`gate`)
                    -> assignments/                   in one step, see `placing`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from grader import check, processors
from grader.course import manifest, material
from grader.course.assignment import ASSIGNMENT_FILE, Assignment
from grader.course.course import COURSE_FILE, Course, find_course, load_course
from grader.course.handout import default_page, handout
from grader.course.material import Material
from grader.errors import AlteredError, CourseError, UsageError
from grader.record import recording
from grader.record.known import Known
from grader.record.recording import Call, ItemRecording, Recording, TestPoints
from grader.release import drift, gate, lessons, notebook, placing, searching
from grader.source.prune import public_tests
from grader.source.strip import stub
from grader.suite import engine

HANDOUT = "README.md"
MISTAKES = "mistakes.toml"
WORTH_PROCESSES = 3
DATA = ("*.npz", "demo*.py")  # released as they are; so is NAME.txt beside NAME.npz, which says where the data are from


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise as students receive it: its files by name, the points and digests of its tests."""

    slug: str
    files: dict[str, bytes]
    table: tuple[TestPoints, ...]
    tests: dict[str, str]
    shown: tuple[str, ...] = ()  # lines of solutions that stand in it by the author's will


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written, and which exercises go because the course has them no more."""

    target: Path
    exercises: tuple[Exercise, ...]
    removed: tuple[str, ...]
    tree: dict[str, bytes]  # path -> bytes of what is made anew
    staying: tuple[str, ...]  # paths of what is not

    def whole(self) -> dict[str, bytes]:
        """All files of the release, those that stayed in the target too."""
        return self.tree | {path: (self.target / path).read_bytes() for path in self.staying}


def release(course: Course, slugs: Sequence[str], target: Path) -> Release:
    """Make and write the exercises `slugs` (all, if none is named); the others in `target` stay as they are."""
    planned = plan(course, slugs, target)
    placing.place(planned.tree, planned.removed, target)
    return planned


def drifted(course: Course, slugs: Sequence[str], target: Path) -> list[str]:
    """What in `target` differs from what `release` would write: one line for each file."""
    planned = plan(course, slugs, target)
    made = {exercise.slug for exercise in planned.exercises}
    there = placing.present(target, {COURSE_FILE, *made, *planned.removed}, strangers=made == set(course.slugs))
    return drift.drift(planned.tree, there)


def plan(course: Course, slugs: Sequence[str], target: Path) -> Release:
    """All that a release writes, searched and proven; nothing is written."""
    if not course.folder.is_instructor:
        raise UsageError("a release is made from solutions/, and this course has none")
    placing.check_target(course, target)
    named = {course.entry(slug).slug for slug in slugs} or set(course.slugs)
    old = placing.old_digests(target)
    exercises = [_settled(exercise, target, old) for exercise in _all_made(course, [slug for slug in course.slugs if slug in named])]
    tree = {f"{exercise.slug}/{name}": data for exercise in exercises for name, data in exercise.files.items()}
    removed = sorted({placing.slug_of(path) for path in old} - set(course.slugs))
    staying = {path: digest for path, digest in old.items() if placing.slug_of(path) not in named.union(removed)}
    tests = {slug: known for slug, known in placing.old_tests(target).items() if any(placing.slug_of(path) == slug for path in staying)}
    text = _course(course, tree, staying, tests | {exercise.slug: exercise.tests for exercise in exercises})
    searching.search_course(course.folder, course.secret, text)
    return Release(target=target, exercises=tuple(exercises), removed=tuple(removed), tree=tree | {COURSE_FILE: text.encode()}, staying=tuple(staying))


def _all_made(course: Course, slugs: Sequence[str]) -> Iterator[Exercise]:
    """In order; several exercises on all cores, those with the most mistakes first."""
    if len(slugs) < WORTH_PROCESSES:
        yield from (made(material.load(course, slug)) for slug in slugs)
        return
    with ProcessPoolExecutor(min(len(slugs), processors.at_once()), mp_context=get_context("spawn")) as pool:
        by_work = sorted(slugs, key=lambda slug: len(material.load(course, slug).mistakes), reverse=True)
        running = {slug: pool.submit(_made_in, str(course.folder.root), slug) for slug in by_work}
        try:
            yield from (running[slug].result() for slug in slugs)
        finally:
            pool.shutdown(cancel_futures=True)


def _made_in(root: str, slug: str) -> Exercise:
    """The same in a process of its own."""
    return made(material.load(load_course(find_course(Path(root))), slug))


def _settled(exercise: Exercise, target: Path, old: dict[str, str]) -> Exercise:
    """With the recording that is there already, if it was made from the same files and says the same."""
    name = next(name for name in exercise.files if name.endswith(".expected"))
    there = target / exercise.slug / name
    data = there.read_bytes() if there.is_file() else b""
    if manifest.digest(data) != old.get(f"{exercise.slug}/{name}"):
        return exercise
    try:
        kept = recording.decode(data, str(there))
    except AlteredError:
        return exercise  # of another version
    if drift.difference(kept, recording.decode(exercise.files[name], name)):
        return exercise
    tests = next(data.decode() for name, data in exercise.files.items() if name.startswith("test_"))
    return msgspec.structs.replace(exercise, files=exercise.files | {name: data}, tests=manifest.test_digests(tests, kept))


def _course(course: Course, tree: dict[str, bytes], staying: dict[str, str], tests: dict[str, dict[str, str]]) -> str:
    """`course.toml` for the exercises of `tree` and those that stay."""
    digests = staying | {path: manifest.digest(data) for path, data in tree.items()}
    slugs = {placing.slug_of(path) for path in digests}
    return manifest.course_text(course, [entry for entry in course.assignments if entry.slug in slugs], digests, tests)


# One exercise ---------------------------------------------------------------------------------------------------------


def made(source: Material) -> Exercise:
    """The files of one exercise."""
    searching.check_imports(source)
    record = recorded(source)
    assignment = source.assignment.with_parts([*(row.part for row in record.table), *source.assignment.omit])
    texts = {
        assignment.source_name: _stub(source, record),
        assignment.tests_name: _tests(source, record),
        ASSIGNMENT_FILE: manifest.assignment_text(assignment),
    }
    learned = lessons.learned(source)
    expected = _expected(record, assignment, texts, learned)
    page = _text(source, HANDOUT) or default_page(assignment, texts[assignment.source_name])
    texts[HANDOUT] = handout(page, assignment, record.table)
    files = {name: text.encode() for name, text in texts.items()}
    files[assignment.notebook_name] = _notebook(source, record, assignment, texts)
    files |= {assignment.expected_name: recording.encode(expected), **dict(data_files(source))}
    files = dict(sorted(files.items()))
    digests = manifest.test_digests(texts[assignment.tests_name], expected)
    shown = searching.search(source, files, record)
    gate.prove(source, files, digests, learned)
    return Exercise(slug=assignment.slug, files=files, table=expected.table, tests=digests, shown=shown)


def recorded(source: Material) -> Recording:
    """The reference's recording of all tests, which proves that the reference passes them."""
    if (kept := source.recorded()) is not None:
        return kept
    fresh: list[Recording] = []
    job = check.job_of(source, check.Options())
    engine.mark(job, (), lambda marking: None, None, fresh.append, check.table_of(source))
    source.keep(fresh[0])
    return fresh[0]


def _stub(source: Material, record: Recording) -> str:
    """The reference without its solutions."""
    asked = {call.function for item in record.items.values() for call in item.student}
    functions = {name for name in asked if name.isidentifier()}
    answers = {name.removeprefix("value:") for name in asked if name.startswith("value:")}
    return stub(source.reference.pieces[0].text, _shown(source, source.assignment.source_name), functions, answers)


def _tests(source: Material, record: Recording) -> str:
    """The test file without its hidden tests."""
    public = _public(record)
    hidden = {row.test for row in record.table} - public
    name = source.assignment.tests_name
    return public_tests(_text(source, name), public, hidden, _shown(source, name))


def _notebook(source: Material, record: Recording, assignment: Assignment, texts: dict[str, str]) -> bytes:
    """Handout and stub as cells."""
    rows = [_for_students(row, assignment.hidden_titles) for row in record.table]
    return notebook.notebook(texts[HANDOUT], texts[assignment.source_name], texts[assignment.tests_name], assignment, rows,
                             notebook.parts_of(record), source.course.submit or "")


def _public(record: Recording) -> frozenset[str]:
    return frozenset(row.test for row in record.table if row.public)


def _text(source: Material, name: str) -> str:
    """A text file of the exercise with "\\n" at the ends of its lines; empty if it is not there."""
    file = source.folder / name
    try:
        return file.read_text(encoding="utf-8-sig") if file.is_file() else ""
    except UnicodeDecodeError as error:
        raise CourseError("not UTF-8; save it as UTF-8", _shown(source, name)) from error


def _shown(source: Material, name: str) -> str:
    return source.course.folder.shown(source.folder / name)


def data_files(source: Material) -> Iterator[tuple[str, bytes]]:
    """Data files and demos; whatever else lies in the folder and is no part of an exercise is an error."""
    own = source.assignment
    parts = (own.source_name, own.tests_name, ASSIGNMENT_FILE, HANDOUT, MISTAKES, "__pycache__")
    others = [file for file in sorted(source.folder.iterdir()) if file.name not in parts]
    for file in (file for file in others if not file.name.startswith(".")):
        if not file.is_file() or not _is_data(file):
            known = ", ".join([*parts[:-1], *DATA])
            raise CourseError(f"{file.name} is no part of an exercise ({known}); move it elsewhere",
                              _shown(source, file.name))
        yield file.name, file.read_bytes()


def _is_data(file: Path) -> bool:
    source = file.suffix == ".txt" and file.with_suffix(".npz").is_file()
    return source or any(file.match(pattern) for pattern in DATA)


# Expected results -----------------------------------------------------------------------------------------------------


def _expected(record: Recording, assignment: Assignment, texts: dict[str, str], learned: tuple[Known, ...]) -> Recording:
    """The recording of the public tests: nothing in it comes from hidden ones, the secret or the solution's text."""
    public = _public(record)
    kept = record.only({item for item in record.items if item.partition("[")[0] in public})
    key = hashlib.sha256(repr((recording.FORMAT, sorted(texts.items()))).encode()).hexdigest()
    return msgspec.structs.replace(
        kept, key=key, items={name: _without_frames(item) for name, item in kept.items.items()},
        table=tuple(_for_students(row, assignment.hidden_titles) for row in kept.table),
        signatures=material.signatures(texts[assignment.source_name]), known=lessons.told(learned, kept.items))


def _for_students(row: TestPoints, titles: bool) -> TestPoints:
    """A hidden test keeps its points and perhaps its title."""
    return row if row.public else msgspec.structs.replace(row, test="", title=row.title if titles else "")


def _without_frames(item: ItemRecording) -> ItemRecording:
    """An expected exception is its type: message and frames would quote the solution."""
    return msgspec.structs.replace(
        item, student=tuple(map(_plain, item.student)), reference=tuple(map(_plain, item.reference)))


def _plain(call: Call) -> Call:
    if call.raised is None:
        return call
    return msgspec.structs.replace(call, raised=msgspec.structs.replace(call.raised, message="", frames=()))
