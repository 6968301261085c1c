"""`grade audit`: prove the course, or show what a student with a mistake reads."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.cli import course_slugs, the_course
from grader.errors import CourseError, UsageError


def _complete(context, parameter, incomplete):
    return [slug for slug in course_slugs(context) if slug.startswith(incomplete)]


@click.command()
@click.argument("slugs", nargs=-1, shell_complete=_complete)
@click.option("--show", metavar="MISTAKE", help="Print what a student with this mistake reads.")
@click.option("--mutants", is_flag=True, help="Count the generic mutants of each reference that the tests notice (minutes).")
@click.option("--seed", "seeds", type=int, multiple=True, help="Seeds of hidden inputs beside the course's secret (default: 1 2 3 4).")
@click.option("-j", "jobs", type=click.IntRange(1, 256), help="Sessions at once (default: the cores).")
@click.option("--format", "format_", type=click.Choice(["terminal", "json"]), default="terminal")
@click.option("-o", "output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to FILE.")
def audit(slugs, show, mutants, seeds, jobs, format_, output) -> None:
    """Audit exercises (default: all): reference, stub, mistakes, cheats, limits. Exit 6 when something blocks a release."""
    course = the_course()
    if not course.folder.is_instructor:
        raise UsageError("an audit needs the solutions/ of the course; this is a release")
    for slug in slugs:
        course.entry(slug)
    if show is not None:
        _show(course, slugs, show)
        return
    if mutants:
        from grader.audit.mutation import kill

        kills = kill(course.folder.root, list(slugs or course.slugs), jobs, _progress())
        _write(_kills_json(kills) if format_ == "json" else _kills_table(kills), output)
        sys.exit(0 if all(k.enough for k in kills) else 6)
    from grader.audit.audit import SEEDS
    from grader.audit.audit_cache import audited

    found = audited(course, slugs or course.slugs, (None, *seeds) if seeds else SEEDS, jobs, _progress())
    text = _json(found) if format_ == "json" else _table(found)
    _write(text, output)
    sys.exit(0 if all(a.green for a in found) else 6)


def _write(text: str, output: Path | None) -> None:
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    else:
        click.echo(text)


def _kills_json(kills) -> str:
    import msgspec

    return "\n".join(msgspec.json.encode({**msgspec.to_builtins(k), "equivalent": k.equivalent, "rate": k.rate}).decode() for k in kills)


def _kills_table(kills) -> str:
    width = max(len(k.slug) for k in kills)
    lines = [f"{'':<{width}}  mutants  killed  equivalent   rate"]
    lines += [f"{k.slug:<{width}}  {k.made:>7}  {k.killed:>6}  {k.equivalent:>10}  {k.rate:>5.1%}" for k in kills]
    for k in kills:
        lines += [f"{k.slug}:{s.line} {'equivalent' if s.equivalent else 'SURVIVES'} ({s.kind} in {s.function}): {s.difference}" for s in k.survivors]
    return "\n".join(lines)


def _progress():
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress("audit", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    task = bar.add_task("audit", total=None)

    def advance(done: int, total: int) -> None:
        if done == total:
            bar.stop()
        elif not bar.live.is_started:
            bar.start()
        bar.update(task, completed=done, total=total)

    return advance


def _json(found) -> str:
    import msgspec

    return "\n".join(msgspec.json.encode({**msgspec.to_builtins(a), "green": a.green}).decode() for a in found)


def _table(found) -> str:
    width = max(len(a.slug) for a in found)
    lines = [f"{'':<{width}}        tests  cases  public  mistakes  cheats  seeds"]
    for a in found:
        word = click.style("green", fg="green") if a.green else click.style("RED  ", fg="red")
        lines.append(f"{a.slug:<{width}}  {word}  {a.tests:>4}  {a.cases:>5}  {a.public_points:>6g}  {a.mistakes:>8}  {a.cheats:>6}  {a.seeds:>5}")
    for a in found:
        lines += [f"{a.slug}: {'' if n.blocks else 'warning: '}{n.check}: {n.what}" for n in a.notes]
    return "\n".join(lines)


def _show(course, slugs, name: str) -> None:
    """The page of a student whose code is the reference with this mistake."""
    if len(slugs) != 1:
        raise UsageError("--show goes with one exercise: grade audit SLUG --show MISTAKE")
    from grader import check
    from grader.cli.page import style_of
    from grader.course import material
    from grader.course.settings import nearest
    from grader.diagnosis import learning
    from grader.record.audience import for_students
    from grader.render.terminal import to_terminal

    exercise = material.load(course, slugs[0])
    mistake = next((m for m in exercise.mistakes if m.name == name), None)
    if mistake is None:
        near = nearest(name, [m.name for m in exercise.mistakes])
        raise CourseError(f"{name!r} is no mistake of {slugs[0]}" + (f"; did you mean {near!r}?" if near else ""), exercise.mistakes_shown)
    wrong = learning.single(exercise.reference.pieces[0].text, mistake, exercise.mistakes_shown)
    report = check.check(exercise, wrong.submission, check.Options())
    click.echo(to_terminal(for_students(report), style_of({"width": None, "color": "auto", "ascii_": False, "verbose": False})))
