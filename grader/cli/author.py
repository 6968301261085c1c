"""Verbs of authors: release."""

from __future__ import annotations

import os
from pathlib import Path

import click

from grader.cli import course_slugs, the_course


def _complete(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


@click.command()
@click.argument("slugs", nargs=-1, shell_complete=_complete)
@click.option("--to", "target", metavar="DIR", type=click.Path(path_type=Path),
              help="Where to write (default: the course's assignments/).")
def release(slugs: tuple[str, ...], target: Path | None) -> None:
    """Write what students receive: stubs, public tests, handouts, expected results. Without SLUG: the whole course."""
    from grader.release import release as make

    course = the_course()
    written = make(course, slugs, target or course.folder.assignments or course.folder.root / "assignments")
    relative = os.path.relpath(written.target)
    shown = written.target if relative.startswith("..") else relative
    click.echo(f"{shown}: {_count(len(written.exercises), 'exercise')} written")
    for exercise in written.exercises:
        click.echo(f"  {exercise.slug}: {_tests(exercise.table)}")
        click.echo(f"    {', '.join(exercise.files)} ({sum(map(len, exercise.files.values())) / 1024:.0f} KiB)")
    for slug in written.removed:
        click.echo(f"  {slug}: removed, the course has it no more")


def _tests(table) -> str:
    """`14 public tests (51 points), 20 hidden ones (49 points)`."""
    public, hidden = [[row.hundredths for row in table if row.public is wanted] for wanted in (True, False)]
    return (f"{_count(len(public), 'public test')} ({sum(public) / 100:g} points), "
            f"{_count(len(hidden), 'hidden test')} ({sum(hidden) / 100:g} points)")


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
