"""What a release tells of the known mistakes: those that its public items can tell apart from the reference.

Of each the answers as fingerprints, `says` and the hints; nothing of how it is made. Pairs stay at home: learning those
of one exercise takes longer than the whole release, and what fills a recording is downloaded by every student.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from grader.check import Options, job_of, table_of
from grader.experience import Experience
from grader.known import Known
from grader.material import Material
from grader.suite import engine
from grader.suite.engine import Marking, Task


def lessons(source: Material, public: Iterable[str]) -> tuple[Known, ...]:
    """The mistakes of an exercise as far as the items `public` tell them."""
    if not source.mistakes:
        return ()
    public = frozenset(public)
    return tuple(told for known in _learned(source) if (told := _as_told(known, public)).calls)


def _learned(source: Material) -> tuple[Known, ...]:
    """All single mistakes, from the cache or learned now."""
    experience = Experience(source)
    markings: list[Marking] = []

    def tasks() -> Iterator[Task]:
        yield Task(source.reference)
        for task in experience.lacking_singles(markings[-1]):
            yield task
            experience.learn(markings[-1])

    engine.mark(job_of(source, Options()), tasks(), markings.append, None, source.keep, table_of(source))
    return experience.singles


def _as_told(known: Known, public: frozenset[str]) -> Known:
    """Without what hidden items answer, and without the wrong lines."""
    return msgspec.structs.replace(
        known, items=(), statements=(),  # no items: all that are released, see `experience`
        calls={key: outcome for key, outcome in known.calls.items() if key.partition("|")[0] in public})
