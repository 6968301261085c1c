"""A report as a piece of HTML that stands by itself, for notebooks: parts, the first failure opened, points.

All text is escaped, control characters are shown as such. Where styles are taken away, words and order still say it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from grader.record.report import Diagnosis, Finding, Kind, Line, Output, Report, TestReport, Verdict
from grader.render import words
from grader.render.opened import explaining
from grader.render.terminal import BROKEN, LOOKS, to_open
from grader.render.text import Style, clip, verbatim, visible
from grader.render.words import State

SHOWN = Style(verbose=True)
LONGEST = 1_000  # characters of a sentence
COLUMNS = 400  # of a line that is shown as it is
PRINTED = 30  # lines of what the code printed
MOST_OPEN = 40  # failing tests on a page

STYLE = """
.grade-report {--good: #1a7f37; --bad: #c4221c; --odd: #8250df; --quiet: #6a7178; --rule: #8884; font-size: 14px; line-height: 1.45; max-width: 60em}
[data-jp-theme-light="false"] .grade-report, .vscode-dark .grade-report, [theme="dark"] .grade-report {--good: #56d364; --bad: #ff8078; --odd: #c9a2ff; --quiet: #a0a8b0}
.grade-report .good {color: var(--good)} .grade-report .bad {color: var(--bad); font-weight: 600} .grade-report .odd {color: var(--odd)}
.grade-report .quiet, .grade-report dt {color: var(--quiet)}
.grade-report table {border-collapse: collapse; margin: .5em 0} .grade-report td {border: 0; padding: .1em 1em .1em 0; text-align: left; background: none}
.grade-report td.n {text-align: right; padding-right: .3em; font-variant-numeric: tabular-nums}
.grade-report details {border-top: 1px solid var(--rule); padding: .4em 0} .grade-report summary {cursor: pointer; font-weight: 600}
.grade-report dl {display: grid; grid-template-columns: max-content 1fr; gap: .25em 1em; margin: .5em 0} .grade-report dd {margin: 0; min-width: 0}
.grade-report pre, .grade-report code {font-size: 13px; background: none; color: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: 0}
.grade-report pre.picture {white-space: pre; overflow-x: auto; line-height: 1.1}
.grade-report mark {background: none; color: var(--bad); text-decoration: underline wavy; text-underline-offset: 4px}
.grade-report p {margin: .4em 0}
""".strip()


def to_html(report: Report) -> str:
    """The fragment."""
    body = [*_head(report), *_parts(report), *_body(report), *_notes(report), *_foot(report)]
    return "\n".join(['<div class="grade-report">', f"<style>{STYLE}</style>", *body, "</div>"])


def _text(raw: str) -> str:
    """One paragraph."""
    return escape(clip(" ".join(raw.split()), LONGEST, SHOWN))


def _code(raw: str, columns: int = COLUMNS) -> str:
    """All lines as they are."""
    return escape("\n".join(verbatim(raw.rstrip("\n"), columns, SHOWN)))


def _head(report: Report) -> Iterator[str]:
    yield f'<p><strong>{_text(report.assignment.title)}</strong> <span class="quiet">{_text(report.submission.file)}</span></p>'


def _parts(report: Report) -> Iterator[str]:
    """A table: sign, state, title, points."""
    if report.verdict is Verdict.NOT_LOADED:
        return
    yield "<table>"
    for part in report.parts:
        state = words.state(part, report.tests)
        sign, colour = LOOKS[state]
        points = f"{words.points(part.score)} of {words.points(part.max_score)}"
        yield f'<tr><td class="{colour}">{sign} {state.value}</td><td>{_text(part.title)}</td><td class="n">{points}</td></tr>'
    yield "</table>"


def _body(report: Report) -> Iterator[str]:
    """What went wrong, or what to do first."""
    failing = to_open(report, SHOWN)
    if report.verdict is Verdict.NOT_LOADED:
        yield "<p><strong>Nothing that is asked for loads, so nothing could be judged yet.</strong></p>"
    if report.verdict is Verdict.UNGRADED:
        yield f"<p>{_text(BROKEN)}</p>"
    if not failing and (todo := _to_do(report)):
        lead = "Nothing begun yet. A good start is" if report.verdict is Verdict.NOT_ATTEMPTED else "Right so far. Go on with"
        yield f"<p>{lead} <em>{_text(todo)}</em>.</p>"
    for place, test in enumerate(failing[:MOST_OPEN]):
        yield from _opened(report, test, is_first=place == 0)
    if len(failing) > MOST_OPEN:
        yield f"<p>and {len(failing) - MOST_OPEN} more tests that fail</p>"
    if not failing and any(test.visibility == "hidden" and test.verdict in words.FAILING for test in report.tests):
        yield f"<p><strong>No visible test fails, but hidden ones do.</strong></p><dl>{''.join(_diagnoses(list(report.diagnoses)))}</dl>"


def _to_do(report: Report) -> str:
    return next((part.title for part in report.parts if words.state(part, report.tests) is State.TODO), "")


# One failing test -----------------------------------------------------------------------------------------------------


def _opened(report: Report, test: TestReport, is_first: bool) -> Iterator[str]:
    part = next((part.title for part in report.parts if part.name == test.part), test.part)
    cases = f' <span class="quiet">{words.failed_cases(test)}</span>' if words.failed_cases(test) else ""
    yield f"<details{' open' if is_first else ''}><summary>{_text(f'{part}: {test.title}')}{cases}</summary><dl>"
    if test.finding is None:
        yield from _row("Stopped", _text(words.WITHOUT_FINDING.get(test.verdict, "")))
    else:
        yield from _finding(test.finding)
    cases_of_test = {case.id for case in test.cases}
    for contrast in report.contrasts:
        if cases_of_test.intersection(contrast.fails):
            yield from _row("Pattern", _text(words.sentence(contrast.text)))
    yield from _diagnoses(explaining(report, test))
    yield from _row("Printed", _printed(test.output or Output()))
    yield "</dl></details>"


def _row(label: str, shown: str) -> Iterator[str]:
    if shown:
        yield f"<dt>{escape(label)}</dt><dd>{shown}</dd>"


def _finding(finding: Finding) -> Iterator[str]:
    """Line, exception, difference, smallest case, picture."""
    frames = finding.exception.frames if finding.exception is not None else ()
    place = finding.line or (frames[-1] if frames else None)
    for frame in (frame for frame in frames if frame != place):
        yield from _row(visible(f"{frame.file}:{frame.line}", SHOWN), _line(frame))
    if place is not None:
        shapes = ", ".join(f"{name} is {shape}" for name, shape in place.shapes.items())
        yield from _row(visible(f"{place.file}:{place.line}", SHOWN), _line(place) + (f'<br><span class="quiet">where {_text(shapes)}</span>' if shapes else ""))
    if finding.exception is not None:
        yield from _row("Error", f"<pre>{_code(f'{finding.exception.type}: {finding.exception.message}')}</pre>")
        yield from _row("Means", _text(finding.means or ""))
    yield from _row(words.label(finding), _text(words.gap(finding)))
    if finding.case is not None and finding.kind is not Kind.NOT_LOADED:
        case = finding.case
        yield from _row("Small case", "<pre>{}\nyours    {}\nexpected {}</pre>".format(*map(_code, (case.arguments, case.actual, case.expected))))
    if finding.picture is not None:
        rows = "\n".join(_code(row) for row in finding.picture.rows)
        yield from _row("Picture", f'{_text(finding.picture.kind.replace("_", " "))}<pre class="picture">{rows}</pre>')


def _line(place: Line) -> str:
    """Its text, the columns in question marked."""
    indent = len(place.text) - len(place.text.lstrip())
    start, end = place.column, place.end_column
    if start is None or end is None or not indent <= start < end:
        return f"<code>{_code(place.text.strip())}</code>"
    pieces = (escape(clip(piece, COLUMNS, SHOWN)) for piece in (place.text[indent:start], place.text[start:end], place.text[end:].rstrip()))
    return "<code>{}<mark>{}</mark>{}</code>".format(*pieces)


def _diagnoses(found: list[Diagnosis]) -> Iterator[str]:
    """What each says, then its hint; those that explain equally well are joined by "or"."""
    for place, this in enumerate(found):
        tied = place > 0 and this.tie is not None and this.tie == found[place - 1].tie
        line = f"<br><code>{_text(f'{this.line.file}:{this.line.line}  {this.line.text.strip()}')}</code>" if this.line else ""
        hint = f"<br>{_text(this.hint)}" if this.hint else ""
        yield from _row("or" if tied else "Diagnosis", _text(words.diagnosis(this)) + line + hint)


def _printed(output: Output) -> str:
    """The last lines of what the code printed; what is left out is counted."""
    lines = output.text.rstrip("\n").split("\n") if output.text.strip() else []
    missing = [f"{len(lines) - PRINTED} lines above these"] if len(lines) > PRINTED else []
    missing += [f"{output.truncated} bytes that were not kept"] if output.truncated else []
    note = f'<span class="quiet">({" and ".join(missing)})</span>' if missing else ""
    shown = "\n".join(_code(line) for line in lines[-PRINTED:])
    return f"<pre>{shown}</pre>{note}" if lines else note


# Below ----------------------------------------------------------------------------------------------------------------


def _notes(report: Report) -> Iterator[str]:
    for remark in report.remarks:
        if not (remark.kind == "left_out" and report.verdict is Verdict.PASSED):
            yield f'<p><span class="quiet">Note</span> {_text(remark.text)}</p>'


def _foot(report: Report) -> Iterator[str]:
    """Hidden tests that ran, and the points."""
    hidden = [test for test in report.tests if test.visibility == "hidden"]
    if hidden and report.verdict not in (Verdict.NOT_LOADED, Verdict.NOT_ATTEMPTED):
        failures, waiting = words.hidden_failures(report), words.hidden_waiting(report)
        said = [f"Hidden: {len(hidden) - len(failures) - waiting} of {len(hidden)} pass", *([f"{waiting} not judged yet"] if waiting else [])]
        yield f"<p>{_text('; '.join([*said, *_not(failures)]))}.</p>"
    yield f"<p><strong>{_text(words.score(report))}</strong></p>"


def _not(failures: Iterable[str]) -> list[str]:
    named = ", ".join(failures)
    return [f"not: {named}"] if named else []
