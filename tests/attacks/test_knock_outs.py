"""Each layer is needed: with it (and its named second guards) taken away an attack succeeds that it otherwise stops.

`GUARDS` names what else stands in the attack's way, each with the reason; a layer that is not there falls alone.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from grader import wire
from grader.check import Options
from grader.suite.runner import Runner
from grader.worker.client import Ended
from tests import toy
from tests.attacks import bending
from tests.attacks.everybody import ROOT, python_for_everybody

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")

GUARDS = {
    "identity": {"landlock": "it grants no right to write, to whomever"},
    "session": {"seccomp": "kill is not on its list", "landlock": "its scope keeps signals inside (since ABI 6)",
                "identity": "a user may only signal its own processes"},
    "no new privileges": {"seccomp": "execve is not on its list, and it could not be set itself", "landlock": "it grants no right to execute, and it could not be set itself"},
}
ATTACKS = {  # layer -> source; `attack(place)` is True when it succeeds
    "landlock": """
def attack(place):
    return open(place + "/file.txt").read() == "text"
""",
    "seccomp": """
import os, socket, signal, fcntl
def attack(place):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0) == (pid, 0)
""",
    "resources": """
import numpy as np
def attack(place):
    return np.ones(600 << 17)[0] == 1
""",
    "descriptors": """
import os
def attack(place):
    for number in range(63, 3, -1):
        try:
            if os.read(number, 100) == b"a text that leaks":
                return True
        except OSError:
            pass
    return False
""",
    "environment": """
import os
def attack(place):
    return bool(os.environ)
""",
    "identity": """
import os
def attack(place):
    os.close(os.open(place + "/file.txt", os.O_WRONLY))
    return True
""",
    "no new privileges": """
import os
def attack(place):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        os.execv(place + "/id", ["id"])
    os.waitpid(pid, 0)
    return b"(root)" in os.read(reader, 1000)
""",
}


@pytest.fixture
def place(tmp_path_factory):
    """A folder that everybody may read, with a file and (for root) a program that makes its user root."""
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="knock-out-", dir="/tmp")
    os.chmod(folder, 0o755)
    with open(folder + "/file.txt", "w") as file:
        file.write("text")
    os.chmod(folder + "/file.txt", 0o644)
    if os.geteuid() == 0:
        shutil.copy("/usr/bin/id", folder + "/id")
        os.chmod(folder + "/id", 0o4755)
    yield folder
    shutil.rmtree(folder)


def succeeds(source: str, place: str) -> bool:
    with bending.worker(source) as started:
        try:
            return bending.ask(started, "attack", place, deadline_s=10).value is True
        except Ended:
            return False


@pytest.mark.parametrize("layer", [pytest.param(name, marks=[needs_root] if name in ("identity", "no new privileges") else []) for name in ATTACKS])
def test_without_the_layer_and_its_guards_its_attack_succeeds(monkeypatch, place, layer):
    leak = ["a text that leaks"] if layer == "descriptors" else []
    guards = list(GUARDS.get(layer, {}))
    with monkeypatch.context() as patch:
        bending.bend(patch, leak=leak)
        assert not succeeds(ATTACKS[layer], place)
    if layer != "no new privileges":  # (no guard can be set without it)
        with monkeypatch.context() as patch:
            bending.bend(patch, without=guards, leak=leak)
            assert not succeeds(ATTACKS[layer], place), "the layer alone does not stop it"
    with monkeypatch.context() as patch:
        bending.bend(patch, without=[layer, *guards], leak=leak)
        assert succeeds(ATTACKS[layer], place)


KILLS_ITS_GROUP = """
import os, signal
def attack(place):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    return True
"""


@needs_root
@pytest.mark.parametrize("without_session", [False, True])
def test_session_keeps_signals_to_the_group_from_the_parent(monkeypatch, without_session):
    bending.bend(monkeypatch, without=[*GUARDS["session"], *(["session"] if without_session else [])])
    with bending.worker(KILLS_ITS_GROUP) as started:
        zygote = started.process.zygote.process
        try:
            bending.ask(started, "attack", "", deadline_s=5)
        except (Ended, Exception):  # noqa: B014 - the worker dies with its parent
            pass
        time.sleep(0.2)
        assert (zygote.poll() is not None) is without_session
        if without_session:
            started.kill = lambda: None


@pytest.mark.parametrize("without", [[], ["parent death"]])
def test_parent_death_ends_a_busy_worker_with_its_parent(monkeypatch, without):
    bending.bend(monkeypatch, without=without)
    with bending.worker("def attack():\n    while True:\n        pass\n") as started:
        frame = wire.frame(2, *wire.encode(("call", "attack", (), {}, {})))
        started.channel.send(frame, time.monotonic() + 5)
        time.sleep(0.1)
        pid = started.process.pid
        started.process.zygote.process.kill()
        started.process.zygote.process.wait()
        time.sleep(0.3)
        alive = _is_alive(pid)
        if alive:
            os.kill(pid, signal.SIGKILL)
        started.kill = lambda: None
        assert alive is bool(without)


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("without, answer", [([], "denied"), (["not dumpable"], "read")])
def test_not_dumpable_keeps_programs_of_the_same_user_out(without, answer):
    python, user = sys.executable, {}
    if os.geteuid() == 0:
        python, user = python_for_everybody(), {"user": 64_999, "group": 64_999, "extra_groups": []}
    done = subprocess.run([python, "-s", str(ROOT / "tests" / "attacks" / "neighbour.py"), json.dumps(without)], capture_output=True, text=True, timeout=60,
                          cwd="/", env={"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}, **user)
    assert done.stdout.strip() == answer, done.stderr


def test_only_the_wall_deadline_ends_a_sleeper():
    source = "import time\ndef attack(s):\n    time.sleep(s)\n    return True\n"
    with bending.worker(source) as started:
        assert bending.ask(started, "attack", 2.0, deadline_s=30).value is True  # nothing else would have ended it
    with bending.worker(source) as started:
        began = time.monotonic()
        with pytest.raises(Ended):
            bending.ask(started, "attack", 1e9, deadline_s=0.5)
        assert time.monotonic() - began < 1.0


REMEMBERS = """
import numpy as np
public = []
def double(x):
    if x.shape[1] == 4:
        public.append(x.shape)
    elif public:
        print("REMEMBERS", len(public))
    return 2 * x
def norm(x):
    return float(np.linalg.norm(x))
"""


@pytest.mark.parametrize("fresh", [True, False])
def test_only_a_fresh_worker_keeps_public_calls_from_hidden_ones(monkeypatch, tmp_path, fresh):
    real = Runner.begin
    if not fresh:
        monkeypatch.setattr(Runner, "begin", lambda self, public: real(self, True))
    report = toy.mark(toy.course(tmp_path), REMEMBERS, options=Options(level="strict"))[0]
    hidden = next(t for t in report.tests if t.id == "test_double_hidden")
    assert ("REMEMBERS" in (hidden.output.text if hidden.output else "")) is not fresh


