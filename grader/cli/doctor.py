"""`grade doctor`: what this machine has, what is missing, what to do about it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from grader import __version__

LAYERS = {  # what each layer of the sandbox takes away
    "descriptors": "only its own files and pipes are open",
    "session": "no terminal, no process group of others",
    "environment": "no variables, no working folder",
    "identity": "not root, no capabilities",
    "parent death": "it ends with the process that started it",
    "resources": "limits of CPU time, memory, file size and descriptors",
    "no new privileges": "no program makes it more powerful",
    "not dumpable": "programs of the same user cannot look into it",
    "landlock": "reads Python and the exercise's packages, writes nothing",
    "seccomp": "no processes, sockets, signals or other system calls that code for marking does not need",
}


@click.command()
@click.option("--schema", is_flag=True, help="Print the path of the JSON Schema of reports.")
@click.option("--sandbox", "level", type=click.Choice(["strict", "available", "off"]), help="Exit 8 when this level is not reached.")
def doctor(schema: bool, level: str | None) -> None:
    """Check this machine and installation."""
    if schema:
        click.echo(str(Path(__file__).resolve().parent.parent / "render" / "report.schema.json"))
        return
    for check in (_versions, _shadows, _text):
        check()
    sys.exit(0 if _workers(level) else 8)


def _line(ok: bool, what: str, text: str) -> bool:
    click.echo(f"{click.style('ok  ', fg='green') if ok else click.style('LOOK', fg='yellow')}  {what:<17} {text}")
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


def _workers(level: str | None) -> bool:
    """Start a worker, show its layers, prove `strict`; whether the level asked for is reached."""
    from grader.errors import GradeError
    from grader.worker.client import Ended
    from grader.worker.launch import launcher
    from grader.worker.layers import Limits

    warm, limits = launcher("numpy"), Limits(10, 1024)
    try:
        missing = _worker(warm, limits, level or "available")
    except (GradeError, Ended) as error:
        warm.close()
        return _line(False, "worker", str(error))
    try:
        for layer, what in LAYERS.items() if level != "off" else ():
            _line(layer not in missing, layer, what if layer not in missing else f"missing: {missing[layer]}")
        return level == "off" or _strict(warm, limits, missing) or level != "strict"
    finally:
        warm.close()


def _worker(warm, limits, level: str) -> dict[str, str]:
    """Ask a worker something; the layers it goes without, and why."""
    from grader.errors import WorkerFault
    from grader.wire import encode

    started = time.perf_counter()
    worker = warm.worker(limits, "available" if level == "strict" else level)  # `strict` is told layer by layer
    worker.load((("canary.py", "def double(x):\n    return 2 * x\n"),), ("numpy",), time.monotonic() + 30)
    reply = worker.ask(encode(("call", "double", (21,), {}, {})), time.monotonic() + 10)
    worker.kill()
    if reply.value != 42:
        raise WorkerFault("a worker answered 2 * 21 wrongly")
    _line(True, "worker", f"answered after {(time.perf_counter() - started) * 1000:.0f} ms")
    return dict(worker.missing_layers)


def _strict(warm, limits, missing: dict[str, str]) -> bool:
    """Whether strangers' code can be marked here: no layer is missing and the canary of the self-test stays in its cage."""
    from grader.errors import GradeError
    from grader.worker.selftest import PROBES, prove

    if missing:
        return _line(False, "sandbox strict", f"not reached: {', '.join(missing)} missing. Fit for your own code; mark that of strangers where all layers "
                                              "are present (Linux 5.13 or newer with Landlock, x86-64 or aarch64)")
    try:
        started = time.perf_counter()
        prove(warm, limits)
    except GradeError as error:
        return _line(False, "sandbox strict", str(error))
    return _line(True, "sandbox strict", f"reached: a canary tried {len(PROBES)} ways out in {(time.perf_counter() - started) * 1000:.0f} ms, none was open")
