"""Reports built by hand, one for each thing a page has to be able to say."""

from __future__ import annotations

from grader.record.report import (
    Assignment,
    CaseReport,
    Contrast,
    Diagnosis,
    Environment,
    Finding,
    Hidden,
    Kind,
    Line,
    Output,
    PartReport,
    Remark,
    Report,
    SandboxReport,
    SubmissionReport,
    TestReport,
    Tool,
    Verdict,
)
from grader.testing.finding import CaseExample, Picture, Raised

GATES = Finding(
    kind=Kind.VALUES,
    message="other values",
    output="h",
    axes=("N", "H"),
    index=(0, 2),
    worst_index=(0, 1),
    n_wrong=8,
    n=8,
    max_abs=0.9040001,
    max_rel=1.5,
    expected_shape=(2, 4),
    actual_shape=(2, 4),
    expected=-0.021118212,
    actual=-0.48973634,
    relation="the expected with its 4 blocks along axis H in another order",
    case=CaseExample(
        arguments="lstm_step_forward(x=[[1]], h=[[0]], c=[[0]], weight=[[0, 0, 1, 0]])", expected="0.3808", actual="0"
    ),
    line=Line(
        file="lstm.py",
        line=31,
        text="    a_i, a_f, a_o, a_g = split(a)",
        column=4,
        end_column=22,
        shapes={"a": "(2, 16) float64"},
    ),
)
SHAPES = Finding(
    kind=Kind.RAISED,
    message="ValueError in your code",
    exception=Raised(
        type="ValueError",
        message="matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
        "(n?,k),(k,m?)->(n?,m?) (size 7 is different from 8)",
        bases=("ValueError", "Exception"),
        frames=(
            Line(
                file="attention.py",
                line=22,
                text="    return scores(q, k) @ v",
                column=11,
                end_column=23,
                function="attention",
            ),
            Line(
                file="attention.py",
                line=14,
                text="    s = q @ k / np.sqrt(q.shape[-1])",
                column=8,
                end_column=13,
                function="scores",
                shapes={"q": "(2, 5, 8) float64", "k": "(2, 7, 8) float64"},
            ),
        ),
    ),
)
HEAT = Picture(kind="difference", rows=("|==::    ..::......  |", "|==                ::|", "|  --@@  ::--++==::==|"))
ORDER = Diagnosis(
    mistakes=("gate_order",),
    tie=None,
    certainty="certain",
    part="step",
    tests=("test_step",),
    says="Your results are exactly those of a cell that reads its four blocks in another order than the one this "
    "exercise states.",
    hint="Which block of the columns of the weight belongs to the forget gate?",
)


AFTER = Hidden(tests=9, points=60.0)


def part(name: str, title: str, score: float, max_score: float, verdict: Verdict) -> PartReport:
    return PartReport(name=name, title=title, score=float(score), max_score=float(max_score), verdict=verdict)


def outcome(
    name: str,
    verdict: Verdict,
    finding: Finding | None = None,
    *,
    part: str = "step",
    title: str = "",
    hidden: bool = False,
    score: float = 0.0,
    output: Output | None = None,
    cases: tuple[tuple[str, Verdict], ...] = (),
) -> TestReport:
    return TestReport(
        id=f"test_{name}",
        part=part,
        title=title or name.replace("_", " "),
        visibility="hidden" if hidden else "public",
        score=float(score),
        max_score=10.0,
        duration_s=0.0123,
        verdict=verdict,
        cases=tuple(
            CaseReport(id=f"test_{name}[{case}]", attributes={"padding": case}, verdict=v) for case, v in cases
        ),
        output=output,
        finding=finding,
    )


def report(
    verdict: Verdict,
    parts: tuple[PartReport, ...] = (),
    tests: tuple[TestReport, ...] = (),
    *,
    score: float = 0.0,
    max_score: float = 40.0,
    scope: str = "public",
    hidden: Hidden | None = AFTER,
    file: str = "lstm/lstm.py",
    diagnoses: tuple[Diagnosis, ...] = (),
    contrasts: tuple[Contrast, ...] = (),
    remarks: tuple[Remark, ...] = (),
) -> Report:
    return Report(
        tool=Tool(name="grade", version="0.1.0"),
        environment=Environment(python="3.11.7", numpy="2.4.6", platform="linux"),
        assignment=Assignment(slug="lstm", title="LSTM cell", digest="0" * 64),
        submission=SubmissionReport(name="ada", file=file, kind="py", sha256="f" * 64),
        sandbox=SandboxReport(level="available", missing=("cgroup",)),
        seed=None,
        scope=scope,
        hidden=hidden,
        verdict=verdict,
        score=float(score),
        max_score=float(max_score),
        points_total=100.0,
        parts=parts,
        tests=tests,
        diagnoses=diagnoses,
        contrasts=contrasts,
        remarks=remarks,
    )


GATE_ORDER = report(
    Verdict.FAILED,
    (
        part("input", "Concatenated input", 10, 10, Verdict.PASSED),
        part("step", "One step, forward", 0, 10, Verdict.FAILED),
        part("backward", "One step, backward", 0, 10, Verdict.NOT_ATTEMPTED),
        part("sequence", "The whole sequence", 0, 10, Verdict.BLOCKED),
    ),
    (
        outcome("concat", Verdict.PASSED, part="input", title="x and h side by side", score=10),
        outcome("shapes", Verdict.PASSED, title="Shapes and dtype", score=1),
        outcome(
            "step",
            Verdict.WRONG,
            GATES,
            title="h and c",
            cases=(("1", Verdict.WRONG), ("2", Verdict.WRONG), ("3", Verdict.PASSED)),
            output=Output(text="\n".join(f"i = 0.{k}" for k in range(12))),
        ),
        outcome("backward", Verdict.NOT_ATTEMPTED, part="backward"),
        outcome("sequence", Verdict.BLOCKED, part="sequence"),
    ),
    score=10,
    diagnoses=(ORDER,),
    contrasts=(
        Contrast(
            text="passes when padding = 0, fails when padding > 0", passes=("test_step[3]",), fails=("test_step[1]",)
        ),
    ),
    remarks=(Remark(kind="state", text="lstm_step_forward keeps state between calls."),),
)


def opened(
    finding: Finding | None,
    verdict: Verdict = Verdict.WRONG,
    *,
    overall: Verdict = Verdict.FAILED,
    title: str = "h and c",
    **more,
) -> Report:
    """A report whose only failing test has this finding."""
    parts = (
        part("input", "Concatenated input", 10, 10, Verdict.PASSED),
        part("step", "One step, forward", 0, 30, Verdict.FAILED),
    )
    tests = (
        outcome("concat", Verdict.PASSED, part="input", title="x and h side by side", score=10),
        outcome("step", verdict, finding, title=title, cases=(("1", verdict), ("2", Verdict.PASSED))),
    )
    return report(overall, parts, tests, score=10, **more)


RAISED = opened(
    SHAPES,
    Verdict.RAISED,
    diagnoses=(
        Diagnosis(
            mistakes=("no_transpose",),
            tie=None,
            certainty="possible",
            part="step",
            tests=("test_step",),
            says="The last two axes of k were meant to change places.",
            hint="Which axis is summed over?",
        ),
    ),
)
SHAPE = opened(
    Finding(
        kind=Kind.SHAPE,
        message="another shape",
        output="y",
        axes=("N", "H"),
        expected_shape=(4, 5),
        actual_shape=(5, 4),
        relation="the expected values, transposed",
    )
)
SLOW = opened(
    Finding(
        kind=Kind.SLOW,
        message="41 times the reference's CPU time (limit 10 times)",
        output="conv2d",
        expected=10.0,
        actual=41.2,
        line=Line(file="conv2d.py", line=22, text="for n in range(N):", column=0, end_column=18),
    ),
    title="Speed",
)
TIMEOUT = opened(
    Finding(
        kind=Kind.TIMEOUT,
        message="stopped after 5 s; your code was at this line",
        line=Line(file="lstm.py", line=47, text="        while t < T:", column=8, end_column=20),
    ),
    Verdict.TIMEOUT,
    overall=Verdict.STOPPED,
)
CRASHED = opened(None, Verdict.CRASHED, overall=Verdict.STOPPED)
NONFINITE = opened(
    Finding(
        kind=Kind.NONFINITE,
        message="values that are not finite",
        output="p",
        axes=("N", "C"),
        index=(1, 0),
        worst_index=(1, 0),
        n_wrong=3,
        n=6,
        max_abs=float("nan"),
        max_rel=float("inf"),
        expected_shape=(2, 3),
        actual_shape=(2, 3),
        expected=0.25,
        actual=float("nan"),
        picture=HEAT,
    )
)
TIE = opened(
    GATES,
    diagnoses=(
        ORDER,
        Diagnosis(
            mistakes=("no_bias", "tanh_missing"),
            tie=1,
            certainty="possible",
            part="step",
            tests=("test_step",),
            says="The bias is not added and the state is not squashed.",
            hint="Which two terms are missing?",
        ),
        Diagnosis(
            mistakes=("all_zero",),
            tie=1,
            certainty="possible",
            part="step",
            tests=("test_step",),
            says="Nothing is written.",
            hint="",
        ),
    ),
)
NOT_LOADED = report(
    Verdict.NOT_LOADED,
    (part("step", "One step, forward", 0, 40, Verdict.BLOCKED),),
    (
        outcome(
            "step",
            Verdict.BLOCKED,
            Finding(
                kind=Kind.NOT_LOADED,
                message="SyntaxError: '(' was never closed",
                exception=Raised(type="SyntaxError", message="'(' was never closed"),
                line=Line(file="lstm.py", line=7, text="    h = np.tanh(a @ w", column=15, end_column=16),
            ),
        ),
    ),
)
NOT_ATTEMPTED = report(
    Verdict.NOT_ATTEMPTED,
    (
        part("step", "One step, forward", 0, 20, Verdict.NOT_ATTEMPTED),
        part("sequence", "The whole sequence", 0, 20, Verdict.BLOCKED),
    ),
    (outcome("step", Verdict.NOT_ATTEMPTED), outcome("sequence", Verdict.BLOCKED, part="sequence")),
)
UNGRADED = report(
    Verdict.UNGRADED,
    (
        part("input", "Concatenated input", 10, 10, Verdict.PASSED),
        part("step", "One step, forward", 0, 30, Verdict.UNGRADED),
    ),
    (
        outcome("concat", Verdict.PASSED, part="input", score=10),
        outcome(
            "step",
            Verdict.UNGRADED,
            Finding(kind=Kind.AUTHOR, message="NameError: name 'x' is not defined @ test_lstm.py:12"),
            title="h and c",
        ),
        outcome(
            "secret",
            Verdict.UNGRADED,
            Finding(kind=Kind.INFRASTRUCTURE, message="the secret message"),
            title="Large",
            hidden=True,
        ),
    ),
    score=10,
)
PASSED = report(
    Verdict.PASSED,
    (
        part("input", "Concatenated input", 10, 10, Verdict.PASSED),
        part("step", "One step, forward", 30, 30, Verdict.PASSED),
    ),
    (outcome("concat", Verdict.PASSED, part="input", score=10), outcome("step", Verdict.PASSED, score=30)),
    score=40,
)
ALL_AT_HAND = report(
    Verdict.FAILED,
    (
        part("input", "Concatenated input", 20, 20, Verdict.PASSED),
        part("step", "One step, forward", 65, 80, Verdict.FAILED),
    ),
    (
        outcome("concat", Verdict.PASSED, part="input", score=10),
        outcome("step", Verdict.PASSED, title="h and c", score=10),
        outcome("large", Verdict.PASSED, hidden=True, title="Large sizes", score=10),
        outcome(
            "saturated",
            Verdict.WRONG,
            GATES,
            hidden=True,
            title="Saturated gates",
            output=Output(text="secret print"),
            cases=(("secret", Verdict.WRONG), ("other secret", Verdict.PASSED)),
        ),
        outcome("time", Verdict.WRONG, Finding(kind=Kind.SLOW, message="secret"), hidden=True, title="Speed"),
    ),
    score=85,
    max_score=100,
    scope="all",
    hidden=None,
    diagnoses=(
        Diagnosis(
            mistakes=("naive_sigmoid",),
            tie=None,
            certainty="certain",
            part="step",
            tests=("test_saturated",),
            says="The exponential overflows for large negative values.",
            hint="Which sign may stand in the exponent?",
        ),
    ),
    contrasts=(
        Contrast(text="secret contrast", passes=("test_saturated[other secret]",), fails=("test_saturated[secret]",)),
    ),
    remarks=(
        Remark(kind="hidden_state", text="secret remark"),
        Remark(kind="state", text="step keeps state between calls."),
    ),
)
MANY_PARTS = report(
    Verdict.FAILED,
    tuple(
        part(f"p{k}", f"Part {k}", 5 if k < 4 else 0, 5, Verdict.PASSED if k < 4 else Verdict.FAILED) for k in range(20)
    ),
    tuple(outcome(f"t{k}", Verdict.WRONG, GATES, part=f"p{k}", title=f"Test {k}") for k in range(4, 20)),
    score=20,
)

REPORTS = {name.lower(): value for name, value in list(globals().items()) if isinstance(value, Report)}
