"""Wrong solutions written from handout, stub and a mistake's sentence alone: the tool must know the idea in code it has never seen.

`made_with.toml` beside them says which mistakes each was made with, and how its structure differs from vectorised numpy.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from grader.check import Options, mark_all
from grader.course.course import find_course, load_course
from grader.course.material import Material, load
from grader.diagnosis import learning
from grader.source.submission import read_submission

pytestmark = pytest.mark.slow
HERE = Path(__file__).resolve().parent
SLUGS = sorted(folder.name for folder in HERE.iterdir() if (folder / "made_with.toml").is_file())
PAIRED = {"lstm", "bptt", "conv2d"}


class Made(NamedTuple):
    """One independent solution."""

    slug: str
    file: Path
    mistakes: frozenset[str]
    structure: str


def made(slug: str) -> tuple[Made, ...]:
    table = tomllib.loads((HERE / slug / "made_with.toml").read_text(encoding="utf-8"))
    return tuple(Made(slug, HERE / slug / f"{name}.py", frozenset(row["mistakes"]), row["structure"]) for name, row in table.items())


ALL = [m for slug in SLUGS for m in made(slug)]
SINGLES = [m for m in ALL if len(m.mistakes) == 1]
DOUBLES = [m for m in ALL if len(m.mistakes) == 2 and m.slug in PAIRED]


def exercise_of(slug: str) -> Material:
    return load(load_course(find_course(HERE)), slug)


@pytest.fixture(scope="module")
def reports():
    """What is said of every solution, marked in one session per exercise."""
    found = {}
    for slug in SLUGS:
        files = [m.file for m in made(slug)]
        seen: list = []
        mark_all(exercise_of(slug), [read_submission(f) for f in files], Options(), seen.append)
        found |= dict(zip(files, seen, strict=True))
    return found


def ties(exercise: Material, mistakes: frozenset[str]) -> frozenset[str]:
    """The mistakes themselves and those that no test can tell from them, by the author's declaration."""
    declared = {m.name: set(m.tie) for m in exercise.mistakes}
    return mistakes | {t for name in mistakes for t in declared[name]} | {n for n, tied in declared.items() if tied & mistakes}


def test_there_are_enough_and_of_other_structure():
    assert len(SINGLES) >= 60 and len(DOUBLES) >= 60
    assert len([m for m in SINGLES if m.structure != "vectorised"]) >= 30
    assert {m.file for m in ALL} == set(HERE.glob("*/*.py"))


def test_none_is_a_reference_with_edits():
    for slug in SLUGS:
        exercise = exercise_of(slug)
        reference = exercise.reference.pieces[0].text
        texts = [reference, *(w.submission.pieces[0].text for w in learning.singles(reference, exercise.mistakes, exercise.mistakes_shown))]
        edited = {shape for text in texts for shape in shapes(text)} - set(shapes(reference))
        for one in made(slug):
            assert not set(shapes(one.file.read_text(encoding="utf-8"))) & edited, one.file


def shapes(text: str) -> Iterator[str]:
    """The functions of a file as trees without names, docstrings and annotations."""
    for function in (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)):
        yield _shape(function)


def _shape(function: ast.FunctionDef) -> str:
    places: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, (ast.FunctionDef, ast.Module)) and node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        for field in ("name", "id", "arg"):
            if isinstance(getattr(node, field, None), str):
                setattr(node, field, places.setdefault(getattr(node, field), f"n{len(places)}"))
        for field in ("annotation", "returns"):
            if hasattr(node, field):
                setattr(node, field, None)
    return ast.dump(function)


def test_sixty_single_mistakes_are_named_and_none_wrongly(reports, capsys):
    said = {m: {d.mistakes[0]: d.certainty for d in reports[m.file].diagnoses} for m in SINGLES}
    named = [m for m in SINGLES if m.mistakes & said[m].keys()]
    sure = [m for m in named if any(said[m].get(name) == "certain" for name in m.mistakes)]
    with capsys.disabled():
        missed = sorted(f"{m.slug}/{m.file.stem}" for m in SINGLES if m not in named)
        print(f"\nsingle mistakes named: {len(named)} of {len(SINGLES)}, {len(sure)} of them with certainty; not: {', '.join(missed) or 'none'}")
    assert len(named) >= 60 and len([m for m in named if m.structure != "vectorised"]) >= 30
    for one, names in said.items():
        certain = {name for name, certainty in names.items() if certainty == "certain"}
        assert certain <= ties(exercise_of(one.slug), one.mistakes), (str(one.file), names)


def test_four_of_five_double_mistakes_are_named_and_the_rest_never_wrongly(reports, capsys):
    recognised, wrongly = [], []
    for one in DOUBLES:
        certain = [frozenset(d.mistakes) for d in reports[one.file].diagnoses if d.certainty == "certain"]
        told = frozenset(name for names in certain for name in names)
        (recognised if one.mistakes in certain or one.mistakes <= told else wrongly if certain and not told <= one.mistakes else []).append(one)
    missed = sorted(f"{m.slug}/{m.file.stem}" for m in DOUBLES if m not in recognised)
    with capsys.disabled():
        print(f"\ndouble mistakes recognised: {len(recognised)} of {len(DOUBLES)}; not: {', '.join(missed) or 'none'}")
    assert len(recognised) >= 0.8 * len(DOUBLES)
    assert not wrongly, [(str(m.file), [d.mistakes for d in reports[m.file].diagnoses]) for m in wrongly]
