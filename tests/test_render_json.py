"""The JSON line: always one line, always valid, always what the interface says."""

from __future__ import annotations

import json
import math

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from grader.record.audience import for_students
from grader.record.report import Output, Report
from grader.render.json import SCHEMA_FILE, from_json, schema, schema_text, to_json
from grader.render.terminal import to_terminal

from .sample_reports import GATE_ORDER, GATES, NOT_LOADED, RAISED, REPORTS, opened

VALIDATOR = jsonschema.Draft202012Validator(schema())

FIELDS = """schema tool environment assignment submission sandbox seed scope hidden verdict score max_score points_total
            parts tests diagnoses contrasts remarks""".split()
TEST = "id part title visibility score max_score duration_s verdict cases output finding".split()
FINDING = """kind message output index n_wrong n max_abs max_rel expected_shape actual_shape expected actual case
             picture exception line""".split()


def data(report: Report) -> dict:
    """The line read by another program, which is strict."""
    return json.loads(to_json(report), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@pytest.mark.parametrize("name", REPORTS)
def test_lines_fit_the_schema(name: str) -> None:
    for report in (REPORTS[name], for_students(REPORTS[name])):
        VALIDATOR.validate(data(report))


def test_the_schema_shipped_is_the_one_generated() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), (
        "run python -m grader.render.json > grader/render/report.schema.json"
    )
    VALIDATOR.check_schema(json.loads(SCHEMA_FILE.read_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("verdict",), "wrong"),
        (("tests", 0, "verdict"), "failed"),
        (("tests", 2, "finding", "max_abs"), "large"),
        (("tests", 2, "finding", "n_wrong"), 1.5),
        (("schema",), "grade/report/v2"),
        (("scope",), None),
        (("tests", 0, "output"), None),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(path: tuple, value: object) -> None:
    report = data(GATE_ORDER)
    *way, last = path
    place = report
    for step in way:
        place = place[step]
    place[last] = value
    assert not VALIDATOR.is_valid(report)
    del place[last]
    assert not VALIDATOR.is_valid(report), "no field may be missing"


def test_names_and_order_are_those_of_the_interface() -> None:
    report = data(GATE_ORDER)
    assert list(report) == FIELDS
    assert list(report["tests"][0]) == TEST
    assert list(report["tests"][2]["finding"]) == [*FINDING, "axes", "worst_index", "relation", "means"]
    assert list(report["tests"][2]["finding"]["line"])[:3] == ["file", "line", "text"]
    assert list(data(RAISED)["tests"][1]["finding"]["exception"])[:3] == ["type", "message", "frames"]
    assert list(report["diagnoses"][0]) == ["mistakes", "tie", "certainty", "part", "tests", "says", "hint", "line"]
    assert list(report["submission"]) == ["name", "file", "kind", "sha256", "attempt"]


def test_a_test_without_prints_has_empty_output() -> None:
    assert data(GATE_ORDER)["tests"][0]["output"] == {"text": "", "truncated": 0}


def test_numbers_that_are_not_finite_are_words() -> None:
    finding = replace(GATES, max_abs=math.nan, max_rel=math.inf, expected=-math.inf, actual=[math.nan, 1.5])
    written = data(opened(finding))["tests"][1]["finding"]
    assert (written["max_abs"], written["max_rel"], written["expected"]) == ("nan", "inf", "-inf")
    assert written["actual"] == ["nan", 1.5]
    again = from_json(to_json(opened(finding))).tests[1].finding
    assert again is not None and again.max_abs is not None and math.isnan(again.max_abs) and again.max_rel == math.inf


@pytest.mark.parametrize(
    ("value", "written"),
    [(10**5000, "an integer of 16610 bits"), (2**70, str(2**70)), (1 + 2j, "1+2j"), (True, True)],
    ids=["huge", "large", "complex", "truth"],
)
def test_numbers_json_does_not_know(value: object, written: object) -> None:
    assert data(opened(replace(GATES, actual=value)))["tests"][1]["finding"]["actual"] == written


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="a set in a report"):
        to_json(opened(replace(GATES, actual={1})))


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_drawn_from_the_line_is_the_same(name: str) -> None:
    again = from_json(to_json(REPORTS[name]))
    assert to_terminal(again) == to_terminal(REPORTS[name])
    assert to_json(again) == to_json(REPORTS[name])


hostile = st.text(
    st.one_of(st.characters(exclude_categories=()), st.sampled_from('\x00\x1b\x7f\x85\u2028\u202e\ud800\U000e0041"\\'))
)


@settings(max_examples=200)
@given(hostile, hostile)
def test_no_text_breaks_the_line(text: str, name: str) -> None:
    report = replace(NOT_LOADED, submission=replace(NOT_LOADED.submission, file=name))
    report = replace(report, tests=(replace(report.tests[0], output=Output(text=text)),))
    line = to_json(report)
    assert line.isprintable() and len(line.splitlines()) == 1
    read = data(report)
    VALIDATOR.validate(read)
    assert read["tests"][0]["output"]["text"] == text.encode("utf-8", "backslashreplace").decode()
    assert read["submission"]["file"] == name.encode("utf-8", "backslashreplace").decode()
