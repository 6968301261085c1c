"""What of a report a student may see: of hidden tests their titles, points, verdicts and the kind of what is wrong.

Only what is known to come from public items is kept: nothing that a worker of hidden tests printed, raised or
returned passes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from grader.record.report import Contrast, Diagnosis, Finding, Kind, Report, TestReport

NEUTRAL = {
    Kind.VALUES: "values differ from the expected ones",
    Kind.SHAPE: "a result has another shape",
    Kind.DTYPE: "a result has another dtype",
    Kind.NONFINITE: "values are not finite where they should be, or the other way round",
    Kind.STRUCTURE: "another number or another kind of results",
    Kind.NONE_RETURNED: "None was returned",
    Kind.RAISED: "your code raised an exception",
    Kind.NOT_RAISED: "a bad argument was accepted",
    Kind.WRONG_ERROR: "a bad argument was refused with another error",
    Kind.CHANGED_ARGUMENT: "an argument was changed",
    Kind.ALIASED: "a result shares memory with an argument",
    Kind.GRADIENT: "a gradient does not fit the loss",
    Kind.SLOW: "slower than the limit",
    Kind.TIMEOUT: "stopped: out of time",
    Kind.MEMORY: "stopped: out of memory",
    Kind.CRASHED: "the process of your code ended by itself",
    Kind.VIOLATION: "your code tried what it may not do here",
    Kind.NOT_ATTEMPTED: "not attempted",
    Kind.NOT_LOADED: "a function it calls did not load",
    Kind.BLOCKED: "waits for other tests",
    Kind.AUTHOR: "the exercise is broken; this is not your fault",
    Kind.INFRASTRUCTURE: "the grader failed; this is not your fault",
}
"""What is said of a hidden test, whatever was found."""


def for_students(report: Report) -> Report:
    """The report without anything that would tell what hidden tests do."""
    hidden = [test.id for test in report.tests if test.visibility != "public"]
    public = [test.id for test in report.tests if test.visibility == "public"]
    names = {test: test for test in public} | {test: f"hidden-{place}" for place, test in enumerate(hidden, start=1)}
    cases = _public_cases(report)
    return replace(
        report,
        tests=tuple(test if test.visibility == "public" else _veiled(test, names[test.id]) for test in report.tests),
        diagnoses=tuple(_renamed(diagnosis, names) for diagnosis in report.diagnoses),
        contrasts=tuple(contrast for contrast in report.contrasts if _only_of(contrast, cases)),
        remarks=tuple(remark for remark in report.remarks if not remark.kind.startswith("hidden")),
    )


def _veiled(test: TestReport, name: str) -> TestReport:
    """Title, points and verdict; not even the time it took, which student code could make depend on hidden inputs."""
    finding = None if test.finding is None else Finding(kind=test.finding.kind, message=NEUTRAL[test.finding.kind])
    return replace(test, id=name, duration_s=0.0, cases=(), output=None, finding=finding)


def _renamed(diagnosis: Diagnosis, names: Mapping[str, str]) -> Diagnosis:
    """With the ids that the student's report uses; an id of no test in it is left out."""
    return replace(diagnosis, tests=tuple(names[test] for test in diagnosis.tests if test in names))


def _public_cases(report: Report) -> frozenset[str]:
    """Ids of cases that belong to public tests and to no hidden one."""
    public = {case.id for test in report.tests if test.visibility == "public" for case in test.cases}
    return frozenset(public - {case.id for test in report.tests if test.visibility != "public" for case in test.cases})


def _only_of(contrast: Contrast, cases: frozenset[str]) -> bool:
    named = {*contrast.passes, *contrast.fails}
    return bool(named) and named <= cases
