"""The page a learner reads: snapshots of what it says, and what no text of a student can do to it."""

from __future__ import annotations

import ast
import re
import unicodedata
from pathlib import Path

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from grader.record.report import Contrast, Diagnosis, Hidden, Kind, Line, Output, Remark, Report, Verdict
from grader.render import words
from grader.render.terminal import to_terminal
from grader.render.text import Style, clip, cut, cut_left, fold, visible, wrap
from grader.testing.finding import CaseExample, Finding, Picture, Raised

from .sample_reports import ALL_AT_HAND, GATE_ORDER, GATES, MANY_PARTS, PASSED, REPORTS, opened, outcome, part, report

PLAIN, ASCII, VERBOSE = Style(), Style(ascii=True), Style(verbose=True)
WIDTHS = (40, 60, 80, 88, 100, 200)


def page(shown: Report, style: Style = PLAIN) -> str:
    return to_terminal(shown, style, "saved 2 minutes ago")


def columns(line: str) -> int:
    """Columns on a terminal, counted without the code under test."""
    wide = sum(unicodedata.east_asian_width(char) in ("W", "F") for char in line)
    return len(line) + wide - sum(unicodedata.category(char) in ("Mn", "Me") for char in line)


# What it says


@pytest.mark.parametrize("name", REPORTS)
def test_pages(name: str, snapshot) -> None:
    assert page(REPORTS[name]) == snapshot


def test_verbose_page(snapshot) -> None:
    assert page(GATE_ORDER, VERBOSE) == snapshot


def test_narrow_ascii_page(snapshot) -> None:
    assert page(GATE_ORDER, Style(width=60, ascii=True)) == snapshot


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verbose", [False, True])
def test_stays_within_width_and_height(name: str, width: int, verbose: bool) -> None:
    lines = page(REPORTS[name], Style(width=width, verbose=verbose)).split("\n")
    assert max(map(columns, lines)) <= width
    assert verbose or len(lines) <= 25


@pytest.mark.parametrize("name", REPORTS)
def test_colour_adds_nothing_and_ascii_is_ascii(name: str) -> None:
    coloured = page(REPORTS[name], Style(color=True))
    assert click.unstyle(coloured) == page(REPORTS[name]) != coloured
    assert page(REPORTS[name], ASCII).isascii()


@pytest.mark.parametrize(
    ("verdict", "finding", "word"),
    [
        (Verdict.PASSED, None, "✓ ok  "),
        (Verdict.WRONG, GATES, "✗ FAIL"),
        (Verdict.WRONG, Finding(kind=Kind.SLOW, message="41 times the reference"), "≈ slow"),
        (Verdict.TIMEOUT, Finding(kind=Kind.TIMEOUT, message="stopped"), "◷ TIME"),
        (Verdict.CRASHED, None, "✗ FAIL"),
        (Verdict.NOT_ATTEMPTED, None, "○ todo"),
        (Verdict.BLOCKED, None, "· wait"),
        (Verdict.UNGRADED, None, "? ????"),
    ],
)
def test_every_state_has_a_word_and_a_sign(verdict: Verdict, finding: Finding | None, word: str) -> None:
    of_part = verdict if verdict in words.STATES else Verdict.FAILED
    shown = report(Verdict.FAILED, (part("step", "Step", 0, 40, of_part),), (outcome("step", verdict, finding),))
    assert f"  {word}  Step   0 of 40" in page(shown)


def test_a_part_that_fails_in_values_too_is_not_called_slow() -> None:
    slow = outcome("speed", Verdict.WRONG, Finding(kind=Kind.SLOW, message="slow"))
    shown = report(
        Verdict.FAILED, (part("step", "Step", 0, 40, Verdict.FAILED),), (slow, outcome("h", Verdict.WRONG, GATES))
    )
    assert "✗ FAIL  Step" in page(shown)


@pytest.mark.parametrize(
    ("rest", "word"),
    [
        (Verdict.NOT_ATTEMPTED, "○ todo"),
        (Verdict.BLOCKED, "· wait"),
        (Verdict.UNGRADED, "? ????"),
        (Verdict.WRONG, "✗ FAIL"),
    ],
)
def test_a_part_begun_and_right_so_far_does_not_fail(rest: Verdict, word: str) -> None:
    tests = (outcome("a", Verdict.PASSED), outcome("b", rest), outcome("c", Verdict.BLOCKED))
    shown = page(report(Verdict.FAILED, (part("step", "Step", 20, 40, Verdict.FAILED),), tests))
    assert f"{word}  Step" in shown
    assert ('Right so far. Go on with "Step"' in shown) == (rest in (Verdict.NOT_ATTEMPTED,))


def test_a_single_wrong_value_is_not_called_the_first() -> None:
    one = replace(GATES, n_wrong=1)
    assert words.gap(one).startswith("h: 1 of 8 values differs. At h[0, 2] (N=0, H=2): yours -0.4897363")


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_told(kind: Kind) -> None:
    finding = Finding(kind=kind, message="what happened", output="h", expected=1.0, actual=2.0)
    shown = page(opened(finding))
    assert "what happened" in shown.lower() or "yours 2, expected 1" in shown


def test_the_first_failing_part_in_the_order_of_parts_is_opened() -> None:
    assert "Part 4: Test 4" in page(MANY_PARTS)
    reversed_tests = replace(MANY_PARTS, tests=MANY_PARTS.tests[::-1])
    assert "Part 4: Test 4" in page(reversed_tests)
    assert "Part 19: Test 19" in page(MANY_PARTS, VERBOSE)


def test_what_is_left_out_is_named() -> None:
    assert "Not shown: shapes, smallest case, notes (grade lstm -v)" in page(GATE_ORDER)
    assert "Not shown" not in page(GATE_ORDER, VERBOSE)
    assert "and 10 more parts" in page(MANY_PARTS) and "Part 19" not in page(MANY_PARTS)


def test_a_long_diagnosis_is_cut_and_says_so() -> None:
    long = Diagnosis(
        mistakes=("a",), tie=None, certainty="certain", part="step", tests=("test_step",), says="word " * 300, hint=""
    )
    shown = page(opened(GATES, diagnoses=(long,)))
    assert "word word" in shown and "(and so on)" in shown
    assert re.search(r"Not shown: .*diagnosis.* \(grade lstm -v\)", shown)


def test_the_end_of_the_prints_is_shown_and_the_rest_counted() -> None:
    shown = page(opened(GATES))
    printing = opened(GATES)
    tests = (printing.tests[0], replace(printing.tests[1], output=Output(text="a\nb\nc\nd\ne\n", truncated=7)))
    shown = page(replace(printing, tests=tests))
    assert "| c\n" in shown and "| b\n" not in shown
    assert "(2 lines above these and 7 bytes that were not kept)" in shown


def test_a_long_message_says_how_much_is_cut() -> None:
    raised = Finding(kind=Kind.RAISED, message="", exception=Raised(type="ValueError", message="x" * 1000 + "\nsecond"))
    shown = page(opened(raised, Verdict.RAISED))
    [count] = re.findall(r"\((\d+) more characters\)", shown)
    assert shown.count("x") + int(count) == 1000 + page(opened(None)).count("x")
    assert "(1 more lines)" in shown


def test_hidden_tests_are_told_by_title_and_kind_only() -> None:
    for style in (PLAIN, VERBOSE):
        shown = page(ALL_AT_HAND, style)
        assert 'Hidden: 1 of 3 pass; not: "Saturated gates" (values), "Speed" (slow)' in shown
        assert "0.4897363" not in shown and "secret print" not in shown and "secret contrast" not in shown
    assert "0.4897363" in page(ALL_AT_HAND, Style(verbose=True, hidden_details=True))


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (PASSED, "Visible 40 of 40 points. The other 60 are decided by 9 hidden tests after you hand in."),
        (
            replace(PASSED, hidden=None),
            "Visible 40 of 40 points. The other 60 are decided by hidden tests after you hand in.",
        ),
        (
            replace(PASSED, hidden=Hidden(tests=1, points=60)),
            "Visible 40 of 40 points. The other 60 are decided by 1 hidden test after you hand in.",
        ),
        (
            replace(PASSED, hidden=Hidden(tests=2, points=50)),
            "Visible 40 of 40 points. The other 50 are decided by 2 hidden tests after you hand in. "
            "Not run: tests worth 10 points.",
        ),
        (replace(PASSED, hidden=Hidden(tests=0, points=0), points_total=40), "Score 40 of 40 points."),
        (ALL_AT_HAND, "Score 85 of 100 points."),
        (replace(ALL_AT_HAND, max_score=90.5), "Score 85 of 90.5 points. Not run: tests worth 9.5 points."),
    ],
)
def test_the_last_line(shown: Report, line: str) -> None:
    assert page(shown, Style(width=200)).endswith(f"\n{line}")
    assert "all tests pass" not in page(shown).lower()


def test_many_remarks_are_counted() -> None:
    remarks = tuple(Remark(kind="state", text=f"remark {k}") for k in range(5))
    shown = page(replace(PASSED, remarks=remarks))
    assert "remark 2" in shown and "remark 3" not in shown and "and 2 more (-v shows them)" in shown
    assert "remark 4" in page(replace(PASSED, remarks=remarks), VERBOSE)


def test_ungraded_is_not_the_students_fault() -> None:
    shown = page(REPORTS["ungraded"])
    assert "This is not your fault" in shown and "test_lstm.py:12" in shown and "the secret message" not in shown


def test_a_function_that_did_not_load_is_opened_once() -> None:
    message = "`step` did not load: SyntaxError: expected ':'"
    finding = Finding(kind=Kind.NOT_LOADED, message=message, output="step", case=GATES.case)
    tests = tuple(outcome(name, Verdict.BLOCKED, finding, title=f"Title {name}") for name in "abc")
    shown = report(Verdict.FAILED, (part("step", "Step", 0, 40, Verdict.BLOCKED),), tests)
    for style in (PLAIN, VERBOSE):
        assert "Step: Title a" in page(shown, style) and "Title b" not in page(shown, style)
        assert "expected ':'" in page(shown, style) and "Small case" not in page(shown, style)


def test_why_a_file_does_not_load_comes_from_a_public_test() -> None:
    hidden = outcome("h", Verdict.BLOCKED, Finding(kind=Kind.NOT_LOADED, message="neutral"), hidden=True)
    shown = REPORTS["not_loaded"]
    assert page(replace(shown, tests=(hidden, *shown.tests))) == page(shown)


def test_contrasts_of_other_tests_stay_away() -> None:
    contrast = Contrast(text="passes when T = 1, fails when T > 1", passes=("other[1]",), fails=("other[2]",))
    assert "when T" not in page(opened(GATES, contrasts=(contrast,)))
    assert "Passes when T = 1" in page(opened(GATES, contrasts=(replace(contrast, fails=("test_step[1]",)),)))


@pytest.mark.parametrize(
    ("yours", "expected", "text"),
    [
        (0.5, 0.25, "yours 0.5, expected 0.25"),
        (1 / 3, 1 / 3 + 1e-9, "yours 0.333333333, expected 0.333333334"),
        (float("nan"), float("-inf"), "yours nan, expected -inf"),
        ("tanh", "relu", "yours tanh, expected relu"),
        (True, None, "yours True, expected None"),
        (1.5 + 2j, 10**30, "yours 1.5+2j, expected 1000000000000000000000000000000"),
        ("y" * 61, 1, f"yours {'y' * 60}... (1 more characters), expected 1"),
    ],
)
def test_numbers(yours: object, expected: object, text: str) -> None:
    assert text in words.gap(
        Finding(kind=Kind.VALUES, message="another value", expected=expected, actual=yours)
    ).replace("Yours", "yours")


def test_an_integer_too_long_to_be_printed_is_described() -> None:
    assert words.number(10**5000) == "an integer of 16610 bits"


def test_carets_stand_under_the_marked_columns_wherever_these_are() -> None:
    for before in (0, 10, 60, 300):
        text = "\t" + "é" * before + "世bad世" + "z" * 200
        line = Line(file="lstm.py", line=3, text=text, column=before + 2, end_column=before + 5)
        shown = page(opened(replace(GATES, line=line))).split("\n")
        [carets] = [k for k, row in enumerate(shown) if row.strip() == "^^^"]
        left = columns(shown[carets].rstrip("^"))
        source = shown[carets - 1]
        assert source[next(k for k in range(len(source)) if columns(source[:k]) == left) :].startswith("bad")


# What no text can do

hostile = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.text(st.sampled_from("\x00\x07\x1b[31m\n\r\t\x85\u2028\u202e\u200b\u0301世\ud800é ab\U000e0041"), max_size=300),
)
styles = st.builds(Style, width=st.integers(1, 120), ascii=st.booleans(), verbose=st.booleans())


def harmless(text: str) -> bool:
    return all(
        unicodedata.category(char)[0] not in "C" and unicodedata.category(char) not in ("Zl", "Zp") for char in text
    )


@given(hostile, styles)
@example("\u0301" * 50, Style())
def test_nothing_but_printable_characters_survives(text: str, style: Style) -> None:
    shown = visible(text, style)
    assert harmless(shown) and shown.isprintable()
    assert not style.ascii or shown.isascii()
    assert visible(shown, style) == shown
    assert not re.search("\u0301{3}", shown)


@given(hostile, st.integers(8, 100), styles)
def test_cut_lines_keep_their_width(text: str, room: int, style: Style) -> None:
    for line in (cut(text, room, style), cut_left(text, room, style), clip(text, room, style)):
        assert columns(line) <= room and harmless(line)
    for lines in (fold(text, room, style), wrap(text, room, style)):
        assert all(columns(line) <= room and harmless(line) for line in lines)


@given(st.text(st.sampled_from("ab \x1b世"), max_size=200), st.integers(8, 100))
def test_folding_loses_nothing_but_spaces(text: str, room: int) -> None:
    assert "".join(fold(text, room, PLAIN)).replace(" ", "") == visible(text, PLAIN).replace(" ", "")


def test_escapes_are_seen() -> None:
    assert visible("a\x1b[31mb\x00\u202ec\ud800\n\u2028", PLAIN) == r"a\x1b[31mb\x00\u202ec\ud800\n\u2028"
    assert visible("a → é ≥ 2 ▁█ 世", ASCII) == r"a -> \xe9 >= 2 18 \u4e16"


@st.composite
def hostile_reports(draw: st.DrawFn) -> Report:
    """Every text a student can reach, and every text of an author, is hostile."""
    text = draw(st.lists(hostile, min_size=16, max_size=16))
    column = draw(st.one_of(st.none(), st.integers(-3, 400)))
    line = Line(
        file=text[0],
        line=draw(st.integers(0, 10**9)),
        text=text[1],
        column=column,
        end_column=draw(st.one_of(st.none(), st.integers(-3, 400))),
        shapes={text[2]: text[3]},
    )
    finding = Finding(
        kind=draw(st.sampled_from(Kind)),
        message=text[4],
        output=text[5],
        axes=(text[6],),
        index=(3,),
        worst_index=(4,),
        n_wrong=2,
        n=draw(st.sampled_from([1, 9])),
        max_abs=draw(st.floats()),
        expected=draw(st.one_of(st.floats(), hostile)),
        actual=draw(st.one_of(st.integers(), hostile)),
        expected_shape=(4,),
        actual_shape=(5,),
        relation=text[7],
        case=CaseExample(arguments=text[8], expected=text[9], actual=text[10]),
        picture=Picture(kind=text[11], rows=(text[12],)),
        exception=Raised(type=text[13], message=text[14] * 20, frames=(line,)),
        line=draw(st.sampled_from([line, None])),
    )
    found = Diagnosis(
        mistakes=(text[1],), tie=1, certainty="possible", part="step", tests=("test_step",), says=text[2], hint=text[3]
    )
    verdict = draw(
        st.sampled_from([Verdict.FAILED, Verdict.STOPPED, Verdict.NOT_LOADED, Verdict.NOT_ATTEMPTED, Verdict.UNGRADED])
    )
    of_test = draw(st.sampled_from([Verdict.WRONG, Verdict.RAISED, Verdict.TIMEOUT, Verdict.UNGRADED]))
    tests = (
        outcome(
            "step",
            of_test,
            finding,
            title=text[15],
            output=Output(text=text[0] * 30, truncated=3),
            cases=(("1", of_test), (text[4], of_test)),
        ),
        outcome("other", of_test, finding, title=text[3]),
        outcome("hidden", of_test, finding, title=text[4], hidden=True),
        outcome("right", Verdict.PASSED, title=text[5]),
    )
    parts = (part("step", text[6], 0, 40, Verdict.FAILED), part("next", text[7], 0, 1 / 3, Verdict.PASSED))
    contrast = Contrast(text=text[8], passes=(), fails=("test_step[1]",))
    return report(
        verdict,
        parts,
        tests,
        file=text[9],
        diagnoses=(found, found),
        contrasts=(contrast,),
        remarks=(Remark(kind="", text=text[10]),) * 5,
    )


@settings(max_examples=300, deadline=None)
@given(hostile_reports(), styles, hostile)
def test_no_report_breaks_the_page(shown: Report, style: Style, age: str) -> None:
    text = to_terminal(shown, style, age)
    lines = text.split("\n")
    assert all(harmless(line) and columns(line) <= style.columns for line in lines)
    assert text.splitlines() == lines
    assert style.verbose or len(lines) <= 25
    assert not style.ascii or text.isascii()
    assert to_terminal(shown, style, age) == text


def test_megabytes_are_shown_in_no_time() -> None:
    big = "\x1b" * 1_000_000
    line = Line(file=big, line=1, text=big, column=500_000, end_column=500_010)
    finding = replace(
        GATES,
        message=big,
        relation=big,
        line=line,
        exception=Raised(type="E", message=big),
        case=CaseExample(arguments=big, expected=big, actual="\n" * 1_000_000),
    )
    assert len(page(opened(finding), VERBOSE)) < 1_000_000
    assert len(page(opened(replace(finding, kind=Kind.RAISED)))) < 5_000


@pytest.mark.parametrize("module", ["text", "words", "opened", "terminal", "json"])
def test_the_way_to_the_first_page_is_light(module: str) -> None:
    tree = ast.parse((Path(words.__file__).parent / f"{module}.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert not {"rich", "numpy", "pytest", "jinja2"} & {name.partition(".")[0] for name in imported}
