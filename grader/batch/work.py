"""Hand-ins -> lines of reports: each content once, every line whole, whatever the lanes did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grader.batch.lanes import Answer, Lanes, Unanswered
from grader.batch.messages import Given, Marked, Ready
from grader.batch.run_folder import HandIn, RunFolder, source_of

if TYPE_CHECKING:
    from grader.record.report import Report


class Progress(Protocol):
    """Somebody who watches."""

    def preparing(self, slug: str) -> None: ...
    def begin(self, total: int, done: int) -> None: ...
    def marked(self, verdict: str) -> None: ...
    def end(self) -> None: ...


class Work:
    """Marks hand-ins whose bytes lie in `sources` (a run's folder) and appends their lines to `folder`."""

    def __init__(self, folder: RunFolder, sources: Path, lanes: Lanes, ready: Ready, encode: Callable[[Report], str], progress: Progress):
        self.folder, self.sources, self.lanes, self.ready, self.encode, self.progress = folder, sources, lanes, ready, encode, progress
        self.counts: Counter[str] = Counter()
        self.marked = 0  # contents, not students

    def mark(self, hand_ins: tuple[HandIn, ...]) -> None:
        """All that have no line yet; those that have are counted."""
        known = {brief.key: brief.verdict for brief in self.folder.briefs}
        self.counts.update(known[h.key] for h in hand_ins if h.key in known)
        todo = [h for h in hand_ins if h.key not in known]
        self.progress.begin(len(hand_ins), len(hand_ins) - len(todo))
        try:
            if todo:
                self.lanes.work(self._items(todo), self._take)
        finally:
            self.progress.end()

    def _items(self, todo: list[HandIn]) -> Iterator[tuple[list[HandIn], Callable[[], Given]]]:
        """Equal contents together: they are marked once."""
        same: dict[tuple[str, str], list[HandIn]] = {}
        for hand_in in todo:
            same.setdefault((hand_in.sha256, hand_in.kind), []).append(hand_in)
        for group in same.values():
            yield group, lambda first=group[0]: self._given(first)

    def _given(self, hand_in: HandIn) -> Given:
        return Given(name=hand_in.student, file=hand_in.file, kind=hand_in.kind, raw=source_of(self.sources, hand_in).read_bytes())

    def _take(self, group: list[HandIn], answer: Answer) -> None:
        """Append the line of the first, and copies for those who handed in the same bytes."""
        self.marked += 1
        first, *others = group
        if isinstance(answer, Marked):
            line, verdict = answer.line, answer.verdict
        else:
            report = self._unmarked(first, answer)
            line, verdict = self.encode(report), report.verdict.value
        self._append(line, verdict)
        if others:
            from grader.batch.unmarked import for_another

            for hand_in in others:
                self._append(self.encode(for_another(line, hand_in)), verdict)

    def _append(self, line: str, verdict: str) -> None:
        self.folder.append(line)
        self.counts[verdict] += 1
        self.progress.marked(verdict)

    def _unmarked(self, hand_in: HandIn, answer: Answer) -> Report:
        from grader.batch import unmarked

        make = unmarked.ungraded if isinstance(answer, Unanswered) else unmarked.refused
        return make(self.ready.blank, hand_in, answer.reason)
