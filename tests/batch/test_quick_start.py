"""The README's three commands, as they stand there, from a download folder to a Canvas file."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.batch import generate, strict_readers
from tests.batch.running import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
CLASS = (("correct", 100.0), ("gate_order_f_i_g_o", 62.25), ("stub", 0.0))


@pytest.mark.skipif(sys.platform != "linux", reason="batch marks at strict")
def test_the_readmes_three_commands_lead_to_a_canvas_file(tmp_path):
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Mark a class")[2]
    commands = re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1]
    assert len(commands.splitlines()) == 3
    course = tmp_path / "course"
    shutil.copytree(ROOT / "solutions" / "lstm", course / "solutions" / "lstm")
    (course / "solutions" / "course.toml").write_text('title = "Course"\nsecret = "quick"\n[[assignments]]\nslug = "lstm"\n')
    (course / "solutions" / "lstm" / "mistakes.toml").unlink()  # to learn them takes a while
    downloads = tmp_path / "Downloads"
    downloads.mkdir()
    with zipfile.ZipFile(downloads / "submissions.zip", "w") as archive:
        for k, (kind, _) in enumerate(CLASS):
            archive.writestr(f"student{k}_{100 + k}_{9000 + k}_lstm.py", generate.generate(1, only=kind)[0].raw)
    (downloads / "gradebook.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Section,LSTM (77)\n    Points Possible,,,,,100\n"
                                             + "".join(f'"Person, {k}",{100 + k},s{k},p{k},A,\n' for k in range(len(CLASS))))
    environment = ENVIRONMENT | {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-e"], input=commands, cwd=course, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    people = {str(100 + k): f"p{k}" for k in range(len(CLASS))}
    marks = strict_readers.canvas((course / "lstm-canvas.csv").read_text(), {"77": "LSTM"}, people)
    assert marks == {"LSTM": {str(100 + k): score for k, (_, score) in enumerate(CLASS)}}
    assert "3 students" in done.stdout
