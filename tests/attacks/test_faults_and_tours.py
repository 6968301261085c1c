"""Layers that cannot be set refuse to mark; the filter has right numbers; honest numpy and torch code meets no denied call."""

import ctypes
import errno
import os
import platform

import pytest

from grader.check import Options
from grader.errors import SandboxError
from grader.worker import seccomp, syscalls
from grader.worker.client import Ended
from tests import toy
from tests.attacks import bending

pytestmark = [pytest.mark.slow, pytest.mark.skipif(platform.system() != "Linux", reason="the layers are Linux's")]

NUMBERS = {"x86_64": {"setsid": 112, "chdir": 80, "setresuid": 117, "capset": 126, "prctl": 157, "prlimit64": 302, "close": 3},
           "aarch64": {"setsid": 157, "chdir": 49, "setresuid": 147, "capset": 91, "prctl": 167, "prlimit64": 261, "close": 57}}.get(platform.machine(), {})
CREATE_RULESET, ADD_RULE, RESTRICT_SELF, CLOSE_RANGE = 444, 445, 446, 436
FAULTS = {  # layer, or layer: which call -> calls that fail: (number or name, argument index, its value)
    "descriptors": [(CLOSE_RANGE, None, None), ("close", 0, "control")],
    "session": [("setsid", None, None)],
    "environment": [("chdir", None, None)],
    "identity": [("setresuid" if os.geteuid() == 0 else "capset", None, None)],
    "parent death": [("prctl", 0, 1)],
    "resources": [("prlimit64", None, None)],
    "no new privileges": [("prctl", 0, 38)],
    "not dumpable": [("prctl", 0, 4)],
    "landlock": [(CREATE_RULESET, None, None)],
    "landlock: its rules": [(ADD_RULE, None, None)],
    "landlock: set": [(RESTRICT_SELF, None, None)],
    "seccomp": [("prctl", 0, 22)],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("toy"))


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM", "EINVAL"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_layer_that_cannot_be_set_is_exit_8_and_named(root, monkeypatch, fault, error):
    rules = [[NUMBERS.get(call, call), getattr(errno, error), index, value] for call, index, value in FAULTS[fault]]
    bending.bend(monkeypatch, prove=True, fail=rules)
    with pytest.raises(SandboxError, match=f"not reached: {fault.partition(':')[0]} ") as refused:
        toy.mark(root, toy.HONEST, options=Options(level="strict"))
    assert refused.value.exit_code == 8


@pytest.mark.parametrize("fault", ["landlock", "seccomp", "parent death"])
def test_available_goes_on_and_names_the_missing_layer(root, monkeypatch, fault):
    rules = [[NUMBERS.get(call, call), errno.EPERM, index, value] for call, index, value in FAULTS[fault]]
    bending.bend(monkeypatch, fail=rules)
    report = toy.mark(root, toy.HONEST, options=Options(level="available"))[0]
    assert report.score == 100 and report.sandbox.missing == (fault,)


@pytest.mark.parametrize("layer", ["descriptors", "environment", "identity", "resources", "landlock", "seccomp"])
def test_the_self_test_notices_a_layer_that_is_silently_gone(root, monkeypatch, layer):
    if layer == "identity" and os.geteuid() != 0:
        pytest.skip("nothing to give up")
    bending.bend(monkeypatch, prove=True, without=[layer])
    with pytest.raises(SandboxError, match=f"not reached: {layer} "):
        toy.mark(root, toy.HONEST, options=Options(level="strict"))


# -- the filter's numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", syscalls.AUDIT_ARCH)
def test_system_calls_have_the_numbers_that_libseccomp_knows(machine):
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    table = syscalls.always_allowed(machine) | syscalls.conditional(machine)
    known = {name: resolve(syscalls.AUDIT_ARCH[machine], name.encode()) for name in table}
    assert table == known
    absent = set(syscalls.always_allowed("x86_64")) - set(table)
    assert all(resolve(syscalls.AUDIT_ARCH[machine], name.encode()) < 0 for name in absent)


def test_the_programs_jumps_stay_inside_and_every_path_ends_in_a_return():
    import struct

    for machine in syscalls.AUDIT_ARCH:
        program = seccomp.build(machine)
        code = [struct.unpack_from("<HBBI", program, k) for k in range(0, len(program), 8)]
        assert len(code) < 4096 and code[-1][0] == seccomp.RETURN
        for k, (operation, yes, no, _) in enumerate(code):
            if operation in (seccomp.JUMP_EQUAL, seccomp.JUMP_AT_LEAST):
                assert k + 1 + max(yes, no) < len(code)


# -- tours ---------------------------------------------------------------------------------------------------------------

NUMPY_TOUR = '''
import numpy as np, math, random, itertools, functools, collections, copy, dataclasses, typing, time, json, re, statistics, fractions, decimal
import heapq, bisect, string, textwrap, operator, warnings, contextlib, abc, enum, hashlib, io, threading


def tour():
    rng = np.random.default_rng(7)
    a = rng.standard_normal((60, 60))
    made = [np.linalg.svd(a)[1], np.linalg.eigvalsh(a @ a.T), np.linalg.solve(a, a[0]), np.linalg.qr(a)[1], np.linalg.inv(a), np.linalg.norm(a),
            np.fft.fft2(a).real, np.fft.irfft(np.fft.rfft(a[0])), np.einsum("ij,jk,kl->il", a, a, a, optimize=True), np.polynomial.polynomial.polyfit(a[0], a[1], 2),
            np.lib.stride_tricks.sliding_window_view(a, (3, 3)).sum((2, 3)), np.pad(a, 2, mode="reflect"), np.sort(a), np.unique(a.round()), np.random.rand(3),
            np.random.RandomState(0).permutation(9), rng.permutation(9), rng.choice(5, 3), np.histogram(a)[0], np.convolve(a[0], a[1]), np.kron(a[:3], a[:3]),
            np.tensordot(a, a, 1), np.percentile(a, 30), np.cov(a), np.meshgrid(a[0], a[1])[0], np.apply_along_axis(sum, 0, a), np.vectorize(math.sin)(a)]
    big = np.ones((1500, 1500))
    made.append(big @ big)
    np.testing.assert_allclose(a, a)
    with np.errstate(all="raise"), warnings.catch_warnings():
        made.append(np.exp(-abs(a)))
    print(a, flush=True)
    np.savetxt(io.StringIO(), a[:2])
    thread = threading.Thread(target=made.append, args=(a,))
    thread.start()
    thread.join()
    time.sleep(0.001)
    return all(np.isfinite(m).all() for m in made)
'''
TORCH_TOUR = '''
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.lstm, self.out = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.LSTM(16, 8, batch_first=True), nn.Linear(8, 3)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        h, _ = self.lstm(x.flatten(2))
        return self.out(self.drop(h[:, -1]))


def tour():
    torch.manual_seed(0)
    ends = []
    for optimiser in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop):
        net = Net()
        step = optimiser(net.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.StepLR(step, 1)
        x, y = torch.randn(5, 1, 8, 8), torch.tensor([0, 1, 2, 0, 1])
        for _ in range(3):
            step.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            step.step()
            schedule.step()
        ends.append(loss.item())
        copy = Net()
        copy.load_state_dict(net.state_dict())
        with torch.no_grad():
            copy.eval()(x)
    a = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: (t @ t).tanh().sum(), (a,))
    torch.autograd.grad((a ** 3).sum(), a, create_graph=True)[0].sum().backward()
    q, _ = torch.linalg.qr(a.detach())
    attention = nn.MultiheadAttention(8, 2)(torch.randn(3, 2, 8), torch.randn(3, 2, 8), torch.randn(3, 2, 8))[0]
    torch.fft.rfft(torch.randn(16)), torch.einsum("ij,jk->ik", q, q), torch.randn(600, 600) @ torch.randn(600, 600)
    nn.Sequential(nn.ConvTranspose2d(2, 2, 3), nn.AvgPool2d(2), nn.GRU(3, 3))[:2](torch.randn(1, 2, 4, 4))
    print(net, attention.shape)
    return bool(torch.isfinite(torch.tensor(ends)).all())
'''


def test_a_denied_call_would_end_a_tour(monkeypatch):
    bending.bend(monkeypatch, kill=True)
    with bending.worker("import os\ndef tour():\n    os.getpgid(0)\n") as started, pytest.raises(Ended, match="SIGSYS"):
        bending.ask(started, "tour")


def test_a_tour_of_numpy_meets_no_denied_call(monkeypatch):
    bending.bend(monkeypatch, kill=True)
    assert bending.run(NUMPY_TOUR, "tour") is True


def test_a_tour_of_torch_meets_no_denied_call(monkeypatch):
    pytest.importorskip("torch")
    bending.bend(monkeypatch, kill=True)
    assert bending.run(TORCH_TOUR, "tour", framework="torch", allowed=("numpy", "torch"), limits=bending.Limits(60, 4096)) is True
