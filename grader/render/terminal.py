"""The page a learner reads: header, one line per part, the first failure opened, what to do next, points.

Without `verbose` a page has at most 25 lines; what does not fit is named, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from grader.record.report import PartReport, Report, TestReport, Verdict
from grader.render import words
from grader.render.opened import INDENT, LEFT, Block, beside, diagnoses, named, notes, of_finding, opened, room
from grader.render.text import Style, columns, cut, cut_left, listing, pad, paint, visible, wrap
from grader.render.words import FAILING, State

MOST_LINES = 25
MOST_PARTS = 8
RATHER_CUT = 4  # the highest rank of a block that is shortened to fit, and named among what is not shown

LOOKS = {
    State.OK: ("✓", "good"),
    State.FAIL: ("✗", "bad"),
    State.TODO: ("○", "quiet"),
    State.WAIT: ("·", "quiet"),
    State.UNGRADED: ("?", "odd"),
    State.SLOW: ("≈", "odd"),
    State.TIME: ("◷", "bad"),
}
"""Sign and colour of a state; its word stands beside them."""

BROKEN = (
    "Some tests could not be judged. This is not your fault: the exercise or the grader is broken, and you lose no "
    "points by it. Please show this page to your instructor."
)


def to_terminal(report: Report, style: Style = Style(), age: str = "", submit: str = "") -> str:  # noqa: B008 (a frozen value)
    """The page, without a newline at its end.

    age: how old the file is, "saved 2 minutes ago"   submit: how to hand in "{file}", shown when everything passes
    """
    head = [_header(report, age, style), *_parts(report, style)]
    foot = _foot(report, submit, style)
    blocks = [block for block in _body(report, style) if block.lines]
    most = None if style.verbose else MOST_LINES - len(head) - len(foot) - 2
    body = _laid_out(blocks, most, report.assignment.slug, style)
    sections = [section for section in (head, body, foot) if section]
    return "\n\n".join("\n".join(section) for section in sections)


def _header(report: Report, age: str, style: Style) -> str:
    """`LSTM cell   lstm/lstm.py, saved 2 minutes ago`"""
    title = cut(report.assignment.title, style.columns // 2, style)
    about = f", {visible(age, style)}" if age else ""
    left = style.columns - columns(title) - 3
    file = cut_left(report.submission.file, max(left - columns(about), 12), style)
    return f"{paint(title, 'strong', style)}   {paint(cut(file + about, left, style), 'quiet', style)}"


def _parts(report: Report, style: Style) -> list[str]:
    """One line per part; when there are many, those that pass share a line."""
    if report.verdict is Verdict.NOT_LOADED:
        return []
    rows = [(words.state(part, report.tests), part.title, part.score, part.max_score) for part in report.parts]
    if len(rows) > MOST_PARTS and not style.verbose:
        rows = _folded(report.parts, rows)
    left = len(rows) - MOST_PARTS if not style.verbose else 0
    lines = _rows(rows[: -left - 1] if left > 0 else rows, style)
    return [*lines, f"{INDENT}and {left + 1} more parts (-v shows them)"] if left > 0 else lines


def _folded(parts: Sequence[PartReport], rows: list) -> list:
    """The rows with all passed parts as one."""
    passed = [part for part in parts if part.verdict is Verdict.PASSED]
    others = [row for row in rows if row[0] is not State.OK]
    if len(passed) < 2:
        return rows
    score, most = sum(part.score for part in passed), sum(part.max_score for part in passed)
    return [(State.OK, f"{len(passed)} parts that pass", score, most), *others]


def _rows(rows: list, style: Style) -> list[str]:
    """`  ✗ FAIL  One step backward    0 of 30`, in columns."""
    scores = [(words.points(score), words.points(most)) for _, _, score, most in rows]
    score_room = max((len(score) for score, _ in scores), default=0)
    most_room = max((len(most) for _, most in scores), default=0)
    left = style.columns - (2 + 2 + 4 + 2) - (3 + score_room + 4 + most_room)
    titles = [cut(title, left, style) for _, title, _, _ in rows]
    widest = max(map(columns, titles), default=0)
    lines = []
    for (state, *_), title, (score, most) in zip(rows, titles, scores, strict=True):
        sign, colour = LOOKS[state]
        sign = paint(f"{visible(sign, style)} {state.value:<4}", colour, style)
        lines.append(f"{INDENT}{sign}  {pad(title, widest)}   {score:>{score_room}} of {most}")
    return lines


def _body(report: Report, style: Style) -> list[Block]:
    """What is opened below the parts."""
    match report.verdict:
        case Verdict.NOT_LOADED:
            return [*_not_loaded(report, style), notes(report, style)]
        case Verdict.NOT_ATTEMPTED:
            return [_start(report, "Nothing begun yet. A good start is", style), notes(report, style)]
        case Verdict.UNGRADED:
            return [_not_your_fault(report, style), *_failures(report, style), notes(report, style)]
        case _:
            return [*_failures(report, style), notes(report, style)]


def _failures(report: Report, style: Style) -> list[Block]:
    """The first failing test that may be seen; with `verbose` all of them."""
    failing = to_open(report, style)
    if not failing:
        return _hidden_only(report, style)
    if style.verbose:
        pages = ((10 * k, opened(report, test, style)) for k, test in enumerate(failing))
        return [replace(block, group=first + block.group) for first, blocks in pages for block in blocks]
    first, *others = failing
    also = named("Also fails", tuple(test.title for test in others), style)
    return [*opened(report, first, style), Block("other failures", 7, 2, also)]


def to_open(report: Report, style: Style) -> list[TestReport]:
    """Tests that fail, and one for each function that did not load, in the order of the parts."""
    order = {part.name: place for place, part in enumerate(report.parts)}
    tests = [t for t in report.tests if t.visibility == "public" or (style.verbose and style.hidden_details)]
    unloaded = {test.finding.message: test.id for test in reversed(tests) if test.finding and words.did_not_load(test)}
    shown = [test for test in tests if test.verdict in FAILING or test.id in unloaded.values()]
    return sorted(shown, key=lambda test: order.get(test.part, len(order)))


def _hidden_only(report: Report, style: Style) -> list[Block]:
    """What is known of failures whose tests are not shown."""
    failing = {test.id for test in report.tests if test.visibility == "hidden" and test.verdict in FAILING}
    if not failing:
        return [_start(report, "Right so far. Go on with", style)] if _to_do(report) else []
    title = cut("No visible test fails, but hidden ones do.", style.columns, style)
    found = [diagnosis for diagnosis in report.diagnoses if failing.intersection(diagnosis.tests)]
    return [
        Block("title", 0, 0, (paint(title, "strong", style),)),
        Block("diagnosis", 3, 0, diagnoses(found, style)),
    ]


def _not_loaded(report: Report, style: Style) -> list[Block]:
    """File, line and error."""
    file = report.submission.file.replace("\\", "/").rpartition("/")[2]
    title = paint(cut(f"{file} does not load, so nothing could be judged yet.", style.columns, style), "strong", style)
    findings = [t.finding for t in report.tests if t.visibility == "public" and words.did_not_load(t)]
    why = findings[0] if findings else None
    return [Block("title", 0, 0, (title,)), *(of_finding(why, style) if why is not None else ())]


def _start(report: Report, lead: str, style: Style) -> Block:
    """The first part that is not attempted, and where to write it."""
    first = next(iter(_to_do(report)), report.assignment.title)
    text = f'{lead} "{first}": write it in {report.submission.file}, then run this again.'
    return Block("start", 0, 0, wrap(text, style.columns, style))


def _to_do(report: Report) -> list[str]:
    return [part.title for part in report.parts if words.state(part, report.tests) is State.TODO]


def _not_your_fault(report: Report, style: Style) -> Block:
    """Which tests could not be judged, and what to tell whom."""
    tests = [test for test in report.tests if test.verdict is Verdict.UNGRADED]
    shown = tests if style.verbose else tests[:3]
    lines = [cut(f"{test.title}: {_reason(test)}", room(style), style) for test in shown]
    lines += [f"and {len(tests) - len(shown)} more (-v shows them)"] if len(shown) < len(tests) else []
    return Block("fault", 0, 0, (*wrap(BROKEN, style.columns, style), *beside("Not judged", lines, style)))


def _reason(test: TestReport) -> str:
    """What is known of the fault; of hidden tests nothing but its kind."""
    if test.finding is None or test.visibility == "hidden":
        return "hidden test"
    return test.finding.message.partition("\n")[0]


def _foot(report: Report, submit: str, style: Style) -> list[str]:
    """Hidden tests that ran, how to hand in, the next command, the points."""
    hand_in = wrap(f"Hand in: {submit.replace('{file}', report.submission.file)}", style.columns, style) if submit else ()
    lines = [*(hand_in if report.verdict is Verdict.PASSED else ()), _next(report, style), *wrap(words.score(report), style.columns, style)]
    return [line for line in (*_hidden(report, style), *lines) if line]


def _hidden(report: Report, style: Style) -> tuple[str, ...]:
    """`Hidden: 7 of 9 pass; not: "Saturated gates" (values)` on at most two lines."""
    tests = [test for test in report.tests if test.visibility == "hidden"]
    if not tests or report.verdict in (Verdict.NOT_LOADED, Verdict.NOT_ATTEMPTED):
        return ()
    failures, waiting = words.hidden_failures(report), words.hidden_waiting(report)
    lead = f"Hidden: {len(tests) - len(failures) - waiting} of {len(tests)} pass"
    lead += f"; {waiting} not judged yet" if waiting else ""
    if not failures:
        return wrap(f"{lead}.", style.columns, style)
    most = 10**6 if style.verbose else 2 * style.columns - len(lead) - 16
    return wrap(f"{lead}; not: {listing(failures, most, style)}", style.columns, style)


def _next(report: Report, style: Style) -> str:
    """What to type now."""
    slug = report.assignment.slug
    commands = {
        Verdict.PASSED: ("grade", "(what comes next)"),
        Verdict.NOT_ATTEMPTED: (f"grade show {slug}",),
        Verdict.NOT_LOADED: (f"grade {slug}",),
        Verdict.UNGRADED: (),
    }.get(report.verdict, (f"grade hint {slug}", f"grade show {slug}"))
    if style.stuck and commands[:1] == (f"grade hint {slug}",):
        commands = (commands[0], "(the third run with this failure: a question may help)")
    return cut(f"Next: {'   '.join(commands)}", style.columns, style) if commands else ""


def _laid_out(blocks: list[Block], most: int | None, slug: str, style: Style) -> list[str]:
    """The blocks on `most` lines: with blank lines between groups, without, or with the most important ones only."""
    for airy in (True, False):
        lines = _joined(blocks, airy)
        if most is None or len(lines) <= most:
            return lines
    kept = _most_important(blocks, most - 1)
    missing = dict.fromkeys(block.name for block in blocks if block not in kept)
    tail = f" (grade {slug} -v)"
    note = f"Not shown: {listing(missing, style.columns - 11 - columns(tail), style)}{tail}"
    return [*_joined(kept, airy=False), paint(cut(note, style.columns, style), "quiet", style)]


def _joined(blocks: list[Block], airy: bool) -> list[str]:
    lines: list[str] = []
    for place, block in enumerate(blocks):
        if airy and place and block.lines and block.group != blocks[place - 1].group:
            lines.append("")
        lines += block.lines
    return lines


def _most_important(blocks: list[Block], most: int) -> list[Block]:
    """As many as fit, taken by rank, in the order of the page; what matters most is rather cut than left out."""
    kept: dict[int, Block] = {}
    for place, block in sorted(enumerate(blocks), key=lambda item: item[1].rank):
        left = most - sum(len(other.lines) for other in kept.values())
        if len(block.lines) <= left:
            kept[place] = block
        elif block.rank <= RATHER_CUT and left > 1:
            kept[place] = replace(block, lines=(*block.lines[: left - 1], f"{' ' * LEFT}(and so on)"))
    return [kept[place] for place in sorted(kept)]
