"""`grade run SLUG ...`: mark, draw, remember, exit."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from grader.cli import course_slugs, the_course
from grader.cli.which import age_of, learners_file, shown
from grader.errors import GradeError, UsageError

EXIT_OF = {"passed": 0, "failed": 1, "not_attempted": 5, "not_loaded": 3, "stopped": 4, "ungraded": 6}
STUCK = 3  # runs with the same failure after which a hint is offered
CI = ("github", "junit")
PLATFORMS = ("github", "gradescope")  # where nothing released may be changed
WORST_FIRST = (130, 70, 8, 7, 6, 2, 3, 4, 1, 5, 0)


def _complete_slugs(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


@click.command(context_settings={"auto_envvar_prefix": "GRADE"})
@click.argument("slugs", nargs=-1, shell_complete=_complete_slugs)
@click.option("--file", "file", metavar="PATH", type=click.Path(path_type=Path), help="The .py or .ipynb to mark (default: yours in the exercise's folder).")
@click.option("--part", metavar="NAME", help="Only the tests of this part.")
@click.option("-k", "select", metavar="EXPR", help="Only tests whose names match, as in pytest.")
@click.option("-x", "stop_first", is_flag=True, help="Stop at the first failing case.")
@click.option("-v", "--verbose", is_flag=True, help="Open every failing test; no limit on lines.")
@click.option("--format", "format_", type=click.Choice(["terminal", "json", "junit", "github", "gradescope"]),
              default="terminal", help="What to print.")
@click.option("-o", "output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to FILE.")
@click.option("--seed", type=int, help="Stands in for the course's secret when hidden inputs are drawn (needs solutions/).")
@click.option("--sandbox", "level", type=click.Choice(["strict", "available", "off"]), help="How much protection a run needs.")
@click.option("--timeout-scale", type=click.FloatRange(0.01, 1000), default=1.0, help="Multiply all time limits (slow machines).")
@click.option("--tests", type=click.Choice(["public", "all"]), default="all", help="All that are at hand, or the public ones.")
@click.option("--audience", type=click.Choice(["student", "staff"]), default="student", help="Who reads it; students see hidden tests by title.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto")
@click.option("--ascii", "ascii_", is_flag=True, help="Only ASCII characters.")
@click.option("--width", type=click.IntRange(40, 500), help="Columns (default: the terminal's, at most 88).")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whenever marking worked.")
def run(slugs, **options) -> None:
    """Mark exercises. Without SLUG: every exercise that differs from its start."""
    course = the_course()
    if options["file"] and len(slugs) != 1:
        raise UsageError("--file goes with exactly one exercise")
    if options["seed"] is not None and not course.folder.is_instructor:
        raise UsageError("--seed draws hidden inputs anew, and this course has no solutions/ (hidden tests are not at hand)")
    if options["format_"] == "gradescope" and len(slugs) != 1:
        raise UsageError("--format gradescope goes with exactly one exercise")
    pages, reports, codes = [], [], []
    for slug in slugs or _begun(course, options["format_"] in CI):
        try:
            report, page = _mark(course, slug, options)
            codes.append(EXIT_OF[report.verdict.value])
            pages.append(page)
            reports.append(report)
        except GradeError as error:
            if len(slugs) == 1:
                raise
            click.echo(f"grade: {slug}: {error}", err=True)
            codes.append(error.exit_code)
    _print(_together(reports, options["format_"]) if options["format_"] in CI else pages, options)
    sys.exit(_exit_code(codes, options["exit_zero"] or options["format_"] == "gradescope"))


def _begun(course, may_be_none: bool) -> tuple[str, ...]:
    """Exercises whose file is no longer the one that was released."""
    from grader import check
    from grader.course import material

    begun = []
    for slug in course.slugs:
        exercise = material.load(course, slug)
        try:
            files = check.learners_files(exercise)
        except UsageError:
            continue
        if check.differs_from_stub(exercise, files[0]):
            begun.append(slug)
    if not begun and not may_be_none:
        raise UsageError("no exercise is begun yet; `grade list` shows them, `grade SLUG` marks one")
    return tuple(begun)


def _mark(course, slug: str, options) -> tuple:
    """`(report, page)` of one exercise."""
    from grader.course.assignment import check_framework
    from grader.course.course import load_assignment
    from grader.worker.launch import launcher

    assignment = load_assignment(course, slug)
    check_framework(assignment)
    warm = launcher(assignment.framework.value, assignment.imports)  # imports numpy while this process imports pytest
    try:
        from grader import check
        from grader.course import material
        from grader.source.submission import read_submission

        exercise = material.load(course, slug, options["seed"])
        if options["format_"] in PLATFORMS:
            material.check_unchanged(exercise)
        file = options["file"] or learners_file(exercise)
        report = check.check(exercise, read_submission(shown(file)), _options(options, course), warm)
    finally:
        warm.close()
    is_whole = not (options["part"] or options["select"] or options["stop_first"])  # what some tests say is no standing
    runs = _remember(course, report) if is_whole and not options["file"] else 1
    if options["audience"] == "student":
        from grader.record.audience import for_students

        report = for_students(report)
    if options["format_"] == "gradescope":
        from grader.render.gradescope import to_gradescope

        return report, to_gradescope(report, exercise.assignment.hidden.value)
    return report, _draw(report, file, options, course.submit or "" if is_whole else "", stuck=runs >= STUCK)


def _together(reports: list, format_: str) -> list[str]:
    """One page of all reports; GitHub's job summary is written beside it."""
    if format_ == "junit":
        from grader.render.junit import to_junit

        return [to_junit(reports)]
    from grader.render.github import to_github, to_summary

    if reports and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(to_summary(reports) + "\n")
    return [to_github(reports)] if reports else []


def _options(options, course):
    from grader.check import Options

    level = options["level"] or (course.sandbox.value if course.sandbox else default_level())
    return Options(level=level, timeout_scale=options["timeout_scale"], tests=options["tests"], select=options["select"], part=options["part"],
                   stop_first=options["stop_first"], seed=options["seed"])


def default_level() -> str:
    """On a machine that marks for others the sandbox is complete or nothing is marked."""
    return "strict" if os.environ.get("CI", "").lower() not in ("", "0", "false") else "available"


def _draw(report, file: Path, options, submit: str, stuck: bool) -> str:
    if options["format_"] in CI:
        return ""  # drawn together with the others
    if options["format_"] == "json":
        from grader.render.json import to_json

        return to_json(report)
    from grader.cli.page import style_of
    from grader.render.terminal import to_terminal

    return to_terminal(report, style_of(options, stuck), age_of(file), submit)


def _print(pages: list[str], options) -> None:
    text = ("\n" if options["format_"] == "json" else "\n\n").join(pages)
    if not pages:
        return
    if options["output"]:
        options["output"].write_text(text + "\n", encoding="utf-8")
        return
    click.echo(text, color=True)


def _exit_code(codes: list[int], exit_zero: bool) -> int:
    attempted = [c for c in codes if c != 5]
    worst = next(c for c in WORST_FIRST if c in (attempted or codes or [5]))
    return 0 if exit_zero and worst in (1, 3, 4, 5) else worst


def _remember(course, report) -> int:
    """Keep the last result of the learner's own file, for `grade`, `grade list` and the offer of a hint; runs with this failure."""
    from grader.course import state

    root, slug = course.folder.root, report.assignment.slug
    failing = sorted(t.id for t in report.tests if t.verdict.value in ("wrong", "raised", "timeout", "crashed"))
    failure = " ".join([*failing, *(name for d in report.diagnoses for name in d.mistakes)])
    last = state.load(root).get(slug)
    runs = last.runs + 1 if last is not None and failure and last.failure == failure else 1
    state.remember(root, slug, state.Last(verdict=report.verdict.value, score=report.score, max_score=report.max_score,
                                          sha256=report.submission.sha256, at=time.time(), failure=failure, runs=runs))
    return runs
