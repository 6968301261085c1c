"""`grade report RUN`: the class in the terminal; `grade report RUN STUDENT`: why this score."""

from __future__ import annotations

import statistics as numbers

from grader.gradebook.book import Book, Row
from grader.gradebook.statistics import Statistics, TestCount
from grader.render.terminal import to_terminal
from grader.render.text import Style, columns, cut, listing, pad, paint, visible, wrap
from grader.render.words import points

BARS = 10
MOST = 8  # entries of a list


def to_class_view(book: Book, found: Statistics, style: Style) -> str:
    sections = [_head(book, found, style), _distribution(book, found, style), _tests("Hardest tests", found.hardest, style),
                _names("Everybody fails (is it the test?)", found.everybody_fails, style), _names("Nobody fails", found.nobody_fails, style),
                _mistakes(found, style), _clusters(found, style), _absent(book, found, style)]
    return "\n\n".join("\n".join(section) for section in sections if section)


def _head(book: Book, found: Statistics, style: Style) -> list[str]:
    states = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in found.verdicts.items())
    lines = [paint(cut(f"{book.title}: {len(book.rows)} students, {book.late.sentence()}", style.columns, style), "strong", style),
             *wrap(states, style.columns, style)]
    if ungraded := found.verdicts.get("ungraded"):
        lines.append(paint(f"{ungraded} not graded by fault of exercise or grader: `grade regrade` marks them again", "bad", style))
    if book.manifest.state != "complete":
        lines.append(paint("The batch is not complete: go on with `grade batch ... --resume`", "bad", style))
    return lines


def _distribution(book: Book, found: Statistics, style: Style) -> list[str]:
    if not found.scores:
        return []
    counts = [0] * BARS
    for score in found.scores:
        counts[min(BARS - 1, max(0, int(score / max(book.points_total, 1e-9) * BARS)))] += 1
    most, room = max(counts), style.columns - 24
    lines = [f"Scores   median {points(numbers.median(found.scores))}, mean {points(numbers.fmean(found.scores))}, of {points(book.points_total)}"]
    for k, count in enumerate(counts):
        low, high = (points(book.points_total * edge / BARS) for edge in (k, k + 1))
        bar = visible("█" * round(count / most * room), Style(ascii=style.ascii)) if most else ""
        lines.append(f"  {low:>5} - {high:<5} {count:>4} {'#' * len(bar) if style.ascii else bar}".rstrip())
    return lines


def _tests(title: str, tests: tuple[TestCount, ...], style: Style) -> list[str]:
    if not tests:
        return []
    lines = [title]
    for test in tests[:MOST]:
        told = f"{test.passed} pass, {test.failed} fail"
        name = cut(f"{test.title} ({test.id})", style.columns - columns(told) - 4, style)
        lines.append(f"  {pad(name, style.columns - columns(told) - 4)}  {told}")
    return lines


def _names(title: str, tests: tuple[TestCount, ...], style: Style) -> list[str]:
    if not tests:
        return []
    return [f"{title}: {len(tests)}", *wrap(listing((t.id for t in tests), 3 * style.columns, style), style.columns, style)]


def _mistakes(found: Statistics, style: Style) -> list[str]:
    if not found.mistakes:
        return []
    lines = ["Misconceptions"]
    for name, certain, possible in found.mistakes[: 2 * MOST]:
        lines.append(f"  {certain:>4} certain {possible:>4} possible  {cut(name, style.columns - 30, style)}")
    return lines


def _clusters(found: Statistics, style: Style) -> list[str]:
    if not found.clusters:
        return []
    lines = ["Failures without a diagnosis (a mistake to write down?)"]
    for cluster in found.clusters[:MOST]:
        lines.append(cut(f"  {cluster.n:>4}  {cluster.test}: {cluster.kind}, for example {cluster.example}", style.columns, style))
    return lines


def _absent(book: Book, found: Statistics, style: Style) -> list[str]:
    lines = []
    if found.not_attempted:
        lines += wrap(f"Handed in, not begun ({len(found.not_attempted)}): {listing(found.not_attempted, 4 * style.columns, style)}", style.columns, style)
    if found.missing:
        lines += wrap(f"In the roster, nothing handed in ({len(found.missing)}): {listing(found.missing, 4 * style.columns, style)}", style.columns, style)
    for entry in book.unowned[:MOST]:
        lines.append(cut(f"Without an owner: {entry.path}: {entry.reason}", style.columns, style))
    return lines


def to_appeal(row: Row, book: Book, style: Style) -> str:
    """Everything that decides one student's score."""
    raw = "none" if row.raw is None else points(row.raw)
    score = "excused" if row.excused else "none" if row.score is None else points(row.score)
    lines = [paint(cut(f"{row.shown_name} ({row.student}), {book.title}: {score} of {points(book.points_total)}, raw {raw}", style.columns, style), "strong", style)]
    for reason in (*row.reasons, *(f"comment: {c}" for c in row.comments)):
        lines += [f"  - {line}" if k == 0 else f"    {line}" for k, line in enumerate(wrap(reason, style.columns - 4, style))]
    report = row.report
    if report is None:
        return "\n".join([*lines, "Nothing was handed in."])
    hand_in = row.hand_in
    lines += ["", *wrap(f"File {report.submission.file}, sha256 {report.submission.sha256}, handed in {hand_in.at or 'at an unknown time (counts as on time)'}",
                        style.columns, style)]
    seeds = "the course's secret" if report.seed is None else f"seed {report.seed}"
    lines += wrap(f"Marked with tests {report.assignment.digest[:16]}, grade {report.tool.version}, numpy {report.environment.numpy}, sandbox {report.sandbox.level}; "
                  f"public inputs are the same for everybody, hidden ones drawn from {seeds}", style.columns, style)
    lines += ["", "Tests"]
    for test in report.tests:
        told = f"{points(test.score)} of {points(test.max_score)}"
        name = cut(f"{test.verdict.value:<13} {test.visibility:<6} {test.id}: {test.title}", style.columns - 16, style)
        lines.append(f"  {pad(name, style.columns - 16)}  {told}")
        if test.cases and test.verdict.value not in ("passed", "not_attempted"):
            wrong = [c.id for c in test.cases if c.verdict.value != "passed"]
            lines += [f"      {line}" for line in wrap(f"{len(wrong)} of {len(test.cases)} cases: {listing(wrong, 2 * style.columns, style)}", style.columns - 6, style)]
    return "\n".join(lines) + "\n\n" + to_terminal(report, style)
