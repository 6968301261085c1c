"""Import policy as a courtesy: laptop and CI say the same about a package that is not part of the exercise.

Student code can undo anything in its own process; what must not be read is walled off by the sandbox.
"""

from __future__ import annotations

import sys


class NotPartOfExercise(ImportError):
    """Raised by `import torch` in a numpy exercise."""


class ImportPolicy:
    """A meta-path finder that refuses distributions outside `allowed`; the standard library is always allowed."""

    def __init__(self, allowed: tuple[str, ...]):
        self.allowed = frozenset(allowed) | sys.stdlib_module_names | frozenset(sys.builtin_module_names)

    def find_spec(self, name: str, path=None, target=None):
        root = name.partition(".")[0]
        if root not in self.allowed and not root.startswith("_sysconfigdata"):  # of the standard library, named after the platform
            raise NotPartOfExercise(f"`{root}` is not part of this exercise", name=root)
        return None


def install(allowed: tuple[str, ...]) -> None:
    """Put the policy first and forget the modules the server itself needed."""
    for name in ours() if _ours is None else _ours:
        if name.partition(".")[0] not in allowed:
            sys.modules.pop(name, None)
    sys.meta_path.insert(0, ImportPolicy(allowed))


def ours() -> tuple[str, ...]:
    """Modules that no submission shall find loaded; looked up once, before workers are forked."""
    global _ours
    _ours = tuple(n for n in sys.modules if n.partition(".")[0] in ("grader", "msgspec"))
    return _ours


_ours: tuple[str, ...] | None = None
