"""Well-known exceptions in words a student can act on; the exception's own message stays beside them, verbatim. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from grader.testing.finding import Line, Raised

REMOVED = {  # numpy names that are gone -> what to write
    "int": "int", "float": "float", "bool": "bool", "object": "object", "complex": "complex", "str": "str", "long": "int", "unicode": "str",
    "product": "np.prod", "cumproduct": "np.cumprod", "sometrue": "np.any", "alltrue": "np.all", "in1d": "np.isin", "trapz": "np.trapezoid",
    "row_stack": "np.vstack", "float_": "np.float64", "Inf": "np.inf", "NaN": "np.nan", "asscalar": "x.item()", "infty": "np.inf",
}
PYTHON_2 = {"xrange": "range", "raw_input": "input", "unicode": "str", "long": "int", "reduce": "functools.reduce", "basestring": "str", "izip": "zip"}


def translate(raised: Raised) -> str | None:
    """What the exception means and what to look at, or None when its message says it all."""
    line = raised.frames[-1] if raised.frames else None
    for pattern, words in _MEANINGS:
        if found := re.search(pattern, f"{raised.type}: {raised.message}"):
            return words(found, line)
    return None


def _removed(found: re.Match, _line: Line | None) -> str | None:
    new = REMOVED.get(found[1])
    return f"numpy has no `np.{found[1]}` any more: write `{new}`." if new else f"numpy has no name `np.{found[1]}` (any more?)."


def _python2(found: re.Match, _line: Line | None) -> str | None:
    new = PYTHON_2.get(found[1])
    return f"`{found[1]}` is Python 2; in Python 3 it is `{new}`." if new else None


def _shapes(line: Line | None) -> str:
    shapes = {} if line is None else {name: shape for name, shape in line.shapes.items() if shape.startswith("(")}
    return ", ".join(f"`{name}` is {shape.rpartition(' ')[0]}" for name, shape in shapes.items())


def _factors(line: Line | None) -> str:
    """The shapes of what stands right of an assignment."""
    if line is None:
        return ""
    words = set(re.findall(r"\w+", line.text.partition(" = ")[2] or line.text))
    return _shapes(msgspec.structs.replace(line, shapes={name: shape for name, shape in line.shapes.items() if name in words}))


def _broadcast(found: re.Match, line: Line | None) -> str:
    known = _shapes(line)
    return ("These shapes do not fit element by element: counted from the last axis, two sizes must be equal or one of them 1."
            + (f" Here {known}." if known else ""))


def _matmul(found: re.Match, line: Line | None) -> str:
    known = _factors(line)
    return ("In `a @ b` the last size of a must equal the size of b's last axis but one." + (f" Here {known}." if known else "")
            + " Is a transpose missing?")


def _tensordot(found: re.Match, line: Line | None) -> str:
    known = _factors(line)
    return "The axes that are multiplied and summed must be equally long in both arrays." + (f" Here {known}." if known else "")


def _none(found: re.Match, line: Line | None) -> str:
    empty = [name for name, shape in (line.shapes if line else {}).items() if shape == "None"]
    return (f"`{empty[0]}` is None here" if empty else "Something is None here") + ": does the function it came from end without `return`?"


def _say(text: str) -> Callable[[re.Match, Line | None], str]:
    return lambda found, line: text


_MEANINGS: tuple[tuple[str, Callable[[re.Match, Line | None], str | None]], ...] = (
    (r"AttributeError: module 'numpy' has no attribute '(\w+)'", _removed),
    (r"AttributeError: .*ndarray.* has no attribute 'itemset'", _say("numpy has no `itemset` any more: assign with `a[i, j] = value`.")),
    (r"AttributeError: .*'dict' object has no attribute '(iteritems|has_key|iterkeys|itervalues)'",
     lambda found, line: f"`{found[1]}` is Python 2; in Python 3 write `.items()`, `.keys()`, `.values()` or `key in d`."),
    (r"NameError: name '(xrange|raw_input|unicode|long|reduce|basestring|izip)' is not defined", _python2),
    (r"only (0-dimensional|length-1|size-1) arrays can be converted",
     _say("A single number is needed here, but this is an array: pick one element, such as `a[0]` or `a.item()`.")),
    (r"setting an array element with a sequence", _say("One place of an array takes one number, but here it is given several: check both shapes.")),
    (r"'(numpy\.)?float(64)?' object cannot be interpreted as an integer|slice indices must be integers|arrays used as indices must be of integer|"
     r"only integers, slices",
     _say("A size or an index must be an integer; in Python 3 `/` always gives a float: use `//`.")),
    (r"could not be broadcast|could not broadcast|non-broadcastable", _broadcast),
    (r"matmul: .*mismatch in its core dimension|shapes .* not aligned", _matmul),
    (r"shape-mismatch for sum", _tensordot),
    (r"NoneType", _none),
    (r"not enough values to unpack \(expected (\d+), got (\d+)\)",
     lambda found, line: f"The right-hand side has {found[2]} values, the left-hand side names {found[1]}."),
    (r"too many values to unpack \(expected (\d+)",
     lambda found, line: f"The right-hand side has more values than the {found[1]} names on the left."),
    (r"IndexError: index (-?\d+) is out of bounds for axis (\d+) with size (\d+)",
     lambda found, line: f"Axis {found[2]} has the places 0 to {int(found[3]) - 1}; place {found[1]} was asked for."),
    (r"UFuncTypeError: Cannot cast ufunc .* output from dtype\('float64'\) to dtype\('(u?int\d+)'\)",
     lambda found, line: f"An array of {found[1]} cannot take float results in place: make it float first, or write `a = a * b` for `a *= b`."),
    (r"RecursionError", _say("A function calls itself without end: which call is it that should be another function's?")),
)
