"""Exercises whose code is torch's: tests stay numpy, modules stay in the worker, and all of it works at `strict`."""

import pytest

from grader.check import Options
from tests import toy

pytest.importorskip("torch")

REFERENCE = '''
import torch
from torch import nn


class Net(nn.Module):
    """Two layers: x (N, D) -> (N, K)."""

    # BEGIN SOLUTION
    def __init__(self, d, k):
        super().__init__()
        self.fc = nn.Linear(d, 5)
        self.out = nn.Linear(5, k, bias=False)

    def forward(self, x):
        return self.out(torch.tanh(self.fc(x)))
    # END SOLUTION


def power(x):
    """Sum of cubes: x (N, D) -> scalar."""
    # BEGIN SOLUTION
    return (x ** 3).sum()
    # END SOLUTION


def gradient(x):
    """Gradient of `power`: x (N, D), a leaf -> (N, D)."""
    # BEGIN SOLUTION
    power(x).backward()
    return x.grad
    # END SOLUTION


def make_optimiser(net):
    # BEGIN SOLUTION
    return torch.optim.SGD(net.parameters(), lr=0.1)
    # END SOLUTION


def train_step(net, optimiser, x, y):
    """One step of gradient descent on the mean squared error; returns the loss."""
    # BEGIN SOLUTION
    optimiser.zero_grad()
    loss = ((net(x) - y) ** 2).mean()
    loss.backward()
    optimiser.step()
    return loss
    # END SOLUTION
'''
TESTS = '''
import numpy as np

from grader.testing import assert_close, leaf, part, public


def weights(rng):
    return {"fc.weight": rng.standard_normal((5, 3)), "fc.bias": rng.standard_normal(5), "out.weight": rng.standard_normal((2, 5))}


def as_float32(values):
    return {name: value.astype(np.float32) for name, value in values.items()}


@part("net")
@public
def test_forward(student, reference, rng):
    """The outputs for given weights."""
    w, x = as_float32(weights(rng)), rng.standard_normal((4, 3)).astype(np.float32)
    mine, theirs = student.Net(3, 2), reference.Net(3, 2)
    mine.load_state_dict(w)
    theirs.load_state_dict(w)
    assert_close(mine(x), theirs(x), rtol=1e-5, why="float32")


@part("net")
def test_state(student, reference, rng):
    """Names and values of the parameters after a step."""
    w, x, y = as_float32(weights(rng)), rng.standard_normal((6, 3)).astype(np.float32), rng.standard_normal((6, 2)).astype(np.float32)
    states = []
    for side in (student, reference):
        net = side.Net(3, 2)
        net.load_state_dict(w)
        side.train_step(net, side.make_optimiser(net), x, y)
        states.append(net.state_dict())
    assert_close([states[0][name] for name in sorted(states[1])], [states[1][name] for name in sorted(states[1])], rtol=1e-5, why="float32")


@part("gradient")
@public
def test_leaf(student, reference, rng):
    """The gradient that backward leaves."""
    x = rng.standard_normal((3, 2))
    assert_close(student.gradient(leaf(x)), reference.gradient(leaf(x)))


@part("step")
@public
def test_step(student, reference, rng):
    """Loss, gradient and weights of one step."""
    w, x, y = as_float32(weights(rng)), rng.standard_normal((4, 3)).astype(np.float32), rng.standard_normal((4, 2)).astype(np.float32)
    ends = []
    for side in (student, reference):
        net = side.Net(3, 2)
        net.load_state_dict(w)
        loss = side.train_step(net, side.make_optimiser(net), x, y)
        ends.append((loss, net.fc.weight.grad, net.fc.weight, net.state_dict()["out.weight"]))
    assert_close(ends[0], ends[1], rtol=1e-5, why="float32", names=("loss", "gradient", "weight", "out"))
'''
SETTINGS = 'title = "Torch"\nframework = "torch"\n[limits]\ndeadline_s = 10.0\ncpu_s = 60\nmemory_mib = 4096\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("torch"), reference=REFERENCE, tests=TESTS, settings=SETTINGS, slug="toy")


def test_modules_leaves_states_and_steps_work_at_strict_and_wrong_ones_are_told(root):
    own = REFERENCE.replace("torch.tanh(self.fc(x))", "self.fc(x).tanh()").replace("x ** 3", "x * x * x")
    wrong_step = REFERENCE.replace("lr=0.1", "lr=0.2")
    wrong_net = REFERENCE.replace("torch.tanh", "torch.relu")
    reports = toy.mark(root, REFERENCE, own, wrong_step, wrong_net, options=Options(level="strict"))
    assert [r.score for r in reports[:2]] == [100, 100], [t.finding for r in reports for t in r.tests]
    assert [t.id for t in reports[2].tests if t.verdict != "passed"] == ["test_state", "test_step"]
    assert {t.id for t in reports[3].tests if t.verdict != "passed"} == {"test_forward", "test_state", "test_step"}
    assert reports[0].remarks == reports[1].remarks == ()
    assert all(r.sandbox.missing == () for r in reports)
