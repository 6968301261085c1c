"""A marking -> a report: points, verdicts, the finding that a test shows, the smallest failing case. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grader.course.assignment import Assignment
from grader.course.manifest import RESTORES
from grader.feedback import score
from grader.record.recording import Recording, TestPoints
from grader.record.report import (
    CaseReport,
    Contrast,
    Diagnosis,
    Hidden,
    Output,
    PartReport,
    Remark,
    Report,
    SubmissionReport,
    TestReport,
    Verdict,
)
from grader.source.submission import Submission
from grader.suite.engine import Marking, Outcome
from grader.suite.plan import Case
from grader.testing.finding import Finding, Kind, Line

MOST_OUTPUT = 64 << 10


class Explanation(msgspec.Struct, frozen=True):
    """What is said beside the findings."""

    diagnoses: tuple[Diagnosis, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    remarks: tuple[Remark, ...] = ()


def needs_explanation(marking: Marking) -> bool:
    """Some begun case gave another answer than the reference (being slow is explained by its own finding)."""
    items = marking.recording.items
    return any(o.verdict in (Verdict.WRONG, Verdict.RAISED) and not items[case].speed for case, o in marking.outcomes.items())


def build(marking: Marking, exercise: Assignment, explanation: Explanation, altered: tuple[str, ...] = (), **fixed: Any) -> Report:
    """The report of one marking.

    altered: tests that a learner changed: shown as `ungraded`, they decide nothing and their points are in no sum.
    fixed:   the fields that do not depend on the marking (tool, environment, ...)
    """
    recording = marking.recording
    tests = tuple(_test(row, marking) for row in recording.table if any(c.test == row.test for c in marking.cases))
    verdicts = [t.verdict for t in tests]
    parts = tuple(_parts(exercise, recording, tests))
    unseen = [row for row in recording.table if not row.public and not any(c.test == row.test for c in marking.cases)]
    return Report(
        **fixed,
        submission=_submission(marking.submission),
        scope="public" if all(t.visibility == "public" for t in tests) else "all",
        hidden=Hidden(tests=len(unseen), points=sum(r.hundredths for r in unseen) / 100) if unseen else None,
        verdict=score.submission_verdict(verdicts, marking.any_function_loaded),
        score=sum(round(t.score * 100) for t in tests) / 100, max_score=sum(round(t.max_score * 100) for t in tests) / 100,
        points_total=sum(row.hundredths for row in recording.table) / 100,
        parts=parts, tests=tests + tuple(_altered(row) for row in recording.table if row.test in altered),
        diagnoses=explanation.diagnoses, contrasts=explanation.contrasts,
        remarks=tuple(map(_altered_remark, altered)) + marking.remarks + explanation.remarks)


def _altered(row: TestPoints) -> TestReport:
    return TestReport(id=row.test, part=row.part, title=row.title, visibility="public", score=0.0, max_score=row.hundredths / 100, duration_s=0.0,
                      verdict=Verdict.UNGRADED, finding=Finding(kind=Kind.AUTHOR, message=f"changed by you; {RESTORES}"))


def _altered_remark(test: str) -> Remark:
    return Remark(kind="altered", text=f"{test} or its recording was changed by you; {RESTORES}")


def _submission(submission: Submission) -> SubmissionReport:
    return SubmissionReport(name=submission.name, file=submission.file, kind=submission.kind, sha256=submission.sha256)


def _parts(assignment: Assignment, recording: Recording, tests: tuple[TestReport, ...]) -> Iterable[PartReport]:
    resolved = assignment.with_parts([*(row.part for row in recording.table), *assignment.omit])
    for part in resolved.parts:
        members = [t for t in tests if t.part == part.name]
        if members:
            yield PartReport(name=part.name, title=part.title, score=sum(round(t.score * 100) for t in members) / 100,
                             max_score=sum(round(t.max_score * 100) for t in members) / 100,
                             verdict=score.part_verdict([t.verdict for t in members]))


def _test(row: TestPoints, marking: Marking) -> TestReport:
    cases = [c for c in marking.cases if c.test == row.test]
    outcomes = {c.id: marking.outcomes[c.id] for c in cases if c.id in marking.outcomes}
    passed = [outcomes[c.id].verdict is Verdict.PASSED if c.id in outcomes else False for c in cases]
    verdict = score.most_severe([o.verdict for o in outcomes.values()]) if outcomes else Verdict.BLOCKED
    if verdict is Verdict.NOT_ATTEMPTED and cases[0].per_case and any(passed):
        verdict = Verdict.WRONG  # some cases are answered: the test is begun
    return TestReport(
        id=row.test, part=row.part, title=row.title, visibility="public" if row.public else "hidden",
        score=score.earned(row.hundredths, passed, cases[0].per_case) / 100, max_score=row.hundredths / 100,
        duration_s=round(sum(o.duration_s for o in outcomes.values()), 6), verdict=verdict,
        cases=tuple(CaseReport(id=c.id, attributes=c.attributes, verdict=outcomes[c.id].verdict) for c in cases if c.id in outcomes),
        output=_output(outcomes), finding=_finding(verdict, cases, outcomes, marking))


def _output(outcomes: Mapping[str, Outcome]) -> Output | None:
    """What all cases of a test printed, together at most 64 KiB."""
    text = "".join(o.output.text for o in outcomes.values())
    dropped = sum(o.output.truncated for o in outcomes.values()) + max(0, len(text) - MOST_OUTPUT)
    return Output(text=text[:MOST_OUTPUT], truncated=dropped) if text or dropped else None


def _finding(verdict: Verdict, cases: list[Case], outcomes: Mapping[str, Outcome], marking: Marking) -> Finding | None:
    """The finding of the smallest case that failed in the test's own way."""
    failing = [c for c in cases if c.id in outcomes and outcomes[c.id].verdict is verdict and outcomes[c.id].findings]
    if verdict is Verdict.PASSED or not failing:
        return None
    smallest = min(failing, key=lambda c: sum(len(b) for a in marking.asked.get(c.id, ()) for b in a.request[1]))
    finding = next((f for f in outcomes[smallest.id].findings if score.VERDICT_OF.get(f.kind, Verdict.WRONG) is verdict),
                   outcomes[smallest.id].findings[0])
    if finding.case is None:
        from grader.feedback.examples import example_of

        finding = msgspec.structs.replace(finding, case=example_of(marking.asked.get(smallest.id, ()), finding, marking.recording))
    if finding.exception is not None:
        from grader.feedback.translate import translate

        finding = msgspec.structs.replace(finding, means=translate(finding.exception))
    elif finding.picture is None and cases[0].public:
        finding = msgspec.structs.replace(finding, picture=_picture(finding, outcomes[smallest.id]))
    if finding.line is None:
        finding = msgspec.structs.replace(finding, line=_definition(finding, marking, smallest))
    return finding


def _picture(finding: Finding, outcome: Outcome):
    """Of what the test compared."""
    from grader.feedback.picture import picture_of

    return None if outcome.compared is None else picture_of(finding, *outcome.compared)


_JUDGED = {Kind.VALUES, Kind.SHAPE, Kind.DTYPE, Kind.NONFINITE, Kind.STRUCTURE, Kind.NONE_RETURNED, Kind.NOT_RAISED, Kind.CHANGED_ARGUMENT,
           Kind.ALIASED, Kind.GRADIENT, Kind.SLOW, Kind.TIMEOUT}


def _definition(finding: Finding, marking: Marking, case: Case) -> Line | None:
    """The line where the student defines the function that was called last (text search: nothing is parsed here)."""
    asked = marking.asked.get(case.id, ())
    name = finding.output if finding.output in marking.recording.signatures else asked[-1].key if asked else None
    if finding.kind not in _JUDGED or name is None or not name.isidentifier():
        return None
    pattern = re.compile(rf"^[ \t]*def[ \t]+{name}\b.*$", re.MULTILINE)
    for piece in reversed(marking.submission.pieces):
        if found := list(pattern.finditer(piece.text)):
            return Line(file=piece.label, line=piece.text.count("\n", 0, found[-1].start()) + 1, text=found[-1].group()[:200], function=name)
    return None
