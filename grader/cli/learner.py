"""Verbs of learners beside `run`: start, list, show, and bare `grade`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.cli import course_slugs, the_course

WORDS = {"passed": "passed", "failed": "begun", "stopped": "begun", "not_loaded": "does not load", "ungraded": "not judged",
         "not_attempted": "not begun"}


def _complete(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


@click.command("list")
def list_() -> None:
    """The exercises of the course, in order, with the last result of each."""
    from grader.course import state
    from grader.course.assignment import spoken
    from grader.course.course import load_assignment
    from grader.errors import CourseError

    course = the_course()
    last = state.load(course.folder.root)
    width = max((len(slug) for slug in course.slugs), default=4)
    unit = None
    for entry in course.assignments:
        if entry.unit and entry.unit != unit:
            unit = entry.unit
            click.echo(click.style(unit, bold=True))
        try:
            title = load_assignment(course, entry.slug).title
        except CourseError:
            title = f"{spoken(entry.slug)} (broken: `grade {entry.slug}` says why)"
        after = f"   after {', '.join(entry.prerequisites)}" if entry.prerequisites else ""
        click.echo(f"  {entry.slug:<{width}}  {_standing(last.get(entry.slug)):<22}  {title}{after}")


def _standing(last) -> str:
    if last is None:
        return "-"
    if last.verdict == "not_attempted":
        return "not begun"
    return f"{WORDS.get(last.verdict, last.verdict)}, {last.score:g} of {last.max_score:g}"


def where_am_i() -> None:
    """Bare `grade`: the next thing to do."""
    from grader.course import state
    from grader.course.course import find_course, load_course

    folder = find_course(Path.cwd())
    if folder is None:
        click.echo("No course here. `grade start DIR` copies the one that comes with this package (or your teacher's, with --from),")
        click.echo("then `cd DIR` and `grade list`. `grade --help` shows everything.")
        return
    course = load_course(folder)
    last = state.load(course.folder.root)
    done = [slug for slug in course.slugs if slug in last and last[slug].verdict == "passed"]
    begun = [slug for slug in course.slugs if slug in last and slug not in done and last[slug].verdict != "not_attempted"]
    click.echo(f"{course.title}: {len(done)} of {len(course.slugs)} exercises pass.")
    upcoming = [slug for slug in course.slugs if slug not in done]
    for slug in begun:
        click.echo(f"  begun: {slug} ({_standing(last[slug])}), last marked by `grade {slug}`")
    if not upcoming:
        click.echo("Everything passes. `grade list` shows the course.")
    else:
        following = begun[-1] if begun else upcoming[0]
        click.echo(f"Next: `grade show {following}` is the handout, write in {following}/, then `grade {following}`.")


@click.command()
@click.argument("slug", shell_complete=_complete)
def show(slug: str) -> None:
    """Show the handout of SLUG."""
    from grader.errors import CourseError

    course = the_course()
    course.entry(slug)
    places = [p for p in (course.folder.assignments, course.folder.solutions, course.folder.root) if p]
    handout = next((p / slug / "README.md" for p in places if (p / slug / "README.md").is_file()), None)
    if handout is None:
        raise CourseError(f"{slug!r} has no handout; needed is a README.md", f"{course.folder.source.name}/{slug}/README.md")
    text = handout.read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=min(100, Console().width))
    with console.pager(styles=True) if console.height < text.count("\n") else _plain():
        console.print(Markdown(text))


def _plain():
    from contextlib import nullcontext

    return nullcontext()


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path("course"))
@click.option("--from", "source", metavar="ZIP|FOLDER", type=click.Path(path_type=Path, exists=True), help="The teacher's release (default: the course in this package).")
def start(directory: Path, source: Path | None) -> None:
    """Copy a course into DIRECTORY (default: course) to work in."""
    from grader import starting

    made = starting.start(directory, source)
    click.echo(f"{directory}: {made.title}, {len(made.slugs)} exercises.")
    click.echo(f"Next: cd {directory}, then `grade list`; `grade show {made.slugs[0]}` is the first handout.")
