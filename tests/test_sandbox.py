"""The sandbox in small: levels, the canary, what is named missing, faults of the machine; attacks stand in tests/attacks."""

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from grader.check import Options
from grader.errors import SandboxError, WorkerFault
from grader.suite import runner
from grader.worker import landlock, launch, layers, sandbox, selftest, syscalls
from grader.worker.layers import Limits
from tests import toy
from tests.attacks import bending

LINUX = sys.platform == "linux"
needs_linux = pytest.mark.skipif(not LINUX, reason="`strict` is Linux's")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("toy"))


def grade(root, *arguments, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "GRADE_SANDBOX")}
    (root / "toy.py").write_text(toy.HONEST)
    return subprocess.run([sys.executable, "-m", "grader", "-C", str(root), *arguments, "--file", str(root / "toy.py")] if arguments[0] == "run" else
                          [sys.executable, "-m", "grader", *arguments], env=kept | environment, capture_output=True, text=True)


# -- levels ------------------------------------------------------------------------------------------------------------


@needs_linux
def test_a_submission_gets_the_same_report_at_every_level(root):
    reports = {level: toy.mark(root, toy.HONEST, options=Options(level=level))[0] for level in ("strict", "available", "off")}
    assert {r.score for r in reports.values()} == {100}
    assert {level: r.sandbox.level for level, r in reports.items()} == {level: level for level in reports}
    assert reports["strict"].sandbox.missing == () == reports["off"].sandbox.missing


@needs_linux
def test_run_is_strict_under_ci_and_available_elsewhere_and_a_learner_reads_nothing_of_it(root):
    assert json.loads(grade(root, "run", "toy", "--format", "json", CI="true").stdout)["sandbox"] == {"level": "strict", "missing": []}
    page = grade(root, "run", "toy").stdout
    assert "100" in page and "sandbox" not in page.lower() and "landlock" not in page.lower()


def test_the_default_level_follows_ci(monkeypatch):
    from grader.cli.run import default_level

    for value, level in (("true", "strict"), ("1", "strict"), ("false", "available"), ("", "available")):
        monkeypatch.setenv("CI", value)
        assert default_level() == level
    monkeypatch.delenv("CI")
    assert default_level() == "available"


@needs_linux
def test_spawned_workers_reach_strict_too(root, monkeypatch):
    monkeypatch.setenv("GRADE_WORKERS", "spawn")
    assert toy.mark(root, toy.HONEST, options=Options(level="strict"))[0].score == 100


@needs_linux
def test_a_layer_that_cannot_be_set_is_exit_8_with_its_name_at_strict_and_named_missing_at_available(root, monkeypatch):
    bending.bend(monkeypatch, prove=True, fail=[[landlock.RESTRICT_SELF, errno.EPERM, None, None]])
    with pytest.raises(SandboxError, match="not reached: landlock .*Nothing was marked.*--sandbox available") as refused:
        toy.mark(root, toy.HONEST, options=Options(level="strict"))
    assert refused.value.exit_code == 8
    report = toy.mark(root, toy.HONEST, options=Options(level="available"))[0]
    assert report.score == 100 and report.sandbox.missing == ("landlock",)


def test_platforms_without_the_layers_name_them_missing_instead_of_failing(monkeypatch):
    """As on macOS: no Linux calls at all."""
    monkeypatch.setattr(layers.kernel.libc, "cache_clear", lambda: None, raising=False)
    monkeypatch.setattr(layers.kernel, "libc", lambda: (_ for _ in ()).throw(OSError(errno.ENOSYS, "darwin has no such system call")))
    kit = sandbox.prepare(("numpy",))
    assert kit.ruleset is None and "landlock" in kit.faults
    done = {"descriptors": lambda room: None, "session": lambda room: None, "environment": lambda room: None, "identity": lambda room: None, "resources": lambda room: None}
    monkeypatch.setattr(sandbox, "LAYERS", sandbox.LAYERS | done)
    monkeypatch.setattr(layers.seccomp.kernel, "prctl", lambda *a, **k: layers.kernel.libc())
    missing = sandbox.enter(sandbox.Room("available", Limits(10, 512), kit, (0, 1, 2)))
    assert [layer for layer, _ in missing] == ["parent death", "no new privileges", "not dumpable", "landlock", "seccomp"]
    with pytest.raises(sandbox.LayerFailed, match="parent death"):
        sandbox.enter(sandbox.Room("strict", Limits(10, 512), kit, (0, 1, 2)))


def test_where_strict_cannot_be_had_both_ways_out_are_said(monkeypatch):
    from grader.worker.client import not_reached

    monkeypatch.setattr(sys, "platform", "darwin")
    told = str(not_reached("landlock", "darwin has no such system call"))
    assert "docker run" in told and "--sandbox available" in told and "does not stop" in told and "landlock" in told


# -- the canary --------------------------------------------------------------------------------------------------------


@needs_linux
@pytest.mark.parametrize("layer", ["landlock", "seccomp", "resources"])
def test_a_canary_that_gets_out_refuses_to_mark(root, monkeypatch, layer):
    bending.bend(monkeypatch, prove=True, without=[layer])
    with pytest.raises(SandboxError, match=f"not reached: {layer} .the self-test found that"):
        toy.mark(root, toy.HONEST, options=Options(level="strict"))


@needs_linux
def test_every_probe_of_the_canary_succeeds_where_nothing_is_given_up(monkeypatch, tmp_path):
    """A probe that cannot succeed proves nothing."""
    bending.bend(monkeypatch, without=list(sandbox.LAYERS), leak=["x"])
    with bending.worker(selftest.CANARY) as started:
        planted = tmp_path / "planted"
        planted.write_text("x")
        about = ([str(planted)], str(tmp_path), [os.getpid()], 64, 4)
        found = bending.ask(started, "succeeded", list(selftest.PROBES), *about).value
    assert set(selftest.PROBES) - set(found) <= ({"be_root"} if os.geteuid() else set())


@needs_linux
def test_tests_that_lie_where_workers_may_read_are_noticed(monkeypatch):
    import numpy

    zygote = launch.launcher("numpy", ("numpy",))
    try:
        with pytest.raises(SandboxError, match="landlock"):
            selftest.prove(zygote, Limits(10, 512), (numpy.__file__,))
    finally:
        zygote.close()


def test_no_granted_path_holds_this_package_or_all_packages():
    if not LINUX:
        pytest.skip("no rules elsewhere")
    granted = [os.path.realpath(path) for path, rights in landlock.readable(("numpy",)) if rights & landlock.READ_FILE]
    for secret in (os.path.dirname(layers.__file__), pytest.__file__, __file__):
        assert not [g for g in granted if os.path.realpath(secret).startswith(g + os.sep)]
    assert any(g.endswith("numpy") for g in granted)
    with pytest.raises(OSError, match="open the grader itself"):
        landlock.readable(("numpy", "grader"))


@needs_linux
@pytest.mark.parametrize("level", ["strict", "available"])
def test_what_the_exercise_allows_can_be_imported_late_and_nothing_else(root, level):
    late = """
    def double(x):
        import numpy.testing, numpy.polynomial, json, decimal, hashlib, bz2, statistics
        numpy.testing.assert_allclose(x, x)
        return 2 * x
    def norm(x):
        import scipy.linalg
        return scipy.linalg.norm(x)
    """
    report = toy.mark(root, late, options=Options(level=level))[0]
    tests = {t.id: t for t in report.tests}
    assert tests["test_double"].verdict == "passed", tests["test_double"].finding
    assert "`scipy` is not part of this exercise" in tests["test_norm"].finding.message


# -- faults of the machine ---------------------------------------------------------------------------------------------


def kills_zygote(monkeypatch, times: int):
    """The zygote dies during the first `times` calls."""
    real, left = runner.Worker.ask, [times]

    def ask(self, request, deadline):
        if left[0]:
            left[0] -= 1
            self.process.zygote.process.kill()
            self.process.zygote.process.wait()
        return real(self, request, deadline)

    monkeypatch.setattr(runner.Worker, "ask", ask)


@needs_linux
@pytest.mark.parametrize("level", ["strict", "available"])
def test_a_zygote_that_dies_once_costs_nobody_anything(root, monkeypatch, level):
    toy.mark(root, toy.HONEST)
    alone = toy.timeless(toy.mark(root, toy.HONEST, options=Options(level=level))[0])
    kills_zygote(monkeypatch, 1)
    assert toy.timeless(toy.mark(root, toy.HONEST, options=Options(level=level))[0]) == alone


@needs_linux
def test_a_zygote_that_dies_while_the_reference_is_recorded_costs_nothing_either(tmp_path, monkeypatch):
    root = toy.course(tmp_path)
    kills_zygote(monkeypatch, 1)
    assert toy.mark(root, toy.HONEST)[0].score == 100


@needs_linux
def test_a_zygote_that_dies_again_is_exit_70_and_no_mark(root, monkeypatch):
    toy.mark(root, toy.HONEST)
    kills_zygote(monkeypatch, 2)
    with pytest.raises(WorkerFault) as fault:
        toy.mark(root, toy.HONEST)
    assert fault.value.exit_code == 70


@needs_linux
def test_a_zygote_that_dies_before_its_first_worker_is_replaced(root):
    from grader.check import mark_all
    from grader.course.course import find_course, load_course
    from grader.course.material import load

    warm = launch.launcher("numpy")
    warm.process.kill()
    warm.process.wait()
    reports = []
    mark_all(load(load_course(find_course(root)), "toy"), [toy.submission(toy.HONEST)], Options(level="strict"), reports.append, warm)
    assert reports[0].score == 100


@needs_linux
def test_a_parent_that_is_gone_is_the_machines_fault_not_the_students():
    zygote = launch.launcher("numpy")
    worker = zygote.worker(Limits(10, 512), "strict")
    worker.load((("s.py", "import time\ndef f():\n    time.sleep(5)\n"),), ("numpy",), time.monotonic() + 20)
    zygote.process.kill()
    zygote.process.wait()
    with pytest.raises(WorkerFault):
        bending.ask(worker, "f", deadline_s=3)
    zygote.close()


# -- doctor ------------------------------------------------------------------------------------------------------------


@needs_linux
def test_doctor_lists_every_layer_and_proves_strict(root):
    done = grade(root, "doctor", "--sandbox", "strict")
    assert done.returncode == 0 and "sandbox strict" in done.stdout
    assert all(layer in done.stdout for layer in sandbox.LAYERS)


def test_the_doctors_table_and_the_probes_know_the_same_layers():
    from grader.cli.doctor import LAYERS

    assert list(LAYERS) == list(sandbox.LAYERS)
    assert {layer for layer, _ in selftest.PROBES.values()} <= set(sandbox.LAYERS)


@needs_linux
def test_doctor_is_exit_8_where_strict_is_not_reached(monkeypatch, capsys):
    from click.testing import CliRunner

    from grader.cli.doctor import doctor

    bending.bend(monkeypatch, prove=True, fail=[[landlock.RESTRICT_SELF, errno.ENOSYS, None, None]])
    done = CliRunner().invoke(doctor, ["--sandbox", "strict"])
    assert done.exit_code == 8 and "missing: Function not implemented" in done.stdout.replace("landlock_restrict_self: ", "")
    assert CliRunner().invoke(doctor, []).exit_code == 0


def test_both_tables_of_system_calls_can_be_read():
    for machine in syscalls.AUDIT_ARCH:
        numbers = list((syscalls.always_allowed(machine) | syscalls.conditional(machine)).values())
        assert len(numbers) == len(set(numbers)) > 70
