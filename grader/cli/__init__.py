"""The command `grade`: verbs in three groups, slugs as verbs, one boundary where errors become exit codes.

Each verb lives in its own function and is imported when it is called, so that `grade list` stays light.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from pathlib import Path

import click

from grader import __version__
from grader.errors import GradeError

GROUPS = {
    "Learner": {
        "run": ("grader.cli.run", "run", "Mark exercises; `grade SLUG` is the same as `grade run SLUG`."),
        "start": ("grader.cli.learner", "start", "Copy a course to work in."),
        "list": ("grader.cli.learner", "list_", "The exercises, and where you are."),
        "show": ("grader.cli.learner", "show", "The handout of an exercise."),
        "hint": ("grader.cli.hint", "hint", "A question that helps with what is wrong now."),
        "diff": ("grader.cli.learner", "diff", "What you changed in an exercise."),
        "reset": ("grader.cli.learner", "reset", "Begin an exercise again; your file is kept."),
        "doctor": ("grader.cli.doctor", "doctor", "Check this machine and installation."),
    },
    "Author": {
        "new": ("grader.cli.author", "new", "Begin an exercise; in an empty folder, a course."),
        "audit": ("grader.cli.audit", "audit", "Prove that the tests and mistakes of the course can tell."),
        "release": ("grader.cli.author", "release", "Write what students receive."),
    },
    "Marker": {
        "batch": ("grader.cli.marker", "batch", "Mark a whole class: a folder or a zip of submissions."),
        "merge": ("grader.cli.marker", "merge", "Join runs that were marked in shards."),
        "report": ("grader.cli.marker", "report", "The class, or why a student has this score."),
        "regrade": ("grader.cli.marker", "regrade", "Mark a run again after tests or reference changed."),
        "export": ("grader.cli.marker", "export", "Marks and feedback for Canvas, Moodle and others."),
    },
}
VERBS = {verb: entry for group in GROUPS.values() for verb, entry in group.items()}


class Grade(click.Group):
    """Verbs first, then slugs of the course; a misspelt word gets the nearest of both."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """`-C DIR` may stand anywhere: `grade lstm -C DIR`."""
        if "-C" in args[1:-1]:
            place = args.index("-C")
            args = [*args[place : place + 2], *args[:place], *args[place + 2 :]]
        return super().parse_args(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in VERBS:
            module, function, _ = VERBS[name]
            return getattr(importlib.import_module(module), function)
        if name in course_slugs(context):
            return _run_slug(name)
        return None

    def resolve_command(self, context: click.Context, args: list[str]):
        name = args[0]
        if self.get_command(context, name) is None and not name.startswith("-"):
            import difflib

            slugs = course_slugs(context)
            near = difflib.get_close_matches(name, [*slugs, *VERBS], n=2, cutoff=0.5)
            advice = f"Did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else "`grade list` shows the exercises."
            if not slugs:
                advice += " (No course here: `grade start` makes a copy of one.)"
            raise click.UsageError(f"`{name}` is neither a command nor an exercise of this course. {advice}", context)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        learner = _in_learners_course(context)
        for title, group in GROUPS.items():
            if learner and title != "Learner" or not group:
                continue
            with formatter.section(title):
                formatter.write_dl([(verb, text) for verb, (_, _, text) in group.items()])
        if learner:
            others = ", ".join(verb for title, group in GROUPS.items() if title != "Learner" for verb in group)
            formatter.write_paragraph()
            formatter.write_text(f"For authors and markers: {others}")

    def shell_complete(self, context: click.Context, incomplete: str):
        from click.shell_completion import CompletionItem

        slugs = [CompletionItem(s, help="mark this exercise") for s in course_slugs(context) if s.startswith(incomplete)]
        return slugs + [CompletionItem(v, help=VERBS[v][2]) for v in VERBS if v.startswith(incomplete)]


def _run_slug(slug: str) -> click.Command:
    """`grade lstm --part x` as `grade run lstm --part x`."""
    from grader.cli.run import run

    params = [p for p in run.params if p.name != "slugs"]
    return click.Command(slug, params=params, help=f"Mark the exercise {slug}.", short_help=f"Mark {slug}.",
                         callback=lambda **options: click.get_current_context().invoke(run, slugs=(slug,), **options))


def start_folder(context: click.Context | None) -> Path:
    """The folder commands work from: `-C DIR`, or the current one."""
    while context is not None:
        if isinstance(context.obj, Path):
            return context.obj
        if context.parent is None and context.params.get("directory"):
            return context.params["directory"].resolve()  # a slug is looked up before `grade` itself runs
        context = context.parent
    return Path.cwd()


def course_slugs(context: click.Context | None) -> tuple[str, ...]:
    """Slugs of the course at hand; none when there is no course or it is broken (the verb will say so)."""
    from grader.course.course import find_course, load_course

    try:
        folder = find_course(start_folder(context))
        return load_course(folder).slugs if folder else ()
    except GradeError:
        return ()


def the_course(context: click.Context | None = None):
    """The course of the current folder, or a usage error with the way out."""
    from grader.course.course import find_course, load_course
    from grader.errors import UsageError

    start = start_folder(context or click.get_current_context(silent=True))
    folder = find_course(start)
    if folder is None:
        raise UsageError(f"there is no course in {start} or above it; `grade start DIR` makes a copy to work in, `cd` into it afterwards")
    return load_course(folder)


def _in_learners_course(context: click.Context) -> bool:
    from grader.course.course import find_course

    folder = find_course(start_folder(context))
    return folder is not None and not folder.is_instructor


@click.group(cls=Grade, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-C", "directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Work as if started in DIR.")
@click.version_option(__version__, prog_name="grade")
@click.pass_context
def grade(context: click.Context, directory: Path | None) -> None:
    """Mark deep-learning exercises: `grade lstm` says at once which idea is wrong."""
    context.obj = directory.resolve() if directory else None
    if context.invoked_subcommand is None:
        from grader.cli.learner import where_am_i

        where_am_i()


def main() -> None:
    """Entry point: expected errors become one message on stderr and their exit code."""
    gc.disable()  # imports make no garbage; the engine turns it on again
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported anywhere
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    try:
        sys.exit(grade.main(prog_name="grade", standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show(sys.stderr)
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.stderr.write("\nstopped; nothing was changed\n")
        sys.exit(130)
    except GradeError as error:
        sys.stderr.write(f"grade: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the last boundary: never a student's fault, never a traceback alone
        _internal_error(error)
        sys.exit(70)


def _internal_error(error: Exception) -> None:
    import tempfile
    import traceback

    try:
        log = Path(tempfile.gettempdir()) / f"grade-error-{os.getpid()}.txt"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        kept = f"The details are in {log}; please send them to the maintainers."
    except OSError:
        kept = "".join(traceback.format_exception(error))
    sys.stderr.write(f"grade: internal error ({type(error).__name__}: {error}). This is not your fault, and no mark was given. {kept}\n")
