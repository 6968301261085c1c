"""Verbs of markers: batch, merge, report, regrade, export."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import click

from grader.cli import course_slugs, the_course
from grader.errors import UsageError

LANE = (sys.executable, "-s", "-P", "-X", "utf8", "-m", "grader.cli.lane")


def _complete(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


class Shard(click.ParamType):
    name = "I/N"

    def convert(self, value, parameter, context):
        found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", value)
        if not found:
            self.fail(f"{value!r}: needed is I/N, such as 2/8")
        return int(found[1]), int(found[2])


@click.command(context_settings={"auto_envvar_prefix": "GRADE"})
@click.argument("slug", shell_complete=_complete)
@click.argument("submissions", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "run", metavar="RUN", type=click.Path(path_type=Path), required=True, help="The folder for reports and sources.")
@click.option("-j", "lanes", type=click.IntRange(1, 256), help="Submissions marked at once (default: the cores).")
@click.option("--resume", is_flag=True, help="Go on where a batch into RUN was stopped.")
@click.option("--shard", type=Shard(), help="Mark the I-th of N parts of the class; `grade merge` joins them.")
@click.option("--sandbox", "level", type=click.Choice(["strict", "available", "off"]), default="strict", help="How much protection a run needs (default: strict).")
@click.option("--timeout-scale", type=click.FloatRange(0.01, 1000), default=1.0, help="Multiply all time limits (slow machines).")
def batch(slug, submissions, run, lanes, resume, shard, level, timeout_scale) -> None:
    """Mark a whole class: SUBMISSIONS is a folder or a zip, as platforms give them out."""
    from grader.batch.marking import Request
    from grader.batch.marking import batch as mark
    from grader.batch.run_folder import Options
    from grader.cli.progress import progress
    from grader.render.json import to_json

    course = the_course()
    course.entry(slug)
    request = Request(course=course, slug=slug, submissions=submissions, run=run, lanes=lanes or _cores(), resume=resume, command=LANE,
                      options=Options(level=level, timeout_scale=timeout_scale, shard=shard))
    signal.signal(signal.SIGTERM, _interrupt)
    shown = progress()
    try:
        summary = mark(request, to_json, shown)
    except KeyboardInterrupt:
        click.echo(f"\nstopped; everything finished is kept in {run}. Go on with --resume.", err=True)
        sys.exit(130)
    _tell(summary, run)
    sys.exit(6 if summary.counts.get("ungraded") else 1 if summary.unowned else 0)


def _interrupt(number, frame) -> None:
    raise KeyboardInterrupt


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tell(summary, run: Path) -> None:
    total = sum(summary.counts.values())
    counts = ", ".join(f"{n} {verdict.replace('_', ' ')}" for verdict, n in sorted(summary.counts.items(), key=lambda item: -item[1]))
    click.echo(f"{run}: {total} submission{'' if total == 1 else 's'}" + (f" ({counts})" if counts else ""))
    if summary.unknown_times and summary.unknown_times < total:
        click.echo(f"  {summary.unknown_times} without a time: they count as on time")
    if summary.unowned:
        click.echo(f"Not marked, {len(summary.unowned)} without an owner or not readable:", err=True)
        for entry in summary.unowned:
            click.echo(f"  {_line(entry.path)}: {_line(entry.reason)}", err=True)
        click.echo("Give a file to a student with a row in adjustments.csv (STUDENT,SLUG,attribute,FILE,BY,WHY), then run this again with --resume.", err=True)


def _line(text: str) -> str:
    from grader.render.text import Style, clip

    return clip(text, 300, Style())
