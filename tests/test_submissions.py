"""The shipped submissions, through the real command: verdict, exit code and parts as written beside them, and the page as a snapshot."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPECIMENS = ROOT / "tests" / "submissions"
EXPECTED = {f"{file.parent.name}/{name}": (file.parent, entry) for file in sorted(SPECIMENS.glob("*/expected.toml"))
            for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def grade(*arguments, cwd=ROOT):
    """`grade ...` as a student at a plain terminal of 88 columns."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS", "FORCE_COLOR")} | {"NO_COLOR": "1", "COLUMNS": "88"}
    return subprocess.run([sys.executable, "-m", "grader", *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          encoding="utf-8", env=environment, timeout=900)


@pytest.mark.parametrize("specimen", EXPECTED)
def test_a_shipped_submission_gets_its_verdict(specimen):
    folder, entry = EXPECTED[specimen]
    result = grade("run", folder.name, "--file", folder / entry["file"], "--format", "json", "--audience", "staff")
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert {p["name"]: p["verdict"] for p in report["parts"]} == entry["parts"]
    assert (report["verdict"], result.returncode) == (entry["verdict"], entry["exit"])


@pytest.mark.parametrize("specimen", EXPECTED)
def test_the_page_of_a_shipped_submission_reads_as_before(specimen, snapshot):
    folder, entry = EXPECTED[specimen]
    page = grade("run", folder.name, "--file", folder / entry["file"], "--width", "88").stdout
    assert without_times(page) == snapshot
    lines = page.rstrip("\n").split("\n")
    assert len(lines) <= 25 and max(map(len, lines)) <= 88


def without_times(page: str) -> str:
    """Ages (and how much of the path they leave room for) and measured ratios differ from run to run."""
    page = re.sub(r"\A(.*?)   \S*?([\w.-]+), saved (?:just now|\d+ \w+ ago)$", r"\1   (path)/\2, saved (some time) ago", page, flags=re.MULTILINE)
    return re.sub(r"\d+ times the reference's CPU time", "(many) times the reference's CPU time", page)
