"""`grade doctor`: what this machine has, what is missing, what to do about it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from grader import __version__


@click.command()
@click.option("--schema", is_flag=True, help="Print the path of the JSON Schema of reports.")
@click.option("--sandbox", "level", type=click.Choice(["strict", "available", "off"]), help="Exit 8 when this level is not reached.")
def doctor(schema: bool, level: str | None) -> None:
    """Check this machine and installation."""
    if schema:
        click.echo(str(Path(__file__).resolve().parent.parent / "render" / "report.schema.json"))
        return
    bad = [not ok for ok in (_versions(), _shadows(), _text(), _worker(level))]
    sys.exit(next((8 for k, b in enumerate(bad) if b and k == 3), 0))


def _line(ok: bool, what: str, text: str) -> bool:
    click.echo(f"{click.style('ok  ', fg='green') if ok else click.style('LOOK', fg='yellow')}  {what:<12} {text}")
    return ok


def _versions() -> bool:
    from importlib.metadata import PackageNotFoundError, version

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "-"

    python_ok = (3, 11) <= sys.version_info[:2] <= (3, 14)
    _line(True, "deepgrader", f"{__version__} in {Path(__file__).resolve().parent.parent}")
    _line(python_ok, "python", f"{sys.version.split()[0]} ({sys.executable})" + ("" if python_ok else "; tested are 3.11 to 3.14"))
    return _line(True, "packages", ", ".join(f"{n} {of(n)}" for n in ("numpy", "pytest", "click", "rich", "nbformat", "msgspec", "torch")))


def _shadows() -> bool:
    """`grade` and `grader` on PyPI are other projects: one of their modules may stand in front of ours."""
    from importlib.metadata import PackageNotFoundError, distribution

    others = []
    for name in ("grade", "grader"):
        try:
            others.append(f"{name} {distribution(name).version}")
        except PackageNotFoundError:
            continue
    if not others:
        return _line(True, "names", "no other project called grade or grader is installed")
    return _line(False, "names", f"{', '.join(others)} is another project whose modules shadow ours: pip uninstall {' '.join(o.split()[0] for o in others)}, "
                                 "then pip install --force-reinstall deepgrader")


def _text() -> bool:
    encoding = (sys.stdout.encoding or "ascii").lower()
    ok = "utf" in encoding
    return _line(ok, "text", f"{encoding}" + ("" if ok else ": pages are drawn in ASCII"))


def _worker(level: str | None) -> bool:
    """Start one worker and ask it something."""
    from grader.errors import GradeError
    from grader.wire import encode
    from grader.worker.client import Ended
    from grader.worker.launch import launcher
    from grader.worker.sandbox import Limits

    warm = launcher("numpy")
    try:
        started = time.perf_counter()
        worker = warm.worker(Limits(10, 1024), level or "available")
        worker.load((("canary.py", "def double(x):\n    return 2 * x\n"),), ("numpy",), time.monotonic() + 30)
        reply = worker.ask(encode(("call", "double", (21,), {}, {})), time.monotonic() + 10)
        worker.kill()
    except (GradeError, Ended) as error:
        return _line(False, "worker", str(error))
    finally:
        warm.close()
    ok = reply.value == 42
    missing = f"; without {', '.join(worker.missing_layers)}" if worker.missing_layers else ""
    return _line(ok, "worker", f"answered after {(time.perf_counter() - started) * 1000:.0f} ms{missing}")
