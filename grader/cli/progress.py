"""How far a batch is: a bar on a terminal, a line per minute otherwise. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections import Counter

import click

EVERY_S = 60.0


def progress():
    return Bar() if sys.stderr.isatty() else Lines()


class Lines:
    """For logs."""

    def preparing(self, slug: str) -> None:
        click.echo(f"preparing {slug}: the reference's results and known mistakes (made once, then kept)", err=True)

    def begin(self, total: int, done: int) -> None:
        self.total, self.done, self.before = total, done, done
        self.counts: Counter[str] = Counter()
        self.started = self.told = time.monotonic()
        click.echo(f"{total} submissions" + (f", {done} marked before" if done else ""), err=True)

    def marked(self, verdict: str) -> None:
        self.done += 1
        self.counts[verdict] += 1
        if time.monotonic() - self.told >= EVERY_S:
            self.told = time.monotonic()
            self._tell()

    def _tell(self) -> None:
        rate = (self.done - self.before) / max(time.monotonic() - self.started, 1e-3)
        left_s = (self.total - self.done) / rate if rate else 0.0
        click.echo(f"{self.done}/{self.total}, {rate:.1f} per second, about {left_s / 60:.0f} min left ({told(self.counts)})", err=True)

    def end(self) -> None:
        """The result follows on stdout."""


class Bar:
    """For people."""

    def preparing(self, slug: str) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.status = self.console.status(f"preparing {slug}: the reference's results and known mistakes (made once, then kept)")
        self.status.start()

    def begin(self, total: int, done: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.status.stop()
        self.counts: Counter[str] = Counter()
        self.started, self.new = time.monotonic(), 0
        self.bar = Progress(BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:.1f}/s"), TimeRemainingColumn(),
                            TextColumn("{task.fields[told]}"), console=self.console, transient=True, refresh_per_second=4)
        self.task = self.bar.add_task("", total=total, completed=done, rate=0.0, told="")
        self.bar.start()

    def marked(self, verdict: str) -> None:
        self.counts[verdict] += 1
        self.new += 1
        rate = self.new / max(time.monotonic() - self.started, 1e-3)
        self.bar.update(self.task, advance=1, rate=rate, told=told(self.counts))

    def end(self) -> None:
        self.bar.stop()


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{n} {verdict.replace('_', ' ')}" for verdict, n in counts.most_common())
