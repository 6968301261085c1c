"""The six shipped exercises, through the real command: references, stubs, points, handouts."""

import json
import re
from pathlib import Path

import pytest

from grader.source.strip import regions, stub
from tests.test_cli import grade

ROOT = Path(__file__).resolve().parents[1]
SLUGS = ["conv2d", "maxpool", "bptt", "grad-clip", "lstm", "linear-ae"]


def source(slug: str, place: str = "solutions", name: str = "") -> Path:
    stem = slug.replace("-", "_")
    return ROOT / place / slug / (name or f"{stem}.py").format(stem=stem)


def report(slug: str, file: Path) -> tuple[dict, int]:
    result = grade("run", slug, "--file", file, "--format", "json", "--audience", "staff")
    return json.loads(result.stdout), result.returncode


def timeless(value):
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k != "duration_s"}
    return [timeless(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("slug", SLUGS)
def test_the_reference_gets_all_points_twice_with_equal_json(slug):
    (first, code), (second, _) = report(slug, source(slug)), report(slug, source(slug))
    assert (first["score"], first["max_score"], first["points_total"], first["verdict"], code) == (100, 100, 100, "passed", 0)
    assert timeless(first) == timeless(second)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_stub_scores_nothing_and_is_not_attempted(slug):
    seen, code = report(slug, source(slug, "assignments"))
    assert (seen["score"], seen["verdict"], code) == (0, "not_attempted", 5)


@pytest.mark.parametrize("slug", SLUGS)
def test_public_tests_carry_a_fair_share_and_every_part_has_one(slug):
    seen, _ = report(slug, source(slug))
    public = [t for t in seen["tests"] if t["visibility"] == "public"]
    assert 40 <= sum(t["max_score"] for t in public) <= 60
    silent = {p["name"] for p in seen["parts"]} - {t["part"] for t in public}
    assert silent <= {"questions", "speed"}
    questions = [p["max_score"] for p in seen["parts"] if p["name"] == "questions"]
    assert sum(questions) <= 5


@pytest.mark.parametrize("slug", SLUGS)
def test_the_released_stub_agrees_with_the_reference_outside_its_regions(slug):
    reference, released = source(slug).read_text(), source(slug, "assignments").read_text()
    assert stub(reference, f"{slug}.py") == released
    inside = {n for r in regions(reference, slug) for n in range(r.begin, r.end + 1)}
    kept = [line for n, line in enumerate(reference.split("\n"), 1) if n not in inside]
    written = [line for line in released.split("\n") if "TODO" not in line]
    assert kept == written


@pytest.mark.parametrize("slug", SLUGS)
def test_a_handout_fits_one_page_and_shows_shapes_and_an_example(slug):
    handout = source(slug, name="README.md").read_text()
    lines = handout.rstrip("\n").split("\n")
    assert len(lines) <= 100 and max(map(len, lines)) <= 100
    assert "```" in handout and re.search(r"\d\.\d", handout)
    assert "Where this comes from" in handout
    assert not re.search(r"\bS[0-4]:\d|\bD\d\d?\b \(", handout)  # labels of nobody's concern
