"""Marking from a notebook: the command `grade`, in a process of its own, on a file that holds what the kernel holds.

The process is the command line's own, so options, sandbox and report are the same, and nothing of it is loaded into the
kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import grader
from grader.record.report import Report

COMMAND = "import sys; sys.path.append(sys.argv.pop(1)); from grader.cli import main; main()"
SHOWN = "this notebook"


class Marked(NamedTuple):
    """A report, or what the command said instead."""

    report: Report | None
    said: str


def marked(course: Path, words: Sequence[str], sources: Mapping[int, str]) -> Marked:
    """What `grade run WORDS` in `course` says to the cells `sources` (number -> text)."""
    with tempfile.TemporaryDirectory(prefix="grade-") as folder:
        file = Path(folder, "kernel.ipynb")
        file.write_text(_as_notebook(sources), encoding="utf-8")
        options = ["--file", str(file), "--format", "json"]
        package = str(Path(grader.__file__).resolve().parents[1])
        done = subprocess.run([sys.executable, "-P", "-c", COMMAND, package, "-C", str(course), "run", *words, *options], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", errors="replace", env=os.environ | {"PYTHONIOENCODING": "utf-8"})
        if not done.stdout.startswith("{"):
            return Marked(None, (done.stderr + done.stdout).replace(str(file), SHOWN).strip())
        return Marked(msgspec.convert(_renamed(json.loads(done.stdout), str(file)), Report, strict=False), done.stderr.strip())


def _as_notebook(sources: Mapping[int, str]) -> str:
    """A notebook whose n-th cell is `In [n]`; cells that hold nothing are no code."""
    cells: list[dict[str, Any]] = [{"cell_type": "raw", "metadata": {}, "source": ""} for _ in range(max(sources, default=0))]
    for number, text in sources.items():
        cells[number - 1] = {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": number}
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def _renamed(value: Any, file: str) -> Any:
    """Files as the notebook's reader knows them: `cell 7` is `In [7]`."""
    if isinstance(value, list):
        return [_renamed(item, file) for item in value]
    if isinstance(value, dict):
        return {key: _renamed_file(item, file) if key == "file" else _renamed(item, file) for key, item in value.items()}
    return value


def _renamed_file(name: str, file: str) -> str:
    if name == file:
        return SHOWN
    return f"In [{name.removeprefix('cell ')}]" if name.startswith("cell ") else name
