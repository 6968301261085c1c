"""What one student reads: score per part, what is wrong and why, comments, adjustments with their reason. HTML and text.

The HTML page is one file: no script, no network, every text escaped. It is drawn from the student's report, in which
hidden tests are titles and verdicts.
"""

from __future__ import annotations

import re
from html import escape

from grader.gradebook.book import Book, Row
from grader.record.audience import for_students
from grader.record.report import Report, TestReport, Verdict
from grader.render import words
from grader.render.terminal import to_terminal
from grader.render.text import Style, verbatim, visible
from grader.render.words import State

STYLE = """
:root{color-scheme:light dark;--good:#17692f;--bad:#a3161f;--quiet:#5a5f66;--line:#c9ced6;--soft:#f2f4f7}
@media(prefers-color-scheme:dark){:root{--good:#7bd88f;--bad:#ff9a9a;--quiet:#a9b0ba;--line:#444b55;--soft:#22262c}}
body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2rem}
.score{font-size:1.25rem;font-weight:600}.quiet{color:var(--quiet)}.good{color:var(--good)}.bad{color:var(--bad)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}td.n,td.w{white-space:nowrap}th[scope=rowgroup]{padding-top:1rem}
pre{background:var(--soft);padding:.75rem;overflow-x:auto;font-size:.85rem;white-space:pre-wrap;overflow-wrap:anywhere}
blockquote{margin:.5rem 0;padding:.1rem .8rem;border-left:3px solid var(--line)}
@media print{body{margin:0}}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
MOST_PAGE = 40_000  # characters of the opened failures


def file_name(row: Row, suffix: str) -> str:
    """As platforms want it back: the download's own beginning, else the student's name in safe characters."""
    if row.hand_in is not None and row.hand_in.reply:
        start = _safe(row.hand_in.reply, keep=" ")
        return f"{start}feedback{suffix}"
    name = _safe(row.student).strip("._-") or "student"
    return f"{name[:100]}{suffix}"


def _safe(text: str, keep: str = "") -> str:
    return re.sub(rf"[^\w.@+{re.escape(keep)}-]+", "_", text, flags=re.UNICODE)


# Text -----------------------------------------------------------------------------------------------------------------


def to_text(row: Row, book: Book) -> str:
    style = Style(width=88, verbose=True)
    lines = [visible(f"{book.title}: {_score(row, book)}", style)]
    for reason in row.reasons:
        lines += _item(reason, style)
    for comment in row.comments:
        lines += ["", *(f"  > {line}" for line in verbatim(comment, 80, style))]
    if row.report is not None:
        lines += ["", to_terminal(for_students(row.report), style)]
    return "\n".join(lines) + "\n"


def _item(text: str, style: Style) -> list[str]:
    first, *others = verbatim(text, 82, style)
    return [f"  - {first}", *(f"    {line}" for line in others)]


def _score(row: Row, book: Book) -> str:
    if row.excused:
        return "excused"
    if row.score is None:
        return "nothing was handed in" if row.report is None else "could not be graded yet; this is not your fault"
    raw = f" (before adjustments {words.points(row.raw)})" if row.raw is not None and row.raw != row.score else ""
    return f"{words.points(row.score)} of {words.points(book.points_total)} points{raw}"


# HTML -----------------------------------------------------------------------------------------------------------------


def to_html(row: Row, book: Book) -> str:
    report = for_students(row.report) if row.report is not None else None
    body = [f"<h1>{_html(book.title)}</h1>", f'<p class="quiet">{_html(row.shown_name)}</p>', f'<p class="score">{_html(_score(row, book))}</p>']
    if row.reasons:
        body += ["<h2>Adjustments</h2>", "<ul>", *(f"<li>{_html(reason)}</li>" for reason in row.reasons), "</ul>"]
    if row.comments:
        body += ["<h2>Comments</h2>", *(f"<blockquote><p>{_html(comment)}</p></blockquote>" for comment in row.comments)]
    if report is not None:
        body += [*_parts(report), *_diagnoses(report), *_notes(report), *_tests(report), *_opened(report), _origin(report)]
    title = _html(f"{book.title}: {row.shown_name}")
    return "\n".join(["<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
                      f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
                      '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{title}</title>", f"<style>{STYLE}</style>",
                      "</head>", "<body>", *body, "</body>", "</html>"]) + "\n"


def _html(text: str) -> str:
    return escape(visible(" ".join(text.split()), Style()), quote=True)


def _parts(report: Report) -> list[str]:
    rows = [f"<tr><td>{_sign(words.state(part, report.tests))}</td><td>{_html(part.title)}</td><td class=\"n\">{words.points(part.score)} of {words.points(part.max_score)}</td></tr>"
            for part in report.parts]
    return ["<h2>Parts</h2>", "<table>", '<thead><tr><th scope="col">State</th><th scope="col">Part</th><th scope="col" class="n">Points</th></tr></thead>',
            "<tbody>", *rows, "</tbody>", "</table>"]


SIGNS = {State.OK: ("good", "✓ ok"), State.FAIL: ("bad", "✗ fails"), State.TODO: ("quiet", "○ not begun"), State.WAIT: ("quiet", "· waits"),
         State.UNGRADED: ("quiet", "? not judged"), State.SLOW: ("bad", "≈ slow"), State.TIME: ("bad", "◷ not in time")}


def _sign(state: State) -> str:
    kind, word = SIGNS[state]
    return f'<span class="{kind}">{word}</span>'


def _diagnoses(report: Report) -> list[str]:
    lines = [f"<p>{_html(words.diagnosis(found))}</p>" + (f"<p>Hint: {_html(found.hint)}</p>" if found.hint else "") for found in report.diagnoses]
    lines += [f"<p>Pattern: {_html(words.sentence(found.text))}</p>" for found in report.contrasts]
    return ["<h2>What is behind it</h2>", *lines] if lines else []


def _notes(report: Report) -> list[str]:
    lines = [f"<li>{_html(remark.text)}</li>" for remark in report.remarks]
    return ["<h2>Notes</h2>", "<ul>", *lines, "</ul>"] if lines else []


def _tests(report: Report) -> list[str]:
    """A group of rows per part."""
    rows: list[str] = []
    for part in report.parts:
        rows.append(f'<tr><th colspan="4" scope="rowgroup">{_html(part.title)}</th></tr>')
        rows += [f'<tr><td>{_html(test.title)}</td><td class="quiet">{test.visibility}</td><td class="w">{_verdict(test)}</td>'
                 f'<td class="n">{words.points(test.score)} of {words.points(test.max_score)}</td></tr>' for test in report.tests if test.part == part.name]
    return ["<h2>Tests</h2>", "<table>", '<thead><tr><th scope="col">Test</th><th scope="col">Kind</th><th scope="col">Verdict</th>'
            '<th scope="col" class="n">Points</th></tr></thead>', "<tbody>", *rows, "</tbody>", "</table>"]


def _verdict(test: TestReport) -> str:
    failing = test.verdict in words.FAILING
    said = [test.verdict.value, *([test.finding.kind.value] if failing and test.finding and test.finding.kind.value != test.verdict.value else [])]
    text = said[0] + "".join(f" ({kind})" for kind in said[1:])
    return f'<span class="{"bad" if failing else "good" if test.verdict is Verdict.PASSED else "quiet"}">{_html(text.replace("_", " "))}</span>'


def _opened(report: Report) -> list[str]:
    """The page of the terminal, every public failure opened."""
    if report.verdict is Verdict.PASSED:
        return []
    page = to_terminal(report, Style(width=88, verbose=True))
    more = "\n..." if len(page) > MOST_PAGE else ""
    return ["<details open>", "<summary>In detail</summary>", f"<pre>{escape(page[:MOST_PAGE] + more)}</pre>", "</details>"]


def _origin(report: Report) -> str:
    """Which file this is about, so that nobody has to argue."""
    known = report.submission
    return f'<p class="quiet">{_html(known.file)}, sha256 {known.sha256[:16]}; marked by grade {_html(report.tool.version)}.</p>'
