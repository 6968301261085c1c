"""Reports that no lane wrote: nobody could read the file, two lanes died on it, or somebody else handed in the same."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from grader.batch.run_folder import HandIn
from grader.record.report import Finding, Kind, Remark, Report, SubmissionReport, Verdict


def refused(blank: bytes, hand_in: HandIn, reason: str) -> Report:
    """The file cannot be read as a submission: nothing loads, and the report says why."""
    finding = Finding(kind=Kind.NOT_LOADED, message=reason)
    remark = Remark(kind="not_read", text=reason)
    return _all(blank, hand_in, Verdict.NOT_LOADED, Verdict.BLOCKED, finding, remark)


def ungraded(blank: bytes, hand_in: HandIn, reason: str) -> Report:
    """By fault of the machine or of the grader: never a zero."""
    finding = Finding(kind=Kind.INFRASTRUCTURE, message=reason)
    remark = Remark(kind="hidden_infrastructure", text=reason)
    return _all(blank, hand_in, Verdict.UNGRADED, Verdict.UNGRADED, finding, remark)


def for_another(line: str, hand_in: HandIn) -> Report:
    """The report of equal bytes."""
    return replace(msgspec.json.decode(line, type=Report, strict=False), submission=_submission(hand_in))


def _submission(hand_in: HandIn) -> SubmissionReport:
    return SubmissionReport(name=hand_in.student, file=hand_in.file, kind=hand_in.kind, sha256=hand_in.sha256)


def _all(encoded: bytes, hand_in: HandIn, verdict: Verdict, of_test: Verdict, finding: Finding, remark: Remark) -> Report:
    blank = msgspec.msgpack.decode(encoded, type=Report)
    return replace(blank, submission=_submission(hand_in), verdict=verdict, remarks=(remark,),
                   parts=tuple(replace(part, verdict=of_test) for part in blank.parts),
                   tests=tuple(replace(test, verdict=of_test, finding=finding) for test in blank.tests))
