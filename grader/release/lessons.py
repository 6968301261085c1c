"""What a release tells of the known mistakes: those that its public items can tell apart from the reference.

Of each the answers as fingerprints, `says` and the hints; nothing of how it is made. Pairs stay at home: learning those
of one exercise takes longer than the whole release, and what fills a recording is downloaded by every student.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from grader.check import Options, job_of, table_of
from grader.course.material import Material
from grader.diagnosis.experience import Experience
from grader.diagnosis.learning import functions_of
from grader.record.known import Known
from grader.suite import engine
from grader.suite.engine import Marking, Task


def told(learned: Iterable[Known], public: Iterable[str]) -> tuple[Known, ...]:
    """Mistakes as far as the items `public` tell them."""
    public = frozenset(public)
    return tuple(short for known in learned if (short := _as_told(known, public)).calls)


def learned(source: Material) -> tuple[Known, ...]:
    """All single mistakes of an exercise, from the cache or learned now."""
    if not source.mistakes:
        return ()
    experience = Experience(source)
    markings: list[Marking] = []

    def tasks() -> Iterator[Task]:
        yield Task(source.reference)
        for task in experience.lacking_singles(functions_of(markings[-1].recording), markings[-1]):
            yield task
            experience.learn(markings[-1])

    engine.mark(job_of(source, Options()), tasks(), markings.append, None, source.keep, table_of(source))
    return experience.singles(functions_of(markings[0].recording))


def _as_told(known: Known, public: frozenset[str]) -> Known:
    """Without what hidden items answer, and without the wrong lines."""
    return msgspec.structs.replace(
        known, items=(), statements=(),  # no items: all that are released, see `experience`
        calls={key: outcome for key, outcome in known.calls.items() if key.partition("|")[0] in public})
