"""Soft verbs: each judges one promise, notes what is wrong and returns, so that a case makes all its calls.

A `call` argument is a remote function (`student.f`); verbs use three of its methods: `call(*args)`,
`call.attempt(*args) -> Attempt` (never raises for student errors) and `call.cpu_time(*args) -> seconds`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.testing.compare import Tolerance, compare, parse_name
from grader.testing.context import notes
from grader.testing.finding import Finding, Kind
from grader.wire import Seed, Source


def assert_close(actual: Any, expected: Any, names: tuple[str, ...] | str = (), *, rtol: float | None = None, atol: float = 0.0, why: str = "") -> None:
    """Structure, shape, dtype, finiteness and values agree within `rtol * max|expected| + atol`.

    names: of the outputs, with axes if wanted: `("h (N, H)", "c (N, H)")`.
    rtol:  None takes 1e-9 for float64 and 1e-4 for float32; any other needs its reason in `why`.
    """
    if rtol is not None and not why:
        raise ValueError("assert_close: a tolerance of its own needs its reason, why='...'")
    case = notes()
    found = compare(actual, expected, names, Tolerance(rtol, atol, case.strictness))
    case.add(*found)
    if found and case.compared is None:
        case.compared = actual, expected, names


def assert_raises(call: Any, *arguments: Any, error: str = "ValueError", naming: str = "", **keywords: Any) -> None:
    """The call raises `error` (or a subclass) with a message that contains the word `naming`."""
    case = notes()
    outcome = call.attempt(*arguments, **keywords)
    if outcome.raised is None:
        case.add(Finding(kind=Kind.NOT_RAISED, output=call.name,
                         message=f"{call.name} accepted the bad argument `{naming}`; a {error} is expected"))
    elif outcome.raised.type == "NotImplementedError":
        call.refuse(outcome.raised)
    elif error not in outcome.raised.bases:
        case.add(Finding(kind=Kind.WRONG_ERROR, output=call.name, exception=outcome.raised,
                         message=f"{outcome.raised.type} where a {error} is expected"))
    elif naming and not re.search(rf"\b{re.escape(naming)}\b", outcome.raised.message):
        case.add(Finding(kind=Kind.WRONG_ERROR, output=call.name, exception=outcome.raised,
                         message=f"the message of the {error} does not contain the word `{naming}`"))


def assert_unchanged(call: Any, *arguments: Any, **keywords: Any) -> None:
    """No array among the arguments is changed by the call."""
    case = notes()
    after = call.arguments_after(*arguments, **keywords)
    for position, (before, now) in enumerate(zip(arguments, after.arguments, strict=True)):
        if isinstance(before, (Seed, Source)):
            continue  # an object of the worker by now, no array
        if compare(now, before, "", Tolerance(0.0)):
            case.add(Finding(kind=Kind.CHANGED_ARGUMENT, output=call.name,
                             message=f"{call.name} changed its argument number {position + 1} (counted from 1)"))


def assert_fresh(call: Any, *arguments: Any, **keywords: Any) -> None:
    """No result shares memory with an argument: what is returned is a copy."""
    case = notes()
    if call.arguments_after(*arguments, **keywords).aliased:
        case.add(Finding(kind=Kind.ALIASED, output=call.name,
                         message=f"a result of {call.name} is the argument's own memory, not a copy"))


def assert_gradient(loss: Callable[..., float], at: tuple, gradients: tuple, rng: Any, names: tuple[str, ...] = (), *,
                    rtol: float = 1e-6, step: float = 1e-6) -> None:
    """`<gradient, v> = (loss(x + step v) - loss(x - step v)) / (2 step)` for one random direction v per argument.

    loss: a function of `at` that returns a number, built from `reference` calls (never from `student` ones).
    """
    case = notes()
    directions = [rng.standard_normal(np.shape(x)) for x in at]
    slopes = [_slope(loss, at, k, v, step) for k, v in enumerate(directions)]
    if not isinstance(gradients, (tuple, list)) or len(gradients) != len(at):
        case.add(Finding(kind=Kind.STRUCTURE, message=f"{len(at)} gradients are expected"))
        return
    for k, (x, gradient, v, slope) in enumerate(zip(at, gradients, directions, slopes, strict=True)):
        label, axes = parse_name(names[k]) if k < len(names) else (f"gradient {k}", ())
        if not isinstance(gradient, np.ndarray) or gradient.shape != np.shape(x):
            case.add(*compare(gradient, np.asarray(x), label or ""))
            continue
        yours = float((gradient.astype(np.float64) * v).sum())
        scale = float(np.abs(gradient.astype(np.float64) * v).sum()) + abs(slope)
        if not abs(yours - slope) <= rtol * scale:
            case.add(Finding(kind=Kind.GRADIENT, message="the loss does not change as this gradient says", output=label, axes=axes,
                             expected=slope, actual=yours, max_abs=abs(yours - slope)))


def _slope(loss, at, k, direction, step) -> float:
    moved = [[x + sign * step * direction if i == k else x for i, x in enumerate(at)] for sign in (1, -1)]
    return (float(loss(*moved[0])) - float(loss(*moved[1]))) / (2 * step)


def assert_speed(call: Any, reference: Any, make_arguments: Callable[[], tuple], at_most: float = 10.0, *, repetitions: int = 5) -> None:
    """CPU time of the student's call is at most `at_most` times the reference's, fresh inputs every time.

    Both run interleaved in workers of their own; the minimum of `repetitions` counts; a failure is measured once more.
    """
    case = notes()
    case.measures_speed = True
    for attempt in range(2):
        ratio = _cpu_ratio(call, reference, make_arguments, repetitions, at_most)
        if ratio <= at_most or attempt:
            break
    case.speed = (ratio, at_most)
    if ratio > at_most:
        case.add(Finding(kind=Kind.SLOW, message=f"{ratio:.0f} times the reference's CPU time (limit {at_most:g} times)", output=call.name,
                         expected=at_most, actual=round(ratio, 1)))


def _cpu_ratio(call, reference, make_arguments, repetitions, at_most) -> float:
    student_s, reference_s = [], []
    for _ in range(repetitions):
        arguments = make_arguments()
        reference_s.append(reference.cpu_time(*arguments))
        student_s.append(call.cpu_time(*arguments))
        if len(student_s) >= 2 and min(student_s) > 5 * at_most * min(reference_s):
            break  # far beyond the limit: no need to make the student wait
    return min(student_s) / max(min(reference_s), 1e-9)
