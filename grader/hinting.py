"""`grade hint SLUG`: the next rung for what went wrong last; no counter, no scores.

The rungs are those of the diagnosed mistake, else what the numbers say. The next rung comes after a changed file or two
minutes; before that the same rung is shown again.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from grader.record.report import Report, Verdict

WAIT_S = 120.0


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """Where a learner stands on a ladder."""

    ladder: str  # what the hints are about
    place: int
    sha256: str  # of the file for which the rung was shown
    at: float


def ladder(report: Report, rungs: dict[tuple[str, ...], tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    """`(what it is about, hints)` of the first thing to mend; no hints when nothing begun is wrong.

    rungs: mistakes -> all their hints.
    """
    for diagnosis in sorted(report.diagnoses, key=lambda d: d.certainty != "certain"):
        found = rungs.get(diagnosis.mistakes) or ((diagnosis.hint,) if diagnosis.hint else ())
        if found:
            return "+".join(diagnosis.mistakes), (diagnosis.says, *found) if diagnosis.certainty == "certain" else found
    wrong = next((t for t in report.tests if t.verdict in (Verdict.WRONG, Verdict.RAISED, Verdict.TIMEOUT) and t.visibility == "public"), None)
    if wrong is None:
        return "", ()
    return wrong.id, tuple(_from_numbers(report, wrong))


def _from_numbers(report: Report, test) -> list[str]:
    found = [f"{c.text} What is different in the cases that fail?" for c in report.contrasts]
    found += [f"{r.text} Which line computes it?" for r in report.remarks if r.kind == "intermediate"]
    finding = test.finding
    if finding is not None and finding.means:
        found.append(finding.means)
    if finding is not None and finding.relation:
        found.append(f"Your result is {finding.relation}. Which step would make it so?")
    if finding is not None and finding.case is not None:
        found.append(f"Do this case by hand, step by step, and print the same steps in your code: {finding.case.arguments}. Where do they part?")
    found.append("Read the docstring again with your code beside it: which sentence of it has no line in your code?")
    return found


def next_rung(last: Rung | None, name: str, count: int, sha256: str, now: float) -> Rung:
    """One further after a changed file or two minutes; the last rung stays."""
    if last is None or last.ladder != name:
        return Rung(ladder=name, place=0, sha256=sha256, at=now)
    if last.sha256 == sha256 and now - last.at < WAIT_S:
        return last
    return Rung(ladder=name, place=min(last.place + 1, count - 1), sha256=sha256, at=now)


def load(root: Path) -> dict[str, Rung]:
    try:
        return msgspec.json.decode((root / ".grade" / "hints.json").read_bytes(), type=dict[str, Rung])
    except (OSError, msgspec.DecodeError):
        return {}


def remember(root: Path, slug: str, rung: Rung) -> None:
    """A folder that cannot be written forgets; nothing else is lost."""
    file = root / ".grade" / "hints.json"
    temporary = file.with_name(f"hints-{os.getpid()}.tmp")
    try:
        file.parent.mkdir(exist_ok=True)
        temporary.write_bytes(msgspec.json.encode({**load(root), slug: rung}))
        os.replace(temporary, file)
    except OSError:
        pass


def now() -> float:
    return time.time()
