"""What a report for students keeps of hidden tests, and that nothing else of them is left."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from grader.record.audience import NEUTRAL, for_students
from grader.record.report import Contrast, Diagnosis, Kind, Output, Remark, TestReport, Verdict
from grader.render.json import to_json
from grader.testing.finding import CaseExample, Finding, Line, Picture, Raised

from .sample_reports import ALL_AT_HAND, GATE_ORDER, REPORTS, outcome, report

LEAK = "LEAK"
FULL = Finding(
    kind=Kind.VALUES,
    message=LEAK,
    output=LEAK,
    axes=(LEAK,),
    index=(424242,),
    worst_index=(424242,),
    n_wrong=424242,
    n=424242,
    max_abs=424242.0,
    max_rel=424242.0,
    expected_shape=(424242,),
    actual_shape=(424242,),
    expected=LEAK,
    actual=LEAK,
    relation=LEAK,
    means=LEAK,
    case=CaseExample(arguments=LEAK, expected=LEAK, actual=LEAK),
    picture=Picture(kind=LEAK, rows=(LEAK,)),
    exception=Raised(type=LEAK, message=LEAK, bases=(LEAK,), frames=(Line(file=LEAK, line=424242, text=LEAK),)),
    line=Line(file=LEAK, line=424242, text=LEAK, function=LEAK, shapes={LEAK: LEAK}),
)
"""Every field is filled: a field added to `Finding` and not filled here fails below."""


def hidden(name: str, finding: Finding | None = FULL) -> TestReport:
    made = outcome(
        name,
        Verdict.WRONG,
        finding,
        hidden=True,
        title=f"Title of {name}",
        cases=((LEAK, Verdict.WRONG),),
        output=Output(text=LEAK),
    )
    return replace(made, id=f"test_{LEAK}_{name}", duration_s=424242.0, score=3.0)


MIXED = report(
    Verdict.FAILED,
    tests=(
        hidden("a"),
        outcome("open", Verdict.WRONG, FULL, cases=(("1", Verdict.WRONG), ("2", Verdict.PASSED))),
        hidden("b", None),
    ),
    diagnoses=(
        Diagnosis(
            mistakes=("forget",),
            tie=2,
            certainty="certain",
            part="step",
            tests=(f"test_{LEAK}_b", "test_open", f"test_{LEAK}_gone"),
            says="says",
            hint="hint",
        ),
    ),
    contrasts=(
        Contrast(text="kept", passes=("test_open[2]",), fails=("test_open[1]",)),
        Contrast(text=LEAK, passes=("test_open[2]",), fails=(f"test_a[{LEAK}]",)),
        Contrast(text=LEAK, passes=(f"test_a[{LEAK}]",), fails=("test_open[1]",)),
        Contrast(text=LEAK, passes=(), fails=()),
    ),
    remarks=(
        Remark(kind="hidden", text=LEAK),
        Remark(kind="hidden_state", text=LEAK),
        Remark(kind="dtype", text="kept"),
    ),
)


def test_the_leak_is_in_every_field() -> None:
    unset = [name for name in Finding.__struct_fields__ if getattr(FULL, name) is None]
    assert not unset


def test_nothing_of_hidden_tests_is_left() -> None:
    public = MIXED.tests[1]
    without_public = replace(
        for_students(MIXED), tests=tuple(t for t in for_students(MIXED).tests if t.id != public.id)
    )
    line = to_json(without_public)
    assert LEAK not in line and "424242" not in line
    assert LEAK in to_json(MIXED)


def test_title_points_verdict_and_kind_stay() -> None:
    first, public, second = for_students(MIXED).tests
    assert (first.id, first.title, first.part, first.score, first.max_score) == (
        "hidden-1",
        "Title of a",
        "step",
        3.0,
        10.0,
    )
    assert first.verdict is Verdict.WRONG and first.visibility == "hidden"
    assert first.finding == Finding(kind=Kind.VALUES, message=NEUTRAL[Kind.VALUES])
    assert (second.id, second.finding, second.cases, second.output) == ("hidden-2", None, (), None)
    assert public == MIXED.tests[1]


def test_diagnoses_stay_with_renamed_tests() -> None:
    [diagnosis] = for_students(MIXED).diagnoses
    assert diagnosis == replace(MIXED.diagnoses[0], tests=("hidden-2", "test_open"))


def test_contrasts_and_remarks_of_public_items_stay() -> None:
    shown = for_students(MIXED)
    assert [contrast.text for contrast in shown.contrasts] == ["kept"]
    assert [remark.text for remark in shown.remarks] == ["kept"]


def test_a_case_id_that_a_hidden_test_uses_too_is_not_public() -> None:
    same = replace(MIXED.tests[0], cases=MIXED.tests[1].cases)
    assert not for_students(replace(MIXED, tests=(same, *MIXED.tests[1:]))).contrasts


def test_points_and_the_rest_stay() -> None:
    for one in REPORTS.values():
        shown = for_students(one)
        left = ("tests", "diagnoses", "contrasts", "remarks")
        assert all(getattr(shown, name) == getattr(one, name) for name in one.__struct_fields__ if name not in left)
        assert len(shown.tests) == len(one.tests)


def test_a_report_without_hidden_tests_is_unchanged() -> None:
    assert for_students(GATE_ORDER) == GATE_ORDER


@pytest.mark.parametrize("name", REPORTS)
def test_doing_it_twice_changes_nothing(name: str) -> None:
    once = for_students(REPORTS[name])
    assert for_students(once) == once


def test_every_kind_has_its_neutral_sentence() -> None:
    assert set(NEUTRAL) == set(Kind)


def test_the_example_keeps_its_diagnosis() -> None:
    shown = for_students(ALL_AT_HAND)
    assert [test.id for test in shown.tests][2:] == ["hidden-1", "hidden-2", "hidden-3"]
    assert shown.diagnoses[0].tests == ("hidden-2",)
    assert "secret" not in to_json(shown)
