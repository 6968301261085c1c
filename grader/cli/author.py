"""Verbs of authors: new, release."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import click

from grader.cli import course_slugs, start_folder, the_course
from grader.cli.which import shown
from grader.errors import UsageError


def _complete(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


@click.command()
@click.argument("slug")
@click.option("--from", "source", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Begin with a copy of this exercise, a folder in somebody's solutions/.")
@click.option("--framework", type=click.Choice(["numpy", "torch"]), help="What arrays are in students' code (default: numpy).")
def new(slug: str, source: Path | None, framework: str | None) -> None:
    """Begin the exercise SLUG in solutions/; in an empty folder, begin the course too."""
    from grader.scaffold import new as scaffold

    if source and framework:
        raise UsageError("--from copies an exercise with its framework; leave --framework away")
    made = scaffold(start_folder(click.get_current_context()), slug, source, framework or "numpy")
    for path in made.files:
        click.echo(shown(made.root / path))
    if made.new_course:
        click.echo("A new course with a secret of its own, in course.toml: it draws hidden inputs, keep it to yourself.")
    if not made.listed:
        click.echo(f'To list the exercise, add this to course.toml at its place: [[assignments]] slug = "{slug}"')
    if framework == "torch" and importlib.util.find_spec("torch") is None:
        click.echo("torch is not installed here; before you go on: pip install torch", err=True)
    click.echo(f"Next: {'' if source else 'follow the TODOs in both files, then '}`grade audit {slug}`; `grade release` writes what students receive.")


@click.command()
@click.argument("slugs", nargs=-1, shell_complete=_complete)
@click.option("--to", "target", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
              help="Where to write (default: the course's assignments/).")
@click.option("--zip", "archive", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write it as a zip archive, too.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and say what differs when a release would change something.")
@click.option("--target", "platform", type=click.Choice(["student", "gradescope", "github"]), default="student",
              help="For whom: students (default), Gradescope's autograder, repositories on GitHub.")
def release(slugs: tuple[str, ...], target: Path | None, archive: Path | None, check: bool, platform: str) -> None:
    """Write what students receive: stubs, public tests, handouts, expected results. Without SLUG: the whole course."""
    course = the_course()
    if check and (archive or platform != "student"):
        raise UsageError("--check compares the folder that students receive; it goes with neither --zip nor --target")
    if platform != "student":
        _platform(course, slugs, target, archive, platform)
        return
    place = target or course.folder.assignments or course.folder.root / "assignments"
    if check:
        _check(course, slugs, place)
        return
    from grader.release.release import release as make

    written = make(course, slugs, place)
    click.echo(f"{shown(written.target)}: {_count(len(written.exercises), 'exercise')} written")
    for exercise in written.exercises:
        click.echo(f"  {exercise.slug}: {_tests(exercise.table)}")
        click.echo(f"    {', '.join(exercise.files)} ({sum(map(len, exercise.files.values())) / 1024:.0f} KiB)")
        for line in exercise.shown:
            click.echo(f"    shown on purpose, {line}")
    for slug in written.removed:
        click.echo(f"  {slug}: removed, the course has it no more")
    if archive:
        from grader.release.archive import zipped

        _write(zipped(written.whole()), archive)


def _check(course, slugs: tuple[str, ...], place: Path) -> None:
    from grader.release.release import drifted

    lines = drifted(course, slugs, place)
    for line in lines:
        click.echo(f"{shown(place)}/{line}")
    if lines:
        click.echo(f"`grade release` would change {_count(len(lines), 'file')}", err=True)
        sys.exit(1)
    click.echo(f"{shown(place)} is what a release of today would write")


def _platform(course, slugs: tuple[str, ...], target: Path | None, archive: Path | None, platform: str) -> None:
    """Gradescope: one zip for each exercise. GitHub: two folders, the students' repository and the course's."""
    from grader.release import targets
    from grader.release.placing import check_target

    if platform == "gradescope":
        if archive and (len(slugs) != 1 or target):
            raise UsageError("--zip names one archive: give it one exercise and no --to; --to DIR writes one archive for each exercise")
        if not archive and not target:
            raise UsageError("say where: --zip FILE for one exercise, --to DIR for one archive for each")
        for slug in slugs or course.slugs:
            _write(targets.gradescope(course, slug), archive or target / f"{slug}-gradescope.zip")
        return
    if archive or not target or slugs:
        raise UsageError("--target github takes --to DIR, a folder for the two repositories, and the whole course")
    check_target(course, target / "student")
    for path in targets.github(course, target):
        click.echo(shown(path))


def _write(data: bytes, file: Path) -> None:
    from grader.record.recording import write_bytes

    try:
        write_bytes(data, file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror or error})") from error
    click.echo(f"{shown(file)} ({len(data) / 1024:.0f} KiB)")


def _tests(table) -> str:
    """`14 public tests (51 points), 20 hidden ones (49 points)`."""
    public, hidden = [[row.hundredths for row in table if row.public is wanted] for wanted in (True, False)]
    return (f"{_count(len(public), 'public test')} ({sum(public) / 100:g} points), "
            f"{_count(len(hidden), 'hidden test')} ({sum(hidden) / 100:g} points)")


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
