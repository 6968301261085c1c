"""A reference becomes a stub and a test file loses its hidden tests: nothing else changes, nothing is left of them."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import CourseError
from grader.source.prune import public_tests
from grader.source.strip import resembles_marker, stub

REFERENCE = '''\
"""A cell.  # not a comment, nor is this line's odd   spacing changed"""

import numpy as np

LIMIT = 3  # given


def check(x):
    """Given."""
    if x.ndim != 2:   # two blanks before, three here
        raise ValueError("x")


def forward(x, w):
    """y = x w.

    x: (N, D)
    """
    check(x)
    # BEGIN SOLUTION
    # the hint of the region

    def inner(z):
        return z @ w
    y = inner(x)
    # END SOLUTION
    y = np.asarray(y)
    # BEGIN SOLUTION
    return y
    # END SOLUTION


class Net:
    """Two methods."""

    def forward(self, x):
        if x is None:
            return None
        else:
            # BEGIN SOLUTION
            return self.secret * x
            # END SOLUTION


# Q1. How many?
# BEGIN SOLUTION
half = 5
Q1 = 2 * half
# END SOLUTION
'''

STUB = '''\
"""A cell.  # not a comment, nor is this line's odd   spacing changed"""

import numpy as np

LIMIT = 3  # given


def check(x):
    """Given."""
    if x.ndim != 2:   # two blanks before, three here
        raise ValueError("x")


def forward(x, w):
    """y = x w.

    x: (N, D)
    """
    check(x)
    # TODO: write this
    raise NotImplementedError("TODO: forward")
    y = np.asarray(y)
    # TODO: write this
    raise NotImplementedError("TODO: forward")


class Net:
    """Two methods."""

    def forward(self, x):
        if x is None:
            return None
        else:
            # TODO: write this
            raise NotImplementedError("TODO: Net.forward")


# Q1. How many?
half = None  # TODO: your answer
Q1 = None  # TODO: your answer
'''


def refused(make, *arguments) -> str:
    with pytest.raises(CourseError) as caught:
        make(*arguments)
    assert caught.value.exit_code == 6
    return caught.value


# The stub


def test_regions_become_todos_and_every_other_line_stays_byte_for_byte():
    assert stub(REFERENCE, "cell.py", ["forward", "Net"], ["Q1"]) == STUB


def test_a_stub_has_nothing_more_to_strip():
    assert stub(STUB, "cell.py") == STUB


@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n"])
def test_the_end_of_the_file_stays(ending):
    assert stub(REFERENCE.rstrip("\n") + ending, "cell.py") == STUB.rstrip("\n") + ending


names = st.integers(0, 999)
GIVEN = ["    check(x)", "    # a given comment", "", "    y = [\n        1,\n    ]", '    """text\n# col 0\n"""']
outside = st.sampled_from(GIVEN)
inside = st.lists(names, min_size=1, max_size=4)
function = st.tuples(st.lists(outside, max_size=3), inside, st.lists(outside, max_size=2))
functions = st.lists(function, min_size=1, max_size=5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(functions)
def test_whatever_the_file_solution_lines_go_and_the_others_stay_in_order(drawn):
    source, expected = [], []
    for number, (before, secrets, after) in enumerate(drawn):
        head, tail = [f"def f{number}(x):", *before], [*after, ""]
        solution = [line for n in secrets for line in (f"    # secret {n}", f"    z = secret_{n}(x)", "")]
        source += [*head, "    # BEGIN SOLUTION", *solution, "    # END SOLUTION", *tail]
        expected += [*head, "    # TODO: write this", f'    raise NotImplementedError("TODO: f{number}")', *tail]
    made = stub("\n".join(source), "f.py", [f"f{number}" for number in range(len(drawn))])
    assert made == "\n".join(expected)
    ast.parse(made)
    assert "secret" not in made


# Sabotage: each is refused with the line of the mistake


GOOD = '''\
def f(x):
    """Twice."""
    # BEGIN SOLUTION
    y = 2 * x
    return y
    # END SOLUTION


# BEGIN SOLUTION
Q1 = 3
# END SOLUTION
'''

BEGIN, END = "    # BEGIN SOLUTION\n", "    # END SOLUTION\n"
DOC = '    """Twice."""\n'
BODY = "    y = 2 * x\n    return y\n"
ANSWER = "# BEGIN SOLUTION\nQ1 = 3\n# END SOLUTION\n"
ODD, CUT = "resembles a marker", "cuts a statement"

SABOTAGE = {  # what is replaced by what, the line of the mistake, words of the message
    "no end": (END, "", 8, "nested"),
    "no end at all": ("Q1 = 3\n# END SOLUTION\n", "Q1 = 3\n", 9, "without `# END SOLUTION`"),
    "no begin": (BEGIN, "", 5, "without `# BEGIN SOLUTION`"),
    "nested": (BODY, BEGIN + BODY + END, 4, "nested"),
    "stray end": ("def f", "# END SOLUTION\ndef f", 1, "without `# BEGIN SOLUTION`"),
    "end twice": (END, END + END, 7, "without `# BEGIN SOLUTION`"),
    "begin as end": (END, BEGIN, 6, "nested"),
    "typo": ("SOLUTION\n    y", "SOLUTON\n    y", 3, ODD),
    "typo in end": (END, "    # EDN SOLUTION\n", 6, ODD),
    "typo in begin": (BEGIN, "    # BEGING SOLUTION\n", 3, ODD),
    "no space": (BEGIN, "    #BEGIN SOLUTION\n", 3, ODD),
    "two spaces": (BEGIN, "    # BEGIN  SOLUTION\n", 3, ODD),
    "lower case": (END, "    # End solution\n", 6, ODD),
    "plural": (BEGIN, "    # BEGIN SOLUTIONS\n", 3, ODD),
    "underscore": (BEGIN, "    # BEGIN_SOLUTION\n", 3, ODD),
    "one word": (END, "    # ENDSOLUTION\n", 6, ODD),
    "turned round": (BEGIN, "    # SOLUTION BEGIN\n", 3, ODD),
    "start": (BEGIN, "    # START SOLUTION\n", 3, ODD),
    "hashes of nbgrader": (BEGIN, "    ### BEGIN SOLUTION\n", 3, ODD),
    "words behind": (BEGIN, "    # BEGIN SOLUTION (3 points)\n", 3, ODD),
    "colon": (BEGIN, "    # BEGIN SOLUTION:\n", 3, ODD),
    "no-break space": (BEGIN, "    # BEGIN\u00a0SOLUTION\n", 3, ODD),
    "behind code": ("    y = 2 * x", "    y = 2 * x  # BEGIN SOLUTION", 4, ODD),
    "in the docstring": ('"""Twice."""', '"""Twice.\n\n    # BEGIN SOLUTION\n    """', 4, ODD),
    "end indented otherwise": (END, "  # END SOLUTION\n", 6, "not indented like"),
    "both at the margin": (BEGIN + BODY + END, f"{BEGIN.lstrip()}{BODY}{END.lstrip()}", 3, "not indented like"),
    "empty": (BODY + END, END + BODY, 3, "no code"),
    "comments only": (BODY + END, "    # 2 * x\n" + END + BODY, 3, "no code"),
    "pass only": (BODY + END, "    pass\n" + END + BODY, 3, "no code"),
    "a docstring only": (DOC + BEGIN + BODY + END, BEGIN + DOC + END + BODY, 2, "no code"),
    "half a statement": (BEGIN + "    y = 2 * x\n", "    y = (\n" + BEGIN + "    2 * x)\n", 4, CUT),
    "an item of a list": (ANSWER, f"{ANSWER}Q2 = [\n{BEGIN}    4,\n{END}]\n", 13, CUT),
    "an arm of an if": (BODY + END, f"    if x:\n        y = 1\n{END}    else:\n        y = 2\n", 3, "indented like"),
    "an arm and an else": (BODY + END, f"    y = 1\n    if x:\n        y = 1\n{END}    else:\n        y = 2\n", 3, CUT),
    "two functions": (END, f"\n\ndef g(x):\n    return x\n{END}", 3, CUT),
    "a signature": ("def f(x):\n", f"def f(\n{BEGIN}    x,\n):\n    return x\n{END}\n\ndef g(x):\n", 2, CUT),
    "function as answer": ("Q1 = 3", "def g(x):\n    return x", 10, "only lines `NAME = value`"),
    "call as answer": ("Q1 = 3", "Q1 = 3\nprint(Q1)", 11, "only lines `NAME = value`"),
    "pair as answer": ("Q1 = 3", "Q1, Q2 = 3, 4", 10, "only lines `NAME = value`"),
    "sum as answer": ("Q1 = 3", "Q1 = 3\nQ1 += 1", 11, "only lines `NAME = value`"),
    "in a class": (ANSWER, f"class C:\n{BEGIN}    q = 3\n{END}", 10, "in no function"),
    "answer under if": (ANSWER, f"if f:\n{BEGIN}    Q1 = 3\n{END}", 10, "in no function"),
    "function without region": (BEGIN + BODY + END, BODY, 1, "declares without a region"),
    "function twice": ("def f", "def f(x):\n    return 2 * x\n\n\ndef f", 5, "defined twice"),
    "function under if": ("def f(x):", "if True:\n  def f(x):", None, "at the left margin"),
    "function renamed": ("def f(x):", "def g(x):", None, "at the left margin"),
    "answer without region": (ANSWER, "Q1 = 3\n", 9, "in a region and nowhere else"),
    "answer also outside": ("def f", "Q1 = 3\n\n\ndef f", 1, "in a region and nowhere else"),
    "no answer": ("Q1 = 3", "Q2 = 3", None, "in a region and nowhere else"),
    "no Python": ("return y", "return y y", 5, "does not parse"),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_sabotaged_reference_is_refused_with_file_and_line(name):
    old, new, line, words = SABOTAGE[name]
    assert GOOD.count(old) >= 1, "the edit does not apply"
    error = refused(stub, GOOD.replace(old, new, 1), "solutions/f/f.py", ["f"], ["Q1"])
    assert words in error.what
    assert error.where == (f"solutions/f/f.py:{line}" if line else "solutions/f/f.py")


def test_the_file_that_is_sabotaged_above_is_accepted_as_it_is():
    assert "3" not in stub(GOOD, "f.py", ["f"], ["Q1"])


@pytest.mark.parametrize("comment", [
    "# the solution of Dx = 0", "# in the end, solutions differ", "# END", "# BEGIN", "# send it", "# --- end ---", "#",
    "# begin with the solution of the first step", "# begin solving for x", "# our solution", "# END OF FILE",
    "# resolution", "# ----", "# BEGIN HIDDEN", "# SOLUTION"])
def test_comments_that_only_speak_of_solutions_are_no_markers(comment):
    assert not resembles_marker(comment)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(["# BEGIN SOLUTION", "# END SOLUTION"]), st.data())
def test_a_marker_with_one_letter_wrong_is_never_taken_for_a_comment(marker, data):
    place = data.draw(st.integers(2, len(marker) - 1))
    change = data.draw(st.sampled_from(["drop", "double", "swap", "other"]))
    text = {"drop": marker[:place] + marker[place + 1 :], "double": marker[:place] + marker[place] + marker[place:],
            "swap": marker[: place - 1] + marker[place] + marker[place - 1] + marker[place + 1 :],
            "other": marker[:place] + data.draw(st.sampled_from("AEIOU_-. ")) + marker[place + 1 :]}[change]
    assert resembles_marker(text)


# The public tests


TESTS = '''\
"""Tests of f."""

from __future__ import annotations

import os, sys
import numpy as np
import numpy.testing as npt
from textwrap import (
    dedent,
    indent as push,  # goes with its line
    wrap,
)

from grader.testing import assert_close, part, points, public, secondary

OUT = "y (N, D)"
HIDDEN_SIZES = (13, 17)
# Sizes that can be followed by hand.
SIZES = (1, 2)

np.seterr(all="raise")
sys.setrecursionlimit(5000)
TABLE = {}
TABLE["small"] = SIZES
HIDDEN_TABLE = {}
HIDDEN_TABLE.update(large=HIDDEN_SIZES)


def numbers(rng, n):
    """Normal."""
    return scaled(rng.standard_normal(n))


def scaled(x):
    return 2.0 * x
    # a last remark inside


# belongs to `secretly`
def secretly(rng):
    return rng.integers(987654)


# ---- one


@part("one")
@public
@points(3)
def test_one(student, reference, rng):
    """One."""
    secretly = numbers(rng, TABLE["small"][0])  # a local name
    assert_close(student.f(secretly), dedent("x"), names=OUT)


# In this test sizes are large.
@part("one")
def test_one_hidden(student, rng):
    """Large."""
    assert_close(student.f(secretly(rng)), wrap("x"), names=OUT)


# ---- two


@part("two")
@secondary
def test_two_hidden(student, rng):
    """Other."""
    assert os.sep and npt and push


# ---- three


@part("three")
def test_three_hidden(student, rng):
    """Other."""


# What follows is public.

# And this stands on it.
@part("three")
@public
def test_three(student, rng):
    """Three."""
    assert_close(student.f(numbers(rng, 3)), [HIDDEN_SIZES for HIDDEN_SIZES in (1, 2)])


# the end
'''

PRUNED = '''\
"""Tests of f."""

from __future__ import annotations

import numpy as np
from textwrap import dedent

from grader.testing import assert_close, part, points, public

OUT = "y (N, D)"
# Sizes that can be followed by hand.
SIZES = (1, 2)

TABLE = {}
TABLE["small"] = SIZES


def numbers(rng, n):
    """Normal."""
    return scaled(rng.standard_normal(n))


def scaled(x):
    return 2.0 * x
    # a last remark inside


# ---- one


@part("one")
@public
@points(3)
def test_one(student, reference, rng):
    """One."""
    secretly = numbers(rng, TABLE["small"][0])  # a local name
    assert_close(student.f(secretly), dedent("x"), names=OUT)


# ---- three


# What follows is public.

# And this stands on it.
@part("three")
@public
def test_three(student, rng):
    """Three."""
    assert_close(student.f(numbers(rng, 3)), [HIDDEN_SIZES for HIDDEN_SIZES in (1, 2)])
'''


def test_public_tests_remain_with_what_they_need_and_no_other_name():
    pruned = PRUNED.replace("import numpy as np\n", "").replace("\n\n\nTABLE", "\n\nTABLE")
    assert public_tests(TESTS, ["test_one", "test_three"]) == pruned


def test_what_acts_on_a_needed_import_stays_with_it():
    made = public_tests(TESTS.replace("return 2.0 * x", "return np.abs(x)"), ["test_one"])
    assert 'np.seterr(all="raise")' in made and "setrecursionlimit" not in made


def prune(text: str, *public: str, hidden=()) -> str:
    return public_tests(dedent(text).lstrip("\n"), public, hidden, "solutions/f/test_f.py")


def test_fixtures_are_needed_by_the_names_of_parameters_and_marks():
    made = prune('''
        import pytest

        @pytest.fixture
        def layer(sizes):
            return sizes

        @pytest.fixture(name="sizes")
        def _make_sizes():
            return 3

        @pytest.fixture(autouse=True)
        def always():
            return helper()

        def helper(weights=1):
            return 1

        @pytest.fixture
        def weights():
            return 5

        @pytest.fixture
        def by_mark():
            return 6

        @pytest.mark.usefixtures("by_mark")
        def test_a(student, layer):
            """A."""

        def test_b(student, weights):
            """B."""
    ''', "test_a")
    names = [node.name for node in ast.parse(made).body[1:]]
    assert names == ["layer", "_make_sizes", "always", "helper", "by_mark", "test_a"]


def test_marks_of_the_whole_module_stay():
    text = "import pytest\npytestmark = pytest.mark.filterwarnings('error')\ndef test_a():\n    pass\n"
    assert prune(text, "test_a") == text


def test_statements_that_share_a_line_stay_together():
    assert prune("A = 1; B = 2\nC = 3\ndef test_a():\n    A\n", "test_a") == "A = 1; B = 2\ndef test_a():\n    A\n"


def test_all_definitions_of_a_needed_name_stay():
    text = "try:\n    import numpy as n\nexcept ImportError:\n    n = None\nA = 1\nA = A + B\nB = 2\nC = A\n"
    text += "def test_a():\n    return A, n\n"
    assert prune(text, "test_a") == text.replace("C = A\n", "")


sets = st.integers(1, 8).flatmap(lambda n: st.tuples(
    st.lists(st.frozensets(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n),
    st.lists(st.tuples(st.booleans(), st.frozensets(st.integers(0, n - 1), max_size=2)), min_size=1, max_size=5)))


def listed(helpers) -> str:
    return f"[{',  '.join(f'h{k}' for k in sorted(helpers))}]"


@settings(max_examples=80, deadline=None, derandomize=True)
@given(sets)
def test_exactly_what_the_public_tests_reach_is_kept_byte_for_byte(graph):
    helpers, tests = graph
    lead = "from grader.testing import part\n"
    pieces = {f"h{k}": f"def h{k}(x=1):\n    # of h{k}\n    return {listed(uses)}\n" for k, uses in enumerate(helpers)}
    for k, (_, uses) in enumerate(tests):
        pieces[f"test_{k}"] = f"@part('p')\ndef test_{k}(student):\n    x = {listed(uses)}\n"
    public = {f"test_{k}" for k, (is_public, _) in enumerate(tests) if is_public}
    reached, frontier = set(), {k for is_public, uses in tests if is_public for k in uses}
    while frontier:
        reached |= frontier
        frontier = {k for j in frontier for k in helpers[j]} - reached
    kept = public | {f"h{k}" for k in reached}
    made = public_tests("\n\n".join([lead, *pieces.values()]), public)
    assert made == "\n\n".join([lead] * bool(public) + [text for name, text in pieces.items() if name in kept])


@pytest.mark.parametrize(("text", "words", "line"), [
    ('"""As in test_b."""\ndef test_a():\n    pass\ndef test_b():\n    pass\n', "test_b", 1),
    ("def test_a():\n    pass  # unlike test_b\ndef test_b():\n    pass\n", "test_b", 2),
    ("def test_b():\n    pass\n\n\ndef test_a():\n    test_b()\n", "test_b", 1),
    ("T = ['test_b']\ndef test_a():\n    T\ndef test_b():\n    pass\n", "test_b", 1),
    ("if 1:\n    def test_b():\n        pass\n    def h():\n        pass\ndef test_a():\n    h()\n", "test_b", 2),
    ("def test_a():\n    'test_from_the_recording'\n", "test_from_the_recording", 2),
    ("def test_a():\n    secret = 5\n\n\ndef test_a():\n    pass\n", "defined 2 times", 5),
    ("from numpy import *\ndef test_a():\n    pass\n", "import *", 1),
    ("def test_a():\n  pass\n pass\n", "does not parse", 3),
])
def test_a_test_file_that_would_tell_of_hidden_tests_is_refused_with_its_line(text, words, line):
    error = refused(public_tests, text, ["test_a"], ["test_from_the_recording"], "t.py")
    assert words in error.what and error.where == f"t.py:{line}"


def test_a_public_test_that_is_not_at_the_left_margin_is_refused():
    assert "0 times" in refused(public_tests, "def test_b():\n    pass\n", ["test_a"]).what
