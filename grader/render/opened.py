"""The opened failure of a terminal page: what one test found, as labelled blocks in the order they are read.

A block that does not fit on the page is left out by its `rank`, the highest first, and named at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from grader.record.report import Diagnosis, Finding, Kind, Line, Output, Report, TestReport, Verdict
from grader.render import words
from grader.render.text import Style, clip, columns, cut, cut_left, fit, fold, listing, paint, verbatim, wrap

INDENT = "  "
LABEL = 12  # columns of a label and the space behind it
LEFT = len(INDENT) + LABEL
LONGEST_PLACE = 30
MESSAGE_LINES = 3
PRINTED_LINES = 3
REMARKS = 3


class Block(msgspec.Struct, frozen=True):
    """Lines that stay together; where there is room, a blank line stands between two groups."""

    name: str
    rank: int
    group: int
    lines: tuple[str, ...]


def opened(report: Report, test: TestReport, style: Style) -> Iterator[Block]:
    """Everything there is to say on one failing test."""
    yield Block("title", 0, 0, (_title(report, test, style),))
    if test.finding is None:
        yield Block("verdict", 1, 0, labelled("Stopped", words.WITHOUT_FINDING.get(test.verdict, ""), style))
    else:
        yield from of_finding(test.finding, style)
    yield Block("pattern", 4, 1, _contrasts(report, test, style))
    yield Block("diagnosis", 3, 1, diagnoses(explaining(report, test), style))
    yield Block("what your code printed", 5, 2, _printed(test.output or Output(), style))
    yield Block("what is correct", 7, 2, _correct(report, test, style))


def of_finding(finding: Finding, style: Style) -> Iterator[Block]:
    """Line, exception, difference, smallest case, picture."""
    frames = finding.exception.frames if finding.exception is not None else ()
    place = finding.line or (frames[-1] if frames else None)
    if style.verbose:
        outer = (frame for frame in frames if frame != place)
        yield Block("frames", 9, 0, tuple(line for frame in outer for line in _place(frame, style)))
    if place is not None:
        yield Block("line", 1, 0, _place(place, style))
        yield Block("shapes", 2 if frames else 8, 0, _shapes(place, style))
    if finding.exception is not None:
        yield Block("error", 1, 0, _exception(finding.exception.type, finding.exception.message, style))
        yield Block("what it means", 2, 0, labelled("Means", finding.means or "", style))
    yield Block("difference", 2, 0, labelled(words.label(finding), words.gap(finding), style))
    if finding.case is not None and finding.kind is not Kind.NOT_LOADED:  # then nothing was called
        case = finding.case
        yield Block("smallest case", 6, 0, _small_case(case.arguments, case.actual, case.expected, style))
    if finding.picture is not None:
        rows = (finding.picture.kind.replace("_", " "), *finding.picture.rows)
        yield Block("picture", 10, 0, beside("Picture", (cut(row, room(style), style) for row in rows), style))


def notes(report: Report, style: Style) -> Block:
    """The remarks; in the short form the first few, one line each."""
    texts = [remark.text for remark in report.remarks if not (remark.kind == "left_out" and report.verdict is Verdict.PASSED)]
    if style.verbose:
        return Block("notes", 9, 2, tuple(line for text in texts for line in labelled("Note", text, style)))
    lines = [cut(text, room(style), style) for text in texts[:REMARKS]]
    if len(texts) > REMARKS:
        lines.append(f"and {len(texts) - REMARKS} more (-v shows them)")
    return Block("notes", 9, 2, beside("Note", lines, style))


def room(style: Style) -> int:
    """Columns beside the labels."""
    return style.columns - LEFT


def beside(label: str, shown: Iterable[str], style: Style) -> tuple[str, ...]:
    """Lines that are already cut, the label beside the first."""
    heads = (INDENT + paint(f"{label:<{LABEL}}", "quiet", style), *([" " * LEFT] * len(lines := list(shown))))
    return tuple(head + line for head, line in zip(heads, lines, strict=False))


def labelled(label: str, prose: str, style: Style) -> tuple[str, ...]:
    """A paragraph beside its label."""
    return beside(label, wrap(prose, room(style), style), style) if prose else ()


def named(label: str, names: tuple[str, ...], style: Style) -> tuple[str, ...]:
    """A list beside its label; in the short form on one line."""
    if style.verbose or not names:
        return labelled(label, "; ".join(names), style)
    return beside(label, [listing(names, room(style), style, between="; ")], style)


def _title(report: Report, test: TestReport, style: Style) -> str:
    """`One step, backward: all six gradients`, and in how many cases it fails."""
    part = next((part.title for part in report.parts if part.name == test.part), test.part)
    cases = words.failed_cases(test)
    shown = cut(f"{part}: {test.title}", style.columns - (columns(cases) + 3 if cases else 0), style)
    return paint(shown, "strong", style) + (paint(f"   {cases}", "quiet", style) if cases else "")


def _place(place: Line, style: Style) -> tuple[str, ...]:
    """`lstm.py:31  a_i, a_f = split(a)`, carets under the columns unless that is all of it; the place is the label."""
    number = f":{place.line}"
    label = cut_left(place.file, LONGEST_PLACE - len(number), style) + number
    left = INDENT + label + " " * max(LABEL - columns(label), 2)
    space = style.columns - columns(left)
    text, column, end = _window(place, space, style)
    line = paint(left, "quiet", style) + cut(text, space, style)
    if column is None or (column, end) == (0, len(text)):
        return (line,)
    before, under = (columns(fit(text[:until], space, style)[0]) for until in (column, end))
    caret_at = min(before, space - 1)
    carets = "^" * min(max(under - caret_at, 1), space - caret_at)
    return line, " " * (columns(left) + caret_at) + paint(carets, "bad", style)


def _window(place: Line, space: int, style: Style) -> tuple[str, int | None, int]:
    """The line's text without its indentation, moved to the left until the marked columns can be seen."""
    text = place.text.strip(" \t\r\n")
    if place.column is None:
        return text, None, 0
    indentation = len(place.text) - len(place.text.lstrip(" \t\r\n"))
    column = min(max(place.column - indentation, 0), len(text))
    end = min(max((place.end_column or 0) - indentation, column + 1), max(len(text), column))
    if fit(text[:end], space - 1, style)[1] >= end:
        return text, column, end
    start = max(column - space // 4, 1)
    return "…" + text[start:], column - start + 1, end - start + 1


def _shapes(place: Line, style: Style) -> tuple[str, ...]:
    """The arrays named on the line."""
    text = ", ".join(f"{name} is {shape}" for name, shape in place.shapes.items())
    return labelled("", f"where {text}" if text else "", style)


def _exception(kind: str, message: str, style: Style) -> tuple[str, ...]:
    """Type and message, verbatim; in the short form its first line, cut where it is long."""
    text = f"{kind}: {message}".rstrip("\n")
    if style.verbose:
        return beside("Error", verbatim(text, room(style), style), style)
    first, *rest = text.split("\n")
    more = f" ({len(rest)} more lines)" if rest else ""
    shown = clip(first, MESSAGE_LINES * room(style) - len(more) - 8, style)
    return beside("Error", fold(shown + more, room(style), style), style)


def _small_case(arguments: str, yours: str, expected: str, style: Style) -> tuple[str, ...]:
    """The call, then both results: side by side on one line if they fit."""
    together = f"yours {yours}, expected {expected}"
    if "\n" not in together and len(together) < room(style):
        results = [("", together)]
    else:
        results = [("  yours", yours), ("  expected", expected)]
    rows = [("Small case", arguments), *results]
    return tuple(line for label, value in rows for line in beside(label, verbatim(value, room(style), style), style))


def _contrasts(report: Report, test: TestReport, style: Style) -> tuple[str, ...]:
    """What the right cases of this test do not share with its wrong ones; else the same of another test of its part."""
    texts = _contrasts_of(report, test)
    if not texts:
        others = (t for t in report.tests if t.part == test.part and t.visibility == test.visibility)
        texts = [f"{t.title}: {text[:1].lower()}{text[1:]}" for t in others for text in _contrasts_of(report, t)][:1]
    return tuple(line for text in texts for line in labelled("Pattern", words.sentence(text), style))


def _contrasts_of(report: Report, test: TestReport) -> list[str]:
    cases = {case.id for case in test.cases}
    return [contrast.text for contrast in report.contrasts if cases.intersection(contrast.fails)]


def explaining(report: Report, test: TestReport) -> list[Diagnosis]:
    """What explains this test; else what explains its part."""
    of_test = [found for found in report.diagnoses if test.id in found.tests]
    return of_test or [found for found in report.diagnoses if found.part == test.part]


def diagnoses(found: list[Diagnosis], style: Style) -> tuple[str, ...]:
    """What each says, then its hint; those that explain equally well are joined by "or"."""
    lines: list[str] = []
    for place, this in enumerate(found):
        tied = place > 0 and this.tie is not None and this.tie == found[place - 1].tie
        lines += labelled("or" if tied else "Diagnosis", words.diagnosis(this), style)
        lines += labelled("", f"{this.line.file}:{this.line.line}  {this.line.text.strip()}" if this.line else "", style)
        lines += labelled("", this.hint, style)
    return tuple(lines)


def _printed(output: Output, style: Style) -> tuple[str, ...]:
    """The last lines of what the student's code printed; what is left out is counted."""
    printed = output.text.rstrip("\n").split("\n") if output.text.strip() else []
    shown = printed if style.verbose else printed[-PRINTED_LINES:]
    missing = [f"{len(printed) - len(shown)} lines above these"] if len(shown) < len(printed) else []
    missing += [f"{output.truncated} bytes that were not kept"] if output.truncated else []
    lines = [f"| {clip(line, room(style) - 2, style)}" for line in shown]
    note = wrap(f"({' and '.join(missing)})", room(style), style) if missing else ()
    return beside("Printed", (*lines, *note), style)


def _correct(report: Report, test: TestReport, style: Style) -> tuple[str, ...]:
    """Names of what passes already: the other tests of this part, then the other parts."""
    tests = (test for test in report.tests if test.visibility == "public" and test.verdict is Verdict.PASSED)
    parts = (part for part in report.parts if part.verdict is Verdict.PASSED)
    names = dict.fromkeys(item.title for item in (*(t for t in tests if t.part == test.part), *parts))
    return named("Correct", tuple(names), style)
