"""Everything that can go wrong outside a student's functions, and the exit code it ends in.

    GradeError
    ├── UsageError            2   a wrong word on the command line; versions that do not fit
    ├── SubmissionRefused     3   a file that cannot be read as a submission
    ├── CourseError           6   the exercise or the course is broken (the author's fault)
    ├── AlteredError          7   a released test or recording was changed
    ├── SandboxError          8   the asked sandbox level is not reached
    └── WorkerFault          70   a worker could not be started or spoken to (the machine's or our fault)

A message says what was seen, what was needed and what to do next. A student's failing code is never
an exception here: it is a `Finding`.
"""

from __future__ import annotations


class GradeError(Exception):
    """Base of all expected failures; `exit_code` is what the command ends with."""

    exit_code = 70


class UsageError(GradeError):
    """The command line asks for something that is not there."""

    exit_code = 2


class SubmissionRefused(GradeError):
    """The file is not readable as a submission; nothing of it was run."""

    exit_code = 3


class CourseError(GradeError):
    """Author's error, told as "what @ where" (`where` is `file:line` or `file:key`)."""

    exit_code = 6

    def __init__(self, what: str, where: str = ""):
        super().__init__(f"{what} @ {where}" if where else what)
        self.what, self.where = what, where

    def __reduce__(self):
        return type(self), (self.what, self.where)  # from another process


class AlteredError(GradeError):
    """Released material differs from what the release's manifest says."""

    exit_code = 7


class SandboxError(GradeError):
    """A sandbox layer is missing; names the layer and what to do."""

    exit_code = 8


class WorkerFault(GradeError):
    """The infrastructure failed (zygote died, fork refused): never a verdict on a student."""

    exit_code = 70
