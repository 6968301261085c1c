"""Reports of submissions that were not marked: nobody could read them, or two lanes died on them."""

from __future__ import annotations

from msgspec.structs import replace

from grader.report import Finding, Kind, Remark, Report, SubmissionReport, Verdict


def refused(blank: Report, submission: SubmissionReport, reason: str) -> Report:
    """The file cannot be read as a submission: nothing loads, and the report says why."""
    finding = Finding(kind=Kind.NOT_LOADED, message=reason)
    remark = Remark(kind="not_read", text=reason)
    return _all(blank, submission, Verdict.NOT_LOADED, Verdict.BLOCKED, finding, remark)


def ungraded(blank: Report, submission: SubmissionReport, reason: str) -> Report:
    """By fault of the machine or of the grader: never a zero."""
    finding = Finding(kind=Kind.INFRASTRUCTURE, message=reason)
    remark = Remark(kind="hidden_infrastructure", text=reason)
    return _all(blank, submission, Verdict.UNGRADED, Verdict.UNGRADED, finding, remark)


def _all(blank: Report, submission: SubmissionReport, verdict: Verdict, of_test: Verdict, finding: Finding, remark: Remark) -> Report:
    return replace(blank, submission=submission, verdict=verdict, remarks=(remark,),
                   parts=tuple(replace(part, verdict=of_test) for part in blank.parts),
                   tests=tuple(replace(test, verdict=of_test, finding=finding) for test in blank.tests))
