"""The engine's promises, on a toy course: replay, author's errors, salvage, gating, points, determinism."""

import os
import random
import signal
import subprocess
import sys
from textwrap import dedent

import msgspec
import pytest

from grader.check import Options
from grader.course.course import find_course, load_course
from grader.course.material import load
from grader.errors import CourseError
from tests import toy

WRONG = "def double(x):\n    return 3 * x\n" + "def norm(x):\n    return float((x * x).sum() ** 0.5)\n"
HEAD = "import numpy as np\nimport pytest\nfrom grader.testing import assert_close, assert_raises, assert_speed, assert_unchanged, part, points, public, secondary, chain\n"
VALUES = '''
@part("double")
@public
def test_double(student, reference, rng):
    """Twice."""
    x = rng.standard_normal((3, 4))
    assert_close(student.double(x), reference.double(x))
'''


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return toy.course(tmp_path_factory.mktemp("toy"))


def author_error(tmp_path, tests, *submissions, reference=toy.REFERENCE):
    """The message of the CourseError that these tests end in."""
    with pytest.raises(CourseError) as caught:
        toy.mark(toy.course(tmp_path, tests=HEAD + VALUES + dedent(tests), reference=reference), *(submissions or (toy.HONEST,)))
    return str(caught.value)


# -- marks -------------------------------------------------------------------------------------------------------------


def test_the_reference_gets_all_points_twice_with_equal_reports(root):
    source = (root / "solutions" / "toy" / "toy.py").read_text()
    first, second = toy.mark(root, source)[0], toy.mark(root, source)[0]
    assert first.score == first.max_score == first.points_total == 100 and first.verdict == "passed"
    assert toy.timeless(first) == toy.timeless(second)


def test_a_stub_scores_nothing_and_is_not_attempted(root):
    stub = "def double(x):\n    raise NotImplementedError('TODO: double')\ndef norm(x):\n    raise NotImplementedError('TODO: norm')\n"
    report = toy.mark(root, stub)[0]
    assert (report.score, report.verdict) == (0, "not_attempted")
    assert {t.verdict for t in report.tests} <= {"not_attempted", "blocked"}


def test_points_of_tests_sum_to_the_parts_points_exactly(tmp_path):
    tests = "".join(VALUES.replace("test_double", f"test_double_{k}") for k in range(7))
    settings = toy.SETTINGS + '[[parts]]\nname = "double"\npoints = 100\n'
    report = toy.mark(toy.course(tmp_path, tests=HEAD + tests, settings=settings), toy.HONEST)[0]
    assert sum(round(t.max_score * 100) for t in report.tests) == 10_000 and report.score == 100


def test_points_per_case_are_shared_and_otherwise_all_cases_must_pass(tmp_path):
    cases = '@pytest.mark.parametrize("n", [1, 2, 3, 4])\ndef test_{}(student, reference, rng, n):\n    """N."""\n    x = rng.standard_normal((n, 3))\n    assert_close(student.double(x), reference.double(x))\n'
    tests = HEAD + '@part("shared")\n@points(1, per_case=True)\n' + cases.format("shared") + '@part("whole")\n' + cases.format("whole")
    only_small = "def double(x):\n    return 2 * x if len(x) < 4 else x\n"
    report = toy.mark(toy.course(tmp_path, tests=tests), only_small)[0]
    assert [(t.id, t.score, t.max_score) for t in report.tests] == [("test_shared", 37.5, 50), ("test_whole", 0, 50)]


def test_secondary_cases_and_the_chain_wait_for_the_values_of_their_functions(root):
    report = toy.mark(root, WRONG)[0]
    verdicts = {t.id: t.verdict for t in report.tests}
    assert verdicts["test_double_pure"] == verdicts["test_norm_of_double"] == "blocked"
    assert verdicts["test_norm"] == "passed"


def test_submissions_in_one_session_report_as_each_does_alone_in_any_order(root):
    submissions = [toy.HONEST, WRONG, "def double(x):\n    print('hi')\n    return (x * 2).astype('float32')\n", "x = 1\n",
                   "state = []\ndef double(x):\n    state.append(1)\n    return len(state) * x\n", "import numpy\n" + toy.HONEST]
    alone = [toy.timeless(toy.mark(root, s)[0]) for s in submissions]
    for seed in (1, 2):
        order = list(range(len(submissions)))
        random.Random(seed).shuffle(order)
        together = toy.mark(root, *(submissions[k] for k in order))
        assert [toy.timeless(r) for r in together] == [alone[k] for k in order]


def test_a_selection_runs_only_what_it_names_although_the_recording_holds_all(root):
    report = toy.mark(root, toy.HONEST, options=Options(part="norm"))[0]
    assert {t.part for t in report.tests} == {"norm"} and report.max_score == 50
    assert [t.id for t in toy.mark(root, toy.HONEST, options=Options(select="pure"))[0].tests] == ["test_double_pure"]


def test_another_seed_draws_other_hidden_inputs_and_the_same_public_ones(tmp_path):
    root = toy.course(tmp_path)
    course = load_course(find_course(root))
    from grader.check import mark_all

    asked = {}
    for seed in (None, 1):
        exercise = load(course, "toy", seed)
        mark_all(exercise, [toy.submission(toy.HONEST)], Options(seed=seed), lambda r: None)
        asked[seed] = {name: item.student[0].digest for name, item in exercise.recorded().items.items() if item.student}
    assert asked[None]["test_double[3]"] == asked[1]["test_double[3]"]
    assert asked[None]["test_double_hidden[5]"] != asked[1]["test_double_hidden[5]"]


# -- salvage and fairness ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("junk", ["print 'hello'\n", "import nothing_like_this\n", "1 / 0\n", "def helper(:\n    pass\n", "x = (\n", "'''open",
                                  "raise SystemExit\n", "print(double(3).shape\n"])
@pytest.mark.parametrize("place", ["top", "bottom"])
def test_a_bad_line_outside_the_functions_costs_nothing_and_is_named(root, junk, place):
    text = junk + "\n" + toy.HONEST if place == "top" else toy.HONEST + "\n" + junk
    if place == "top" and junk == "'''open":
        pytest.skip("an open text swallows the whole file")
    report = toy.mark(root, text)[0]
    assert report.score == 100, [t.finding for t in report.tests]
    assert len(report.remarks) == 1


def test_only_a_function_that_uses_a_left_out_import_fails_and_is_told_why(root):
    text = "import torch\nimport numpy as np\ndef double(x):\n    return torch.tensor(x) * 2\ndef norm(x):\n    return float(np.linalg.norm(x))\n"
    report = toy.mark(root, text)[0]
    tests = {t.id: t for t in report.tests}
    assert tests["test_norm"].verdict == "passed" and tests["test_double"].verdict == "raised"
    assert tests["test_double"].finding.message == "`torch` is not part of this exercise: the point is to write it"
    assert [r.kind for r in report.remarks] == ["left_out"]


def test_a_function_lost_to_a_syntax_error_blocks_its_tests_and_names_the_line(root):
    report = toy.mark(root, "def double(x)\n    return 2 * x\n" + toy.HONEST.split("def norm")[1].join(["def norm", ""]))[0]
    finding = next(t for t in report.tests if t.id == "test_double").finding
    assert finding.kind == "not_loaded" and "line 1" in finding.message and report.verdict == "failed"


def test_a_result_that_is_a_view_or_not_contiguous_is_right(root):
    report = toy.mark(root, "import numpy as np\ndef double(x):\n    big = np.zeros((x.shape[1], 2 * x.shape[0]))\n    big[:, ::2] = 2 * x.T\n    return big[:, ::2].T\n"
                            "def norm(x):\n    return np.float64((x ** 2).sum() ** .5)\n")[0]
    assert report.score == 100


def test_changing_an_argument_costs_only_the_purity_test(root):
    report = toy.mark(root, "def double(x):\n    x *= 2\n    return x\n" + "def norm(x):\n    return float((x * x).sum() ** .5)\n")[0]
    assert [t.id for t in report.tests if t.verdict != "passed"] == ["test_double_pure"]


def test_kept_state_is_remarked(root):
    report = toy.mark(root, "n = 0\ndef double(x):\n    global n\n    n += 1\n    return 2 * x if n < 3 else n * x\n")[0]
    assert [r.kind for r in report.remarks] == ["state"]


# -- author's errors ---------------------------------------------------------------------------------------------------


def test_a_test_class_is_an_authors_error_with_its_line(tmp_path):
    message = author_error(tmp_path, '''
    class TestMore:
        @part("double")
        def test_more(self, student):
            """M."""
    ''')
    assert "stands in a class" in message and "test_toy.py:" in message


def test_an_exception_in_a_test_body_is_an_authors_error_with_its_line(tmp_path):
    message = author_error(tmp_path, '@part("double")\ndef test_bad(student, rng):\n    """B."""\n    student.double(rng.standard_normal((2, 2)))\n    1 / 0\n')
    assert "ZeroDivisionError" in message and "test_toy.py:15" in message


def test_feeding_the_reference_from_the_student_is_an_authors_error(tmp_path):
    message = author_error(tmp_path, '''
    @part("double")
    def test_fed(student, reference, rng):
        """F."""
        y = student.double(rng.standard_normal((3, 3)))
        assert_close(student.norm(y), reference.norm(y))
    ''')
    assert "`student` returned" in message and "test_toy.py:" in message


def test_an_argument_that_differs_on_replay_is_ungraded_and_never_a_zero(tmp_path):
    tests = HEAD + VALUES + "import os\n" + '@part("norm")\n@public\ndef test_norm(student, reference, rng):\n    """N."""\n' \
        "    x = rng.standard_normal((3, 3)) + os.getpid() * 1e-3\n    assert_close(student.norm(x), reference.norm(x))\n"
    root = toy.course(tmp_path, tests=tests)
    script = "import sys; from tests import toy; from pathlib import Path; toy.mark(Path(sys.argv[1]), toy.HONEST)"
    subprocess.run([sys.executable, "-c", script, str(root)], check=True)  # another process id
    report = toy.mark(root, toy.HONEST)[0]
    finding = next(t for t in report.tests if t.id == "test_norm").finding
    assert report.verdict == "ungraded" and "differ from those recorded" in finding.message and "test_toy.py:" in finding.message


def test_a_reference_that_fails_its_own_test_is_an_authors_error(tmp_path):
    assert "the reference does not pass its own test" in author_error(
        tmp_path, '@part("double")\ndef test_odd(student, rng):\n    """O."""\n    assert_close(student.double(rng.standard_normal((2, 2))), np.ones((2, 2)))\n')


def test_an_answer_among_the_arguments_of_an_earlier_call_is_an_authors_error(tmp_path):
    assert "argument of an earlier call" in author_error(tmp_path, '''
    @part("norm")
    def test_norm_first(student, reference, rng):
        """N."""
        y = reference.double(np.arange(9.0).reshape(3, 3))
        assert_close(student.norm(y), reference.norm(y))
    @part("double")
    def test_then(student, reference, rng):
        """T."""
        assert_close(student.double(np.arange(9.0).reshape(3, 3)), reference.double(np.arange(9.0).reshape(3, 3)))
    ''')


def test_a_value_case_whose_result_equals_its_argument_is_an_authors_error(tmp_path):
    reference = toy.REFERENCE.replace("return 2.0 * x", "return x.copy()")
    assert "equals one of its arguments" in author_error(tmp_path, "", reference=reference)


def test_a_secondary_test_without_a_value_test_is_an_authors_error(tmp_path):
    assert "no value test calls the same functions" in author_error(
        tmp_path, '@part("norm")\n@secondary\ndef test_pure(student, rng):\n    """P."""\n    assert_unchanged(student.norm, rng.standard_normal((2, 2)))\n')


def test_a_test_that_measures_time_must_be_hidden(tmp_path):
    assert "measures time and is public" in author_error(tmp_path, '''
    @part("double")
    @public
    def test_fast(student, reference, rng):
        """F."""
        assert_speed(student.double, reference.double, lambda: (rng.standard_normal((9, 9)),))
    ''')


@pytest.mark.parametrize("tests, word", [
    ("def test_nopart(student):\n    '''x'''\n", "no @part"), ('@part("double")\ndef test_untitled(student):\n    pass\n', "no docstring"),
    ('@part("double")\ndef test_silent(rng):\n    """S."""\n', "never calls"), ('@part("double")\n@points(0)\ndef test_p(student):\n    """P."""\n', "must be positive"),
    ("def broken(:\n", "do not load"), ('@part("double")\ndef test_f(student, nothing):\n    """F."""\n', "nothing"),
    ('@part("double")\ndef test_r(student, rng):\n    """R."""\n    rng.shuffle([1])\n', "rng.shuffle is not recorded"),
])
def test_a_malformed_test_is_an_authors_error_with_its_place(tmp_path, tests, word):
    message = author_error(tmp_path, tests)
    assert word in message and "test_toy.py" in message


def test_a_student_reply_of_another_shape_is_never_the_authors_error(tmp_path):
    tests = HEAD + VALUES + '@part("double")\n@public\ndef test_row(student, reference):\n    """R."""\n    x = np.arange(6.0).reshape(2, 3) + 1\n' \
        "    assert_close(student.double(x)[1, 2], reference.double(x)[1, 2])\n"
    report = toy.mark(toy.course(tmp_path, tests=tests), "def double(x):\n    return 2 * x[0]\n")[0]
    assert {t.id: t.verdict for t in report.tests}["test_row"] == "wrong" and report.verdict == "failed"


def test_a_student_reply_of_another_dtype_is_never_the_authors_error(tmp_path):
    tests = HEAD + VALUES + '@part("double")\n@public\ndef test_inverse(student, reference):\n    """I."""\n    x = np.diag([1.0, 2.0])\n' \
        "    assert_close(np.linalg.inv(student.double(x)), np.linalg.inv(reference.double(x)))\n"
    report = toy.mark(toy.course(tmp_path, tests=tests), toy.HONEST.replace("x + x", "(x + x).astype('float16')"))[0]
    test = {t.id: t for t in report.tests}["test_inverse"]
    assert test.verdict == "wrong" and "float16" in test.finding.message and report.verdict == "failed"


# -- two processes, portable workers -----------------------------------------------------------------------------------


def test_two_processes_may_fill_the_cache_at_once(tmp_path):
    root = toy.course(tmp_path)
    script = "import sys; from tests import toy; from pathlib import Path; print(toy.mark(Path(sys.argv[1]), toy.HONEST)[0].score)"
    running = [subprocess.Popen([sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [p.communicate()[0].strip() for p in running] == ["100.0"] * 3
    assert toy.mark(root, toy.HONEST)[0].score == 100
    assert not list((root / ".grade" / "cache").glob("*.tmp"))


def test_a_damaged_cache_is_made_anew(tmp_path):
    root = toy.course(tmp_path)
    toy.mark(root, toy.HONEST)
    for file in (root / ".grade" / "cache").iterdir():
        file.write_bytes(file.read_bytes()[:200])
    assert toy.mark(root, toy.HONEST)[0].score == 100


def test_spawned_workers_give_the_same_report_as_forked_ones(root, monkeypatch):
    submissions = (toy.HONEST, WRONG, "def double(x):\n    while True: pass\n", "import os\ndef double(x):\n    os._exit(3)\n")
    forked = [toy.timeless(r) for r in toy.mark(root, *submissions)]
    monkeypatch.setenv("GRADE_WORKERS", "spawn")
    spawned = [toy.timeless(r) for r in toy.mark(root, *submissions)]
    clear = lambda r: msgspec.structs.replace(r, sandbox=None)  # noqa: E731
    assert [clear(r) for r in spawned] == [clear(r) for r in forked]


def test_a_deadline_passed_while_the_worker_hardly_computed_is_tried_once_more(root):
    from grader.suite.runner import Runner
    from grader.worker.client import End, Ended

    runner = Runner(None, None, (), 1.0)
    for cpu_s, expected in ((0.1, True), (0.1, False)):
        runner.ended = Ended(End.TIMEOUT, "late", cpu_s)
        assert runner.may_retry() is expected
    for ended in (Ended(End.TIMEOUT, "late", 0.9), Ended(End.TIMEOUT, "late", 0.1, asleep=True), Ended(End.CRASHED, "dead")):
        runner.retried, runner.ended = False, ended
        assert not runner.may_retry()


@pytest.mark.skipif(sys.platform != "linux", reason="SIGSTOP stands in for a machine that does something else")
def test_a_worker_that_the_machine_holds_up_is_not_the_students_timeout(root, monkeypatch):
    """Every first call of `double` meets a stopped worker; the second try is free to run."""
    from grader.worker.client import Worker

    whole, stopped = Worker.ask, []

    def ask(self, request, deadline):
        if not stopped and b"double" in request[0]:
            stopped.append(self.process.pid)
            os.kill(self.process.pid, signal.SIGSTOP)
        return whole(self, request, deadline)

    monkeypatch.setattr(Worker, "ask", ask)
    assert toy.mark(root, toy.HONEST)[0].score == 100 and stopped


@pytest.mark.skipif(sys.platform != "linux", reason="only there it is known whether a worker sleeps")
@pytest.mark.parametrize("workers", ["fork", "spawn"])
def test_a_function_that_sleeps_is_called_once(root, monkeypatch, workers):
    from grader.worker.client import Worker

    toy.mark(root, toy.HONEST)  # the reference is recorded
    monkeypatch.setenv("GRADE_WORKERS", workers)
    whole, calls = Worker.ask, []
    monkeypatch.setattr(Worker, "ask", lambda self, request, deadline: calls.append(request[0]) or whole(self, request, deadline))
    toy.mark(root, "import time\ndef double(x):\n    time.sleep(60)\n")
    assert sum(b"double" in call for call in calls) == 1


FOUR = "abcd"
FOUR_REFERENCE = "".join(f"def {name}(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n\n\n" for name in FOUR)
FOUR_TESTS = HEAD + "".join(f'''

@part("{name}")
@public
def test_{name}(student, reference, rng):
    """It."""
    x = rng.standard_normal(3)
    assert_close(student.{name}(x), reference.{name}(x))
''' for name in FOUR)


def test_a_loop_that_functions_share_costs_hardly_more_than_two_deadlines(tmp_path):
    root = toy.course(tmp_path, reference=FOUR_REFERENCE, tests=FOUR_TESTS)
    shared = "def helper(x):\n    while True: pass\n" + "".join(f"def {name}(x):\n    return {'x' if name == 'd' else 'helper(x)'}\n" for name in FOUR)
    three, one = toy.mark(root, shared, shared.replace("def b(x):\n    return helper(x)", "def b(x):\n    return x").replace("def c(x):\n    return helper(x)", "def c(x):\n    return x"))
    assert [t.verdict for t in three.tests] == ["timeout", "timeout", "timeout", "passed"]
    assert [t.finding.message.rpartition("within ")[2] for t in three.tests[:3]] == ["1 s", "0.7 s", "0.1 s"]
    assert three.remarks[-1].kind == "hurried" and "`a`, `b`, `c`" in three.remarks[-1].text
    assert [t.verdict for t in one.tests] == ["timeout", "passed", "passed", "passed"] and not one.remarks


@pytest.mark.parametrize("helper", ["while True: pass", "import time\n    time.sleep(1e6)", "import threading\n    threading.Lock().acquire(timeout=1e6), threading.Event().wait()"])
def test_a_helper_that_never_ends_costs_at_most_two_deadlines(tmp_path, helper):
    root = toy.course(tmp_path, reference=FOUR_REFERENCE, tests=FOUR_TESTS)
    report = toy.mark(root, f"def helper(x):\n    {helper}\n" + "".join(f"def {name}(x):\n    return helper(x)\n" for name in FOUR))[0]
    assert [t.finding.message.rpartition("within ")[2] for t in report.tests] == ["1 s", "0.7 s", "0.1 s", "0.1 s"]
    assert [t.verdict for t in report.tests] == ["timeout"] * 4 and report.remarks[-1].kind == "hurried"


def test_a_slow_import_is_not_paid_again_for_every_call_that_dies(tmp_path):
    root = toy.course(tmp_path, reference=FOUR_REFERENCE, tests=FOUR_TESTS)
    report = toy.mark(root, "import os, time\ntime.sleep(0.8)\n" + "".join(f"def {name}(x):\n    os._exit(3)\n" for name in FOUR))[0]
    assert [t.verdict for t in report.tests] == ["crashed", "crashed", "timeout", "timeout"]


def test_a_part_marked_alone_does_not_praise_properties_of_wrong_values(tmp_path):
    """The value tests of its functions stand in another part: they are run, but not reported."""
    tests = toy.TESTS.replace('@part("double")\n@secondary', '@part("checks")\n@secondary')
    parts = "".join(f'[[parts]]\nname = "{name}"\npoints = {points}\n' for name, points in (("double", 40), ("norm", 40), ("checks", 20)))
    root = toy.course(tmp_path, tests=tests, settings=toy.SETTINGS + parts)
    alone = Options(part="checks")
    assert toy.mark(root, toy.HONEST, options=alone)[0].score == 20
    wrong = toy.mark(root, toy.HONEST.replace("x + x", "3 * x"), options=alone)[0]
    assert wrong.score == 0 and {t.part for t in wrong.tests} == {"checks"} and wrong.tests[0].verdict == "blocked"


@pytest.mark.skipif(sys.platform != "linux", reason="forked workers are Linux only")
@pytest.mark.parametrize(("text", "options"), [("while True: pass\n", Options()), ("def double(x):\n    return 3 * x\n", Options(stop_first=True))])
def test_no_worker_that_was_started_ahead_outlives_its_submission(tmp_path, monkeypatch, text, options):
    """One whose public half does not load, or ends the run, needs no hidden half."""
    from grader.check import mark_all
    from grader.course.course import find_course, load_course
    from grader.course.material import load
    from grader.worker.launch import Zygote

    started, left, whole = [], [], Zygote.worker
    monkeypatch.setattr(Zygote, "worker", lambda self, *a, **k: started.append(whole(self, *a, **k)) or started[-1])
    root = toy.course(tmp_path)
    mark_all(load(load_course(find_course(root)), "toy"), iter([toy.submission(text), toy.submission(text + "# again\n")]), options,
             lambda report: left.append([w for w in started if w.process.status is None]))
    assert left == [[], []]
