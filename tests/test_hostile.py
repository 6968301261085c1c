"""Hostile basics: each between two honest submissions in one session; the honest reports stay as they are alone."""

import pytest

from tests import toy

HOSTILE = {
    # name: (source of `double` or whole file, verdict of the submission, verdict of test_double)
    "python loop": ("def double(x):\n    while True: pass\n", "stopped", "timeout"),
    "loop inside numpy": ("import numpy as np\ndef double(x):\n    a = np.ones((70, 70, 70, 70))\n    return np.einsum('abcd,bcda,cdab,dabc,efgh->a', a, a, a, a, a)\n",
                          "stopped", "timeout"),
    "sleep": ("import time\ndef double(x):\n    time.sleep(1e9)\n", "stopped", "timeout"),
    "loop at import": ("while True: pass\n", "stopped", "timeout"),
    "_exit at import": ("import os\nos._exit(0)\n", "stopped", "crashed"),
    "_exit in a call": ("import os\ndef double(x):\n    os._exit(0)\n", "stopped", "crashed"),
    "segfault": ("import ctypes\ndef double(x):\n    ctypes.string_at(0)\n", "stopped", "crashed"),
    "SystemExit": ("def double(x):\n    raise SystemExit(0)\n", "failed", "raised"),
    "SystemExit at import": ("raise SystemExit(0)\n", "failed", "blocked"),
    "KeyboardInterrupt": ("def double(x):\n    raise KeyboardInterrupt\n", "failed", "raised"),
    "8 GiB": ("import numpy as np\ndef double(x):\n    return np.ones((1 << 30,))\n", "failed", "raised"),
    "AssertionError": ("def double(x):\n    raise AssertionError('10 passed')\n", "failed", "raised"),
    "hostile __str__": ("class E(Exception):\n    def __str__(self): raise E\ndef double(x):\n    raise E\n", "failed", "raised"),
    "its own __eq__": ("class Yes:\n    def __eq__(self, o): return True\n    def __array__(self, *a, **k): raise TypeError\n    __array_ufunc__ = None\ndef double(x):\n    return Yes()\n",
                       "failed", "wrong"),
    "array subclass": ("import numpy as np\nclass A(np.ndarray):\n    def __eq__(self, o): return True\n    def __sub__(self, o): return 0\ndef double(x):\n    return x.view(A)\n",
                       "failed", "wrong"),
    "NaN": ("def double(x):\n    return x * float('nan')\n", "failed", "wrong"),
    "empty": ("def double(x):\n    return x[:0]\n", "failed", "wrong"),
    "broadcast": ("def double(x):\n    return x[:1, :1]\n", "failed", "wrong"),
    "objects": ("def double(x):\n    return x.astype(object)\n", "failed", "wrong"),
    "too large": ("import numpy as np\ndef double(x):\n    return np.zeros((1 << 24,))\n", "failed", "wrong"),
    "huge view": ("import numpy as np\ndef double(x):\n    return np.broadcast_to(x[:1, :1], (1 << 20, 1 << 20))\n", "failed", "wrong"),
    "deep nesting": ("def double(x):\n    a = []\n    for _ in range(10000): a = [a]\n    return a\n", "failed", "wrong"),
    "generator of handles": ("class N: pass\ndef double(x):\n    return [N() for _ in range(5000)]\n", "failed", "wrong"),
    "every descriptor": ("import os\ndef double(x):\n    for fd in range(64):\n        try: os.write(fd, b'GRD1' + b'x' * 100)\n        except OSError: pass\n    return 2 * x\n",
                         "stopped", "violation"),
    "closes everything": ("import os\ndef double(x):\n    os.closerange(0, 64)\n    return 2 * x\n", "stopped", "crashed"),
    "pytest tricks": ("import sys\nfor m in list(sys.modules):\n    if 'pytest' in m or 'grader' in m: raise SystemExit\ndef double(x):\n    import pytest\n    pytest.skip('x')\n",
                      "failed", "raised"),
}
REST = "\ndef norm(x):\n    import numpy\n    return float(numpy.linalg.norm(x))\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def alone(root):
    return toy.timeless(toy.mark(root, toy.HONEST)[0])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_costs_only_itself(root, alone, name):
    source, verdict, of_test = HOSTILE[name]
    before, hostile, after = toy.mark(root, toy.HONEST, source + REST, toy.HONEST)
    assert toy.timeless(before) == alone and toy.timeless(after) == alone
    assert hostile.verdict == verdict
    test = next(t for t in hostile.tests if t.id == "test_double")
    assert test.verdict == of_test, test.finding
    assert all(t.score == 0 for t in hostile.tests if t.part == "double")


def test_other_functions_are_judged_after_one_of_them_never_returned(root):
    report = toy.mark(root, HOSTILE["python loop"][0] + REST)[0]
    assert next(t for t in report.tests if t.id == "test_norm").verdict == "passed"
    late = next(t for t in report.tests if t.id == "test_double_hidden")
    assert late.verdict == "timeout" and "earlier" in late.finding.message and late.duration_s == 0


def test_a_flood_of_prints_is_cut_and_counted(root, alone):
    flood = "def double(x):\n    for _ in range(40000): print('all tests passed ' * 4)\n    return 2 * x\n"
    before, flooded, after = toy.mark(root, toy.HONEST, flood + REST, toy.HONEST)
    test = next(t for t in flooded.tests if t.id == "test_double")
    assert toy.timeless(before) == toy.timeless(after) == alone
    assert test.verdict == "passed" and len(test.output.text) <= 64 << 10 and test.output.truncated > 1_000_000


def test_threads_left_behind_die_with_their_worker(root, alone):
    spin = "import threading\ndef spin():\n    while True: pass\nfor _ in range(4): threading.Thread(target=spin, daemon=False).start()\n"
    before, threads, after = toy.mark(root, toy.HONEST, spin + toy.HONEST, toy.HONEST)
    assert toy.timeless(before) == toy.timeless(after) == alone
    assert threads.verdict in ("passed", "stopped")  # its own time is its own affair


def test_hidden_inputs_cannot_travel_through_a_public_test(root):
    """What hidden calls saw is gone when the worker of the public tests runs, and the other way round."""
    thief = """
    import numpy as np
    seen = []
    def double(x):
        seen.append(x.copy())
        print("SEEN", [s.shape for s in seen])
        return 2 * x
    def norm(x):
        print("SEEN", [s.shape for s in seen])
        return float(np.linalg.norm(x))
    """
    report = toy.mark(root, thief)[0]
    from grader.record.audience import for_students
    from grader.render.json import to_json

    told = to_json(for_students(report))
    assert "(2, 7)" not in told and "(5, 7)" not in told
    assert "(1, 4)" in told


def test_what_hidden_tests_printed_raised_or_returned_is_not_in_a_students_report(root):
    loud = "def double(x):\n    print('HIDDEN', x.shape, x)\n    if x.shape[1] == 7: raise ValueError(f'LEAK {x.shape} {x[0, 0]}')\n    return 2 * x\n"
    report = toy.mark(root, loud + REST)[0]
    from grader.record.audience import for_students
    from grader.render.json import to_json

    told = to_json(for_students(report))
    assert "LEAK" not in told and "(2, 7)" not in told and "test_double_hidden" not in told
    assert "LEAK" in to_json(report)  # staff sees it
