"""The report of one submission: values only; every output format is drawn from it.

Field names are those of the interface (`grade/report/v1`). Points are exact to a hundredth.
"""

from __future__ import annotations

import enum

import msgspec

from grader.testing.finding import Finding, Kind, Line

__all__ = ["Assignment", "CaseReport", "Contrast", "Diagnosis", "Environment", "Finding", "Hidden", "Kind", "Line",
           "Output", "PartReport", "Remark", "Report", "SandboxReport", "SubmissionReport", "TestReport", "Tool", "Verdict"]

SCHEMA = "grade/report/v1"


class Verdict(enum.StrEnum):
    """Of a case, a test, a part or a submission (each uses the words that fit it)."""

    PASSED = "passed"
    FAILED = "failed"
    WRONG = "wrong"
    RAISED = "raised"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    VIOLATION = "violation"
    NOT_ATTEMPTED = "not_attempted"
    NOT_LOADED = "not_loaded"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    UNGRADED = "ungraded"


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: str


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    python: str
    numpy: str
    platform: str


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    title: str
    digest: str


class SubmissionReport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    file: str
    kind: str  # "py" | "ipynb"
    sha256: str
    attempt: int | None = None


class SandboxReport(msgspec.Struct, frozen=True, kw_only=True):
    level: str
    missing: tuple[str, ...] = ()


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that were not run because they are not at hand."""

    tests: int
    points: float


class PartReport(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    score: float
    max_score: float
    verdict: Verdict  # passed | failed | not_attempted | blocked | ungraded


class CaseReport(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    attributes: dict[str, object]
    verdict: Verdict


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What the student's code printed; `truncated` is the number of bytes left out."""

    text: str = ""
    truncated: int = 0


class TestReport(msgspec.Struct, frozen=True, kw_only=True):
    __test__ = False
    id: str
    part: str
    title: str
    visibility: str  # "public" | "hidden"
    score: float
    max_score: float
    duration_s: float
    verdict: Verdict
    cases: tuple[CaseReport, ...] = ()
    output: Output | None = None
    finding: Finding | None = None


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    mistakes: tuple[str, ...]
    tie: int | None
    certainty: str  # "certain" | "possible"
    part: str
    tests: tuple[str, ...]
    says: str
    hint: str
    line: Line | None = None  # the one statement of the student's that reads like the mistake


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    passes: tuple[str, ...]
    fails: tuple[str, ...]


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = SCHEMA
    tool: Tool
    environment: Environment
    assignment: Assignment
    submission: SubmissionReport
    sandbox: SandboxReport
    seed: int | None
    scope: str  # "public" | "all"
    hidden: Hidden | None
    verdict: Verdict
    score: float
    max_score: float
    points_total: float
    parts: tuple[PartReport, ...]
    tests: tuple[TestReport, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
    remarks: tuple[Remark, ...] = ()
