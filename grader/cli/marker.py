"""Verbs of markers: batch, merge, report, regrade, export."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import click

from grader import processors
from grader.cli import course_slugs, the_course
from grader.errors import UsageError

LANE = (sys.executable, "-s", "-P", "-X", "utf8", "-m", "grader.lane")


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
@click.option("--container", is_flag=True, help="Do all of it in a docker container (needs docker; paths inside the course).")
@click.option("--timeout-scale", type=click.FloatRange(0.01, 1000), default=1.0, help="Multiply all time limits (slow machines).")
def batch(slug, submissions, run, lanes, resume, shard, level, container, timeout_scale) -> None:
    """Mark a whole class: SUBMISSIONS is a folder or a zip, as platforms give them out."""
    if container:
        sys.exit(_in_container(the_course()))
    from grader.batch.marking import Request
    from grader.batch.marking import batch as mark
    from grader.batch.run_folder import Options
    from grader.cli.progress import progress

    course = the_course()
    course.entry(slug)
    request = Request(course=course, slug=slug, submissions=submissions, run=run, lanes=lanes or processors.at_once(), resume=resume, command=LANE,
                      options=Options(level=level, timeout_scale=timeout_scale, shard=shard))
    signal.signal(signal.SIGTERM, _interrupt)
    shown = progress()
    try:
        summary = mark(request, _encoded, shown)
    except KeyboardInterrupt:
        click.echo(f"\nstopped; everything finished is kept in {run}. Go on with --resume.", err=True)
        sys.exit(130)
    _tell(summary, run)
    sys.exit(6 if summary.counts.get("ungraded") else 1 if summary.unowned else 0)


def _in_container(course) -> int:
    """The same command inside; its exit status."""
    import subprocess

    from grader import __version__
    from grader.container import DOCKERFILE, commands

    arguments = sys.argv[sys.argv.index("batch"):]
    build, run = commands(course.folder.root, tuple(arguments), __version__)
    try:
        built = subprocess.run(build, stdin=DOCKERFILE.open("rb"), stdout=sys.stderr)
        return subprocess.run(run).returncode if built.returncode == 0 else 70
    except FileNotFoundError:
        raise UsageError("`docker` is not installed; without --container the batch runs here") from None


def _encoded(report) -> str:
    """As a line; imported when it is needed, which is seldom: lanes write most lines."""
    from grader.render.json import to_json

    return to_json(report)


def _interrupt(number, frame) -> None:
    raise KeyboardInterrupt


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


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", "target", metavar="RUN", type=click.Path(path_type=Path), required=True, help="The folder to write.")
def merge(runs, target) -> None:
    """Join runs of one exercise, such as shards marked on several machines."""
    from grader.batch.merge import merge as join

    made = join(runs, target)
    click.echo(f"{target}: {sum(made.counts.values())} submissions of {len(runs)} runs")


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("student", required=False)
@click.option("-v", "--verbose", is_flag=True, help="Open every failing test of the student.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto")
@click.option("--ascii", "ascii_", is_flag=True, help="Only ASCII characters.")
@click.option("--width", type=click.IntRange(40, 500), help="Columns (default: the terminal's, at most 88).")
def report(run, student, **options) -> None:
    """Show the class, or why STUDENT has this score."""
    from msgspec.structs import replace

    from grader.cli.page import style_of
    from grader.gradebook.database import write_database
    from grader.gradebook.statistics import statistics
    from grader.render.marks.class_view import to_appeal, to_class_view

    book = _book(run)
    style = replace(style_of(options), hidden_details=True)
    if student is None:
        write_database(book, run)
        click.echo(to_class_view(book, statistics(book), style), color=True)
        return
    row = book.row(student)
    if row is None:
        raise UsageError(f"{student!r} is not in {run}" + _near(student, [r.student for r in book.rows]))
    click.echo(to_appeal(row, book, style), color=True)


def _near(word: str, words: list[str]) -> str:
    from grader.course.settings import nearest

    near = nearest(word, words)
    return f"; did you mean {near!r}?" if near else ""


def _book(run: Path):
    """The run with the roster and adjustments of the course at hand, else of the one it was marked in."""
    from grader.batch.run_folder import read_manifest
    from grader.course.course import find_course, load_course
    from grader.errors import GradeError
    from grader.gradebook.book import read_book

    manifest = read_manifest(run)
    slug = manifest.assignment.slug
    try:
        course = the_course()
    except GradeError:
        course = None
    if course is None or slug not in course.slugs:
        folder = find_course(Path(manifest.course)) if Path(manifest.course).is_dir() else None
        course = load_course(folder) if folder else None
    if course is None or slug not in course.slugs:
        click.echo(f"The course of {run} is not at hand: no roster, no adjustments, no late penalties.", err=True)
        course = None
    return read_book(run, course)


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--student", metavar="ID", help="Only this student.")
@click.option("--accept", is_flag=True, help="Replace the marks in RUN by the new ones.")
@click.option("-j", "lanes", type=click.IntRange(1, 256), help="Submissions marked at once (default: the cores).")
def regrade(run, student, accept, lanes) -> None:
    """Mark RUN again after tests or reference changed; shows before and after, changes nothing without --accept."""
    from grader.batch.regrade import Request
    from grader.batch.regrade import regrade as mark
    from grader.cli.progress import progress
    from grader.render.json import to_json
    from grader.render.words import points

    signal.signal(signal.SIGTERM, _interrupt)
    found = mark(Request(course=the_course(), run=run, lanes=lanes or processors.at_once(), command=LANE, student=student, accept=accept), to_json, progress())
    click.echo(f"{found.marked} marked again, {found.unaffected} not affected by the change, {len(found.changes)} differ")
    for change in found.changes:
        verdicts = "" if change.verdict_before == change.verdict_after else f", {change.verdict_before} -> {change.verdict_after}"
        kept = " (a fault of the machine: the old mark stays)" if change.kept else ""
        click.echo(_line(f"  {change.student}: {points(change.before)} -> {points(change.after)}{verdicts}{kept}; {', '.join(change.tests)}"))
    if accept:
        click.echo(f"{run}: accepted; the lines before are kept beside reports.jsonl")
    elif found.marked:
        click.echo("Nothing was changed; --accept replaces the marks.")
    sys.exit(6 if any(c.verdict_after == "ungraded" for c in found.changes) else 0)


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--format", "format_", type=click.Choice(["csv", "canvas", "moodle", "junit", "markdown", "feedback"]), required=True)
@click.option("--gradebook", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The gradebook or worksheet that the platform exported.")
@click.option("--column", metavar="TITLE", help="The column to fill.")
@click.option("--anonymous", metavar="KEYFILE", type=click.Path(path_type=Path, dir_okay=False), help="Pseudonyms; KEYFILE says whose.")
@click.option("-o", "output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write to FILE (default: stdout).")
@click.option("--to", "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Where feedback pages are written.")
def export(run, format_, gradebook, column, anonymous, output, folder) -> None:
    """Write marks or feedback for a platform."""
    from grader.gradebook.database import write_database

    _check_export(format_, gradebook, column, anonymous, folder)
    book = _book(run)
    write_database(book, run)
    if anonymous:
        from grader.gradebook.anonymous import anonymous as hide

        book = hide(book, anonymous)
    click.echo(f"{book.slug}: {book.late.sentence()}; {sum(r.score is not None for r in book.rows)} of {len(book.rows)} students have a score", err=True)
    if format_ == "feedback":
        _write_feedback(book, folder)
        return
    text = _exported(book, format_, gradebook, column)
    if output:
        output.write_text(text, encoding="utf-8", newline="")
    else:
        click.echo(text, nl=False)


def _check_export(format_, gradebook, column, anonymous, folder) -> None:
    if format_ in ("canvas", "moodle"):
        if gradebook is None:
            raise UsageError(f"--format {format_} fills a file that the platform exported; name it with --gradebook")
        if format_ == "canvas" and not column:
            raise UsageError("--format canvas fills one column; name it with --column")
        if anonymous:
            raise UsageError(f"--anonymous does not go with {format_}: the platform must find its students")
    elif gradebook or column:
        raise UsageError("--gradebook and --column go with --format canvas or moodle")
    if (format_ == "feedback") != (folder is not None):
        raise UsageError("--format feedback writes a folder: name it with --to" if folder is None else "--to goes with --format feedback; others take -o")


def _exported(book, format_: str, gradebook, column) -> str:
    from grader.gradebook.statistics import statistics
    from grader.gradebook.table import read_text
    from grader.render.marks import canvas, junit, moodle, tables

    if format_ == "csv":
        return tables.to_table(book)
    if format_ == "junit":
        return junit.to_junit(book)
    if format_ == "markdown":
        return tables.to_markdown(book, statistics(book))
    exported = read_text(gradebook, UsageError)
    filled = canvas.to_canvas(book, exported, column) if format_ == "canvas" else moodle.to_moodle(book, exported, column)
    click.echo(f"{filled.filled} cells filled", err=True)
    for notice in filled.notices:
        click.echo(f"  {_line(notice)}", err=True)
    return filled.text


def _write_feedback(book, folder: Path) -> None:
    """A page as HTML and as text for everybody who handed something in or whom an adjustment is about."""
    from grader.render.marks.feedback import file_name, to_html, to_text

    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for row in book.rows:
        if row.report is None and not row.reasons and not row.comments:
            continue
        for suffix, page in ((".html", to_html), (".txt", to_text)):
            name = file_name(row, suffix)
            if name.casefold() in taken:
                raise UsageError(f"two students' pages would be called {name}; give them names that differ in more than signs")
            taken.add(name.casefold())
            (folder / name).write_text(page(row, book), encoding="utf-8")
    click.echo(f"{folder}: {len(taken) // 2} pages, each as .html and .txt")
