"""`grade hint SLUG`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli import course_slugs, the_course
from grader.cli.which import learners_file


def _complete(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


@click.command()
@click.argument("slug", shell_complete=_complete)
@click.option("--file", "file", metavar="PATH", type=click.Path(path_type=Path), help="The file to look at (default: yours in the exercise's folder).")
def hint(slug: str, file: Path | None) -> None:
    """A question that helps with what is wrong now; another one after a changed file or two minutes."""
    course = the_course()
    course.entry(slug)
    from grader import check, hinting
    from grader.course import material
    from grader.source.submission import read_submission

    exercise = material.load(course, slug)
    submission = read_submission(file or learners_file(exercise))
    report, rungs = check.check_with_hints(exercise, submission, check.Options())
    name, hints = hinting.ladder(report, rungs)
    if not hints:
        click.echo(_nothing(report, slug))
        return
    root = course.folder.root
    rung = hinting.next_rung(hinting.load(root).get(slug), name, len(hints), submission.sha256, hinting.now())
    hinting.remember(root, slug, rung)
    click.echo(click.wrap_text(hints[rung.place], 88))


def _nothing(report, slug: str) -> str:
    if report.verdict.value == "passed":
        return f"Everything at hand passes; no hint is needed. `grade {slug}` shows it."
    if report.verdict.value == "not_attempted":
        return f"Nothing is begun yet: `grade show {slug}` is the handout. Which function needs the fewest of the others?"
    return f"`grade {slug}` says what is wrong; there is no hint for it."
