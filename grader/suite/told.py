"""What the engine says beside findings: remarks about loading, state kept between calls, better words for failures.

Pure but for `state_remarks`, which repeats calls.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from grader.fingerprint import fingerprint, judged
from grader.record.recording import Call, Recording
from grader.record.report import Remark
from grader.suite.runner import Runner
from grader.suite.streams import RemoteObject
from grader.testing.compare import Tolerance, compare
from grader.testing.finding import Finding, Kind
from grader.wire import Handle, Leaf, Packed
from grader.worker.client import Ended, Failure, Loaded


def graded_names(recording: Recording) -> frozenset[str]:
    """Functions the tests call."""
    return frozenset(name for item in recording.items.values() for name in item.functions() if name.isidentifier())


def load_remarks(runner: Runner, recording: Recording) -> tuple[Remark, ...]:
    """Lines that were left out, each named once; packages that are not part of the exercise in one neutral line."""
    if runner.loaded is None:
        return ()
    left_out = {f.module: f for f in runner.loaded.failures if f.module}
    names = {n for f in left_out.values() for n in f.names}
    remarks = [Remark(kind="left_out", text="Not used for marking: " + ", ".join(f"`{m}` ({f.file}, line {f.line})" for m, f in left_out.items()))] if left_out else []
    for failure in runner.loaded.failures:
        if failure.module or _only_misses(failure, names):
            continue
        raised = failure.raised
        remarks.append(Remark(kind="did_not_load", text=f"{failure.file}, line {failure.line} was left out: {raised.type}: {raised.message}"))
    return tuple(remarks) + _cache_remarks(runner.loaded, recording)


def _only_misses(failure: Failure, names: set[str]) -> bool:
    """A line (a plot, a comparison) that fails only because it uses a package that was left out."""
    missing = _missing_name(failure.raised.type, failure.raised.message)
    if missing is not None and missing in names:
        names.update(failure.names)
        return True
    return False


def _missing_name(kind: str, message: str) -> str | None:
    found = re.fullmatch(r"name '(\w+)' is not defined.*", message) if kind == "NameError" else None
    return found.group(1) if found else None


def _cache_remarks(loaded: Loaded, recording: Recording) -> tuple[Remark, ...]:
    """A NamedTuple whose declaration was changed: the tests use the one of the handout."""
    wanted = dict(_named_structures(recording))
    return tuple(Remark(kind="named_tuple", text=f"`{name}` is declared with other fields than in the handout; the tests pass the handout's.")
                 for name, fields in loaded.named_tuples.items() if name in wanted and set(fields) != set(wanted[name]))


def _named_structures(recording: Recording) -> Iterable[tuple[str, tuple[str, ...]]]:
    return ()


def explained(findings: tuple[Finding, ...], loaded: Loaded | None) -> tuple[Finding, ...]:
    """Say of a missing name why it is missing."""
    if loaded is None or not loaded.failures:
        return findings
    return tuple(_explain(f, loaded.failures) for f in findings)


def _explain(finding: Finding, failures: tuple[Failure, ...]) -> Finding:
    raised = finding.exception
    name = finding.output if finding.kind is Kind.NOT_LOADED else _missing_name(raised.type, raised.message) if raised else None
    failure = next((f for f in failures if name in f.names), None)
    if failure is None:
        return finding
    if failure.module:
        return msgspec.structs.replace(finding, message=f"`{failure.module}` is not part of this exercise: the point is to write it")
    because = f"`{name}` did not load: {failure.raised.type}: {failure.raised.message} ({failure.file}, line {failure.line})"
    line = failure.raised.frames[-1] if failure.raised.frames else None
    return msgspec.structs.replace(finding, message=because, line=finding.line or line)


def late_remarks(runner: Runner) -> tuple[Remark, ...]:
    """That every further case had less time than usual."""
    if not runner.hurries():
        return ()
    names = ", ".join(f"`{name}`" for name in sorted(runner.timed_out))
    return (Remark(kind="hurried", text=f"{names} did not finish. After two deadlines each further test had {runner.allowance_s():g} s."),)


def state_remarks(asked: dict[str, tuple], runner: Runner) -> list[Remark]:
    """Repeat one small public call per function in the same worker: another answer means kept state (or chance)."""
    cheapest: dict[str, Any] = {}
    for calls in asked.values():
        for a in calls:
            size = sum(map(len, a.request[1]))
            plain = (a.reply.raised is None and a.reply.missing is None and a.key.isidentifier()
                     and not _holds_objects((a.arguments, a.reply.value)))
            if plain and (a.key not in cheapest or size < sum(map(len, cheapest[a.key].request[1]))):
                cheapest[a.key] = a
    if runner.current is None:
        return []
    found = []
    for name, a in cheapest.items():
        try:
            again = runner.current.ask(a.request, time.monotonic() + runner.deadline_s)
        except Ended:
            runner.current = None
            return found
        if again.raised is not None or compare(judged(again.value), judged(a.reply.value), "", Tolerance(0.0)):
            found.append(Remark(kind="state", text=f"`{name}` answered the same call differently the second time: it keeps state between calls "
                                                   "or draws random numbers."))
    return found


def _holds_objects(value: Any) -> bool:
    """Whether an object of the worker is in it: it is another one the second time."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, Packed):
        return False
    return isinstance(value, (Handle, RemoteObject)) or (isinstance(value, (tuple, list)) and not isinstance(value, Leaf) and any(map(_holds_objects, value)))


def deviation(asked: Iterable[Any], value_of: Callable[[Call], Any]) -> Finding | None:
    """The first reply of another shape, dtype or finiteness than the reference's: what a test could not foresee."""
    for a in asked:
        if a.expected is None or a.expected.value is None or a.reply.raised is not None:
            continue
        expected = value_of(a.expected)
        found = compare(a.reply.value, expected, a.key)
        if found and fingerprint(a.reply.value).structure != fingerprint(expected).structure:
            return found[0]
        if other_dtypes := [f for f in found if f.kind is Kind.DTYPE]:
            return other_dtypes[0]
    return None


def place_in(error: BaseException, file: Path) -> str | None:
    """`file:line` of the innermost frame in the author's tests."""
    places = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return f"{file}:{places[-1].lineno}" if places else None
