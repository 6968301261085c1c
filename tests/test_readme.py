"""What the README says is what CI does, and what it shows is what the tool prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_readmes_test_command_as_written():
    command = next(block for block in re.findall(r"```bash\n(.*?)\n```", README, re.DOTALL) if block.endswith("pytest"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_command_has_a_bash_and_a_powershell_form():
    assert len(re.findall(r"```bash\n[^`]*venv \.venv", README)) == len(re.findall(r"```powershell\n[^`]*venv \.venv", README)) >= 2


def test_the_picture_is_what_the_tool_prints():
    picture = README.split("```\n")[1].rstrip("\n")
    printed = subprocess.run([sys.executable, "-m", "grader", "run", "lstm", "--file", "tests/submissions/lstm/swapped_gates.py", "--width", "80"],
                             cwd=ROOT, capture_output=True, text=True, encoding="utf-8", env={**os.environ, "NO_COLOR": "1", "CI": ""}).stdout
    assert printed.split("\n")[1:len(picture.split("\n"))] == picture.split("\n")[1:]  # the first line tells the file's age
