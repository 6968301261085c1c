"""A failing marking -> what explains it: diagnoses, the contrast between right and wrong cases, the first wrong intermediate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from grader.diagnosis import contrast, diagnose
from grader.diagnosis.learning import bare, value_items, without_chains
from grader.feedback.reporting import Explanation
from grader.feedback.score import is_value_case
from grader.fingerprint import fingerprint
from grader.record.known import Known
from grader.record.report import Diagnosis, Line, Remark, Verdict
from grader.suite.engine import Marking


class Explaining:
    """The student's calls beside the reference's, and what is said about them."""

    def __init__(self, marking: Marking, calls: tuple[diagnose.Answer, ...] | None = None):
        """calls: the answers of the marking, where they are at hand already."""
        self.marking = marking
        self.calls = diagnose.answers(marking, diagnose.Memory(), compared(marking)) if calls is None else calls

    @property
    def wrong_functions(self) -> tuple[str, ...]:
        """Functions (and constants, as `value:NAME`) that answer otherwise."""
        return tuple(dict.fromkeys(a.function.partition(".")[0] for a in self.calls if a.differs))

    def is_certain(self, function: str, known: tuple[Known, ...]) -> bool:
        """Whether a mistake that is known already explains a function for sure."""
        return any(match.certain for match in diagnose.best(function, self.calls, known))

    def unexplained(self, singles: tuple[Known, ...]) -> tuple[str, ...]:
        """Functions that answer differently and that no single mistake explains for sure."""
        return tuple(f for f in self.wrong_functions if f.isidentifier() and not self.is_certain(f, singles))

    def explain(self, singles: Iterable[Known], pairs: Callable[[str], Iterable[Known]]) -> Explanation:
        singles = tuple(singles)
        found = diagnose.diagnose(self.calls, singles, pairs, self._failing_tests, self._part)
        found = tuple(self._with_line(d, singles) for d in found)
        settled = {t for d in found if d.certainty == "certain" for t in d.tests}
        functions = [f for f in dict.fromkeys(a.function for a in self.calls if a.differs) if f.isidentifier() and not set(self._failing_tests(f)) <= settled]
        contrasts = [c for f in functions for cases in self._public_cases(f) if (c := contrast.contrast(cases)) is not None]
        remarks = [r for f in functions if (r := self._intermediate(f)) is not None]
        return Explanation(found, tuple(dict.fromkeys(contrasts)), tuple(remarks))

    def _with_line(self, diagnosis: Diagnosis, singles: tuple[Known, ...]) -> Diagnosis:
        """The student's own line, if exactly one of theirs reads like a line of the mistake."""
        known = next((k for k in singles if k.names == diagnosis.mistakes), None)
        if known is None or diagnosis.certainty != "certain" or diagnosis.tie is not None:
            return diagnosis
        lines = [Line(file=piece.label, line=n, text=text.strip()[:200]) for piece in self.marking.submission.pieces
                 for n, text in enumerate(piece.text.split("\n"), 1) if bare(text) in known.statements]
        return replace(diagnosis, line=lines[0]) if len(lines) == 1 else diagnosis

    def _failing_tests(self, function: str) -> tuple[str, ...]:
        """Tests that fail because this function answers otherwise; of a cache, the chain tests that use it."""
        name, _, aspect = function.partition(".")
        recording, outcomes = self.marking.recording, self.marking.outcomes
        if aspect == "cache":
            if any(a.differs for a in self.calls if a.function == name):
                return ()  # its results are wrong as well, which says more
            return tuple(dict.fromkeys(c.test for c in self.marking.cases if c.chain and name in recording.items[c.id].functions()
                                       and c.id in outcomes and outcomes[c.id].verdict in (Verdict.WRONG, Verdict.RAISED)))
        differing = {a.item for a in self.calls if a.function == function and a.differs}
        return tuple(dict.fromkeys(c.test for c in self.marking.cases if c.id in differing))

    def _part(self, function: str) -> str:
        recording = self.marking.recording
        function = function.partition(".")[0]
        calling = [c for c in self.marking.cases if function in recording.items[c.id].functions()]
        return next((c.part for c in calling if is_value_case(c, recording)), calling[0].part if calling else "")

    def _public_cases(self, function: str) -> list[list[contrast.Outcome]]:
        """Judged public value cases of the function, test by test: cases of one test have the same attributes."""
        recording, outcomes = self.marking.recording, self.marking.outcomes
        tests: dict[str, list[contrast.Outcome]] = {}
        for c in self.marking.cases:
            judged = c.id in outcomes and outcomes[c.id].verdict in (Verdict.PASSED, Verdict.WRONG, Verdict.RAISED)
            if c.public and judged and c.attributes and is_value_case(c, recording) and function in recording.items[c.id].functions():
                tests.setdefault(c.test, []).append(contrast.Outcome(c.id, c.attributes, outcomes[c.id].verdict is Verdict.PASSED))
        return list(tests.values())

    def _intermediate(self, function: str) -> Remark | None:
        """The first wrong field of the cache that a function returns, in the order in which the handout names them."""
        public = {c.id for c in self.marking.cases if c.public}
        for a in self.calls:
            if a.function == function and a.differs and a.item in public and isinstance(a.expected, tuple) and isinstance(a.value, (tuple, list)):
                for mine, theirs in zip(a.value, a.expected, strict=False):
                    fields = getattr(theirs, "_fields", ())
                    if fields and set(fields) == set(getattr(mine, "_fields", ())):
                        return _first_wrong(function, mine, theirs, a.tolerance)
        return None


def compared(marking: Marking) -> tuple[str, ...]:
    """The cases of a marking whose answers say something: no chains, no stop-watches."""
    run = [c for c in marking.cases if c.id in marking.outcomes]
    return without_chains(value_items(run, marking.recording), run)


def _first_wrong(function: str, mine: Any, theirs: Any, tolerance: float) -> Remark | None:
    right = []
    for name in theirs._fields:
        if not fingerprint(getattr(mine, name)).agrees(fingerprint(getattr(theirs, name)), tolerance):
            agree = f" ({', '.join(right)} are right)" if right else ""
            return Remark(kind="intermediate", text=f"The first wrong quantity inside {function} is `{name}`{agree}.")
        right.append(name)
    return None
