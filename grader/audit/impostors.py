"""Answers without an idea, and the reference under another wind: submissions that the audit makes of any reference.

Each wraps the reference's functions and the methods of its classes. The reference lives in a module of its own, so that
its functions call each other undisturbed. A cheat works on copies: it changes no argument, trains no module.
"""

from __future__ import annotations

import ast

from grader.source.submission import Submission, submission_from_bytes

WRAPPER = '''
import copy as _copy
import sys as _sys
import types as _types
import numpy as np

_reference = _types.ModuleType("submission")
exec(compile(SOURCE, "reference", "exec"), vars(_reference))
_torch = _sys.modules.get("torch")
_previous = {}
_classes = {}


def _is_tensor(value):
    return _torch is not None and isinstance(value, _torch.Tensor)


def _map(change, value):
    """`change` on every array, tensor, number and text of a result; caches as they are, objects as those of the wrapped class."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, (tuple, list)):
        return type(value)(_map(change, v) for v in value)
    if _is_tensor(value):
        answer = change(value.detach().numpy())
        return answer if _is_tensor(answer) else _torch.from_numpy(np.array(answer))
    if type(value) in _classes:
        value.__class__ = _classes[type(value)]
    return change(value) if isinstance(value, (np.ndarray, np.generic, int, float, str)) else value


def _like(value, number):
    if isinstance(value, np.ndarray):
        return np.full(value.shape, number, value.dtype if np.isfinite(number) or value.dtype.kind == "f" else float)
    return type(value)(number) if isinstance(value, (int, float, np.generic)) and np.isfinite(number) else float(number) if not isinstance(value, str) else ""


def _shuffled(value):
    if not isinstance(value, np.ndarray):
        return _like(value, 0)
    if len(np.unique(value)) < 2:
        return np.zeros_like(value)
    flat = value.ravel().copy()
    order = np.random.default_rng(len(flat)).permutation(len(flat))
    if np.array_equal(flat[order], flat):
        order = np.roll(order, 1)
    return flat[order].reshape(value.shape)


def _nudged(value):
    """One unit in the last place of float64, up and down in turn."""
    if _is_tensor(value):
        return _torch.from_numpy(_nudged(value.detach().numpy())).requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        up = np.arange(value.size).reshape(value.shape) % 2 == 0
        return np.where(np.isfinite(value), np.nextafter(value, np.where(up, np.inf, -np.inf).astype(value.dtype)), value).astype(value.dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_nudged(v) for v in value))
    return type(value)(_nudged(v) for v in value) if isinstance(value, (tuple, list)) else value


def _copying(function):
    return lambda *arguments, **keywords: function(*_copy.deepcopy(arguments), **_copy.deepcopy(keywords))


def _wrap(name, function):
    def answer(*arguments, **keywords):
        return ANSWER
    return answer


def _wrap_method(name, function):
    def answer(self, *arguments, **keywords):
        return _wrap(name, lambda *a, **k: PREPARE(function)(self, *a, **k))(*arguments, **keywords)
    return answer


def _wrap_class(name, known):
    """A class with the same attributes, whose public methods answer like the functions."""
    own = [base for base in known.__mro__ if base.__module__ == _reference.__name__]
    methods = {m: f for base in reversed(own) for m, f in vars(base).items()
               if isinstance(f, _types.FunctionType) and (m == "__call__" or not m.startswith("_"))}
    _classes[known] = _types.new_class(name, (known,), {}, lambda space: space.update({m: _wrap_method(f"{name}.{m}", f) for m, f in methods.items()}))
    return _classes[known]


def _is_plain_class(value):
    own = isinstance(value, type) and value.__module__ == _reference.__name__
    return own and not issubclass(value, (tuple, BaseException)) and not hasattr(value, "__members__")


for _name, _value in list(vars(_reference).items()):
    if _is_plain_class(_value):
        globals()[_name] = _wrap_class(_name, _value)
    elif isinstance(_value, type) or not callable(_value) and not _name.startswith("__"):
        globals()[_name] = _value
'''

ANSWERS = {
    "zeros": "_map(lambda v: _like(v, 0), function(*arguments, **keywords))",
    "ones": "_map(lambda v: _like(v, 1), function(*arguments, **keywords))",
    "nan": "_map(lambda v: _like(v, float('nan')), function(*arguments, **keywords))",
    "first argument": "_map(lambda v: arguments[0] if arguments else _like(v, 0), function(*arguments, **keywords))",
    "previous value": "[_previous.get(name, _map(lambda v: _like(v, 0), now)), _previous.__setitem__(name, now)][0] if (now := function(*arguments, **keywords), True)[1] else None",
    "right values in random order": "_map(_shuffled, function(*arguments, **keywords))",
}
NUDGED = "function(*(_nudged(a) for a in arguments), **keywords)"


def impostor(reference: str, answer: str, name: str, *, questions: str | None, prepare: str = "") -> Submission:
    """The reference's functions (`prepare`d), each answering `answer`; constants answered by the text `questions` (None: as they are)."""
    tree = ast.parse(reference)
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    constants = [t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name) and t.id.isupper() or
                 isinstance(t, ast.Name) and t.id[0] in "QE" and t.id[1:].isdigit()]
    lines = [f"SOURCE = {reference!r}", WRAPPER.replace("ANSWER", answer).replace("PREPARE", prepare)]
    lines += [f"{f} = _wrap({f!r}, {prepare}(_reference.{f}))" for f in functions]
    lines += [f"{c} = {questions}" for c in constants if questions is not None]
    return submission_from_bytes("\n".join(lines).encode(), file="impostor.py", kind="py", name=name)


def cheats(reference: str) -> tuple[Submission, ...]:
    """Answers without an idea: they must score nothing."""
    return tuple(impostor(reference, answer, name, questions="0", prepare="_copying") for name, answer in ANSWERS.items())


def nudged(reference: str) -> Submission:
    """The reference on arguments that differ in the last place: it must stay within a tenth of every tolerance."""
    return impostor(reference, NUDGED, "arguments changed by one unit in the last place", questions=None)
