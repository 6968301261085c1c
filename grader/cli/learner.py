"""Verbs of learners beside `run`: start, list, show, diff, reset, and bare `grade`."""

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
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--from", "source", metavar="ZIP|FOLDER", type=click.Path(path_type=Path, exists=True), help="The teacher's release (default: the course in this package).")
@click.option("--update", is_flag=True, help="Restore what was released in the course at hand (with --from: by a newer release); what you wrote stays.")
def start(directory: Path | None, source: Path | None, update: bool) -> None:
    """Copy a course into DIRECTORY (default: course) to work in."""
    from grader import starting

    if update:
        _update(directory, source)
        return
    directory = directory or Path("course")
    made = starting.start(directory, source)
    click.echo(f"{directory}: {made.title}, {len(made.slugs)} exercise{'s' * (len(made.slugs) > 1)}.")
    click.echo(f"Next: cd {directory}, then `grade list`; `grade show {made.slugs[0]}` is the first handout.")


def _update(directory: Path | None, source: Path | None) -> None:
    from grader import starting
    from grader.cli import start_folder
    from grader.course.course import find_course
    from grader.errors import UsageError

    place = directory or start_folder(click.get_current_context())
    folder = find_course(place) if place.is_dir() else None
    if folder is None and (place / starting.KEPT).is_dir():
        folder = starting.learners_folder(place)  # course.toml was deleted
    if folder is None:
        raise UsageError(f"there is no course in {place} to update; `grade start DIR` makes a copy of one")
    done = starting.update(folder, source)
    for path in done.restored:
        click.echo(f"{path}: as it was released")
    for path in done.kept:
        click.echo(f"{path}: your version of it, kept")
    for path in done.outdated:
        click.echo(f"{path}: yours, untouched; its start is a new one, see `grade diff {path.partition('/')[0]}`")
    if not done.restored and not done.outdated:
        click.echo("Everything is as it was released; what you wrote is untouched.")


@click.command()
@click.argument("slug", shell_complete=_complete)
def diff(slug: str) -> None:
    """Show what you changed in SLUG, against the file you started from."""
    from grader import changes

    text = changes.difference(the_course(), slug)
    for line in text.splitlines():
        click.echo(click.style(line, fg={"+": "green", "-": "red"}.get(line[:1])))
    if not text:
        click.echo(f"{slug} is as you started it.", err=True)


@click.command()
@click.argument("slug", shell_complete=_complete)
def reset(slug: str) -> None:
    """Begin SLUG again; your file is kept beside the new one, with a number."""
    from grader import changes

    done = changes.reset(the_course(), slug)
    for file, aside in done:
        click.echo(f"{slug}/{file.name}: the start again" + (f"; yours is {slug}/{aside.name} now" if aside else ""))
    if not done:
        click.echo(f"{slug} is as you started it; nothing was changed.")
