"""Which file of the learner's is meant, when none is named."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click


def learners_file(exercise) -> Path:
    """The one that is begun. If both are: on a terminal a question, elsewhere the `.py`, which is said."""
    from grader.check import learners_files

    first, *others = learners_files(exercise)
    if not others:
        return first
    if sys.stdin.isatty() and sys.stderr.isatty():
        return _asked([first, *others])
    click.echo(f"grade: {first.name} is taken; {others[0].name} is begun too, `--file {shown(others[0])}` takes that one", err=True)
    return first


def _asked(files: list[Path]) -> Path:
    """The answer; Enter means the file that was saved last."""
    latest = max(files, key=lambda file: file.stat().st_mtime)
    click.echo(" and ".join(f"{file.name} ({age_of(file)})" for file in files) + " are both begun.", err=True)
    names = {file.name: file for file in files}
    return names[click.prompt("Which one is meant?", type=click.Choice(list(names)), default=latest.name, err=True)]


def shown(file: Path) -> Path:
    """The path as the learner would write it."""
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else Path(relative)


def age_of(file: Path) -> str:
    """"saved 2 minutes ago"."""
    seconds = max(0, time.time() - file.stat().st_mtime)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            n = int(seconds // size)
            return f"saved {n} {unit}{'s' if n > 1 else ''} ago"
    return "saved just now"
