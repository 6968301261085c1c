"""A course is found, read and checked; every error names file and key."""

import datetime
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course.assignment import shares
from grader.course.course import RESERVED, Sandbox, find_course, load_assignment, load_course
from grader.errors import CourseError, UsageError

SHA = "0" * 64


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


@pytest.fixture
def repository(tmp_path):
    """An instructor's repository with two exercises and their release."""
    for slug, name in (("lstm", "lstm"), ("grad-clip", "grad_clip")):
        write(tmp_path / "solutions" / slug / f"{name}.py")
        write(tmp_path / "solutions" / slug / f"test_{name}.py")
        write(tmp_path / "assignments" / slug / f"{name}.py")
    write(tmp_path / "solutions" / "course.toml", 'title = "Deep"\nsecret = "s3cret"\n')
    write(tmp_path / "assignments" / "course.toml", 'title = "Released"\nassignments = [{slug = "lstm"}]\n')
    return tmp_path


def course_of(tmp_path, text, slugs=("lstm", "gru")):
    for slug in slugs:
        write(tmp_path / "solutions" / slug / f"{slug.replace('-', '_')}.py")
    write(tmp_path / "solutions" / "course.toml", text)
    return load_course(find_course(tmp_path))


def assignment_of(tmp_path, text):
    course = course_of(tmp_path, "", slugs=["lstm"])
    write(tmp_path / "solutions" / "lstm" / "assignment.toml", text)
    return load_assignment(course, "lstm")


def error_of(read, *arguments) -> CourseError:
    with pytest.raises(CourseError) as caught:
        read(*arguments)
    assert caught.value.exit_code == 6
    return caught.value


# Where a course lies


@pytest.mark.parametrize("start", [".", "assignments", "assignments/lstm", "solutions", "solutions/lstm", "else/deep"])
def test_an_instructors_course_is_found_from_everywhere_in_its_repository(repository, start):
    (repository / start).mkdir(parents=True, exist_ok=True)
    folder = find_course(repository / start)
    assert folder.is_instructor
    assert (folder.root, folder.solutions) == (repository, repository / "solutions")
    assert folder.assignments == repository / "assignments"
    assert load_course(folder).title == "Deep"


@pytest.mark.parametrize("start", [".", "lstm", "lstm/data"])
@pytest.mark.parametrize("name", ["assignments", "my course"])
def test_a_copied_release_is_a_learners_course_from_any_folder_in_it(repository, tmp_path_factory, start, name):
    copy = tmp_path_factory.mktemp("home") / name
    (repository / "assignments").rename(copy)
    (copy / start).mkdir(exist_ok=True)
    folder = find_course(copy / start)
    assert not folder.is_instructor
    assert (folder.root, folder.solutions, folder.assignments) == (copy, None, copy)
    assert load_course(folder).slugs == ("lstm",)


def test_a_release_right_below_is_the_same_course_from_above_and_from_within(tmp_path):
    write(tmp_path / "assignments" / "course.toml")
    assert find_course(tmp_path) == find_course(tmp_path / "assignments")
    assert find_course(tmp_path).root == tmp_path / "assignments"


def test_a_copy_inside_an_instructors_repository_stays_a_learners_course(repository):
    write(repository / "try" / "course.toml")
    assert find_course(repository / "try").root == repository / "try"


def test_solutions_alone_are_a_course_before_the_first_release(tmp_path):
    write(tmp_path / "solutions" / "course.toml")
    folder = find_course(tmp_path)
    assert folder.is_instructor and folder.assignments is None and folder.root == tmp_path


def test_solutions_without_course_toml_count_if_they_hold_tests(repository):
    (repository / "solutions" / "course.toml").unlink()
    folder = find_course(repository / "assignments")
    assert folder.is_instructor and load_course(folder).title == "Released"


def test_a_learners_own_folder_called_solutions_is_not_an_instructors(repository, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (repository / "assignments").rename(home / "assignments")
    write(home / "solutions" / "notes.txt")
    assert not find_course(home / "assignments").is_instructor


def test_without_course_toml_there_is_no_course(tmp_path):
    write(tmp_path / "solutions" / "lstm" / "test_lstm.py")
    assert find_course(tmp_path / "solutions") is None


# course.toml


def test_every_key_of_course_toml_is_read(tmp_path):
    course = course_of(tmp_path, f"""
        title = "Deep"
        secret = "s3cret"
        submit = "https://example.org/hand-in"
        sandbox = "strict"
        due = 2026-01-31T23:59:00+01:00
        grace = "30m"
        late_percent_per_day = 10
        requires = ">=0.1,<0.2"
        [[assignments]]
        slug = "lstm"
        unit = "Recurrent"
        [[assignments]]
        slug = "gru"
        prerequisites = ["lstm"]
        [digests]
        "lstm/test_lstm.py" = "{SHA}"
    """)
    assert (course.title, course.secret, course.submit) == ("Deep", "s3cret", "https://example.org/hand-in")
    assert course.sandbox is Sandbox.STRICT
    assert course.due_at("gru").utcoffset() == datetime.timedelta(hours=1)
    assert course.grace == datetime.timedelta(minutes=30)
    assert (course.late_percent_per_day, course.requires) == (10.0, ">=0.1,<0.2")
    assert course.digests == {"lstm/test_lstm.py": SHA}
    entries = [(entry.slug, entry.unit, entry.prerequisites) for entry in course.assignments]
    assert entries == [("lstm", "Recurrent", ()), ("gru", "", ("lstm",))]


def test_an_empty_course_toml_means_every_exercise_sorted(repository):
    write(repository / "solutions" / "__pycache__" / "x.py")
    write(repository / "solutions" / "data" / "lstm.py")
    write(repository / "solutions" / "course.toml")
    course = load_course(find_course(repository))
    assert course.slugs == ("grad-clip", "lstm")
    assert (course.secret, course.sandbox, course.due_at("lstm")) == (None, None, None)
    assert (course.grace, course.late_percent_per_day) == (datetime.timedelta(), 0)


def test_an_empty_list_of_assignments_is_not_the_default(tmp_path):
    assert course_of(tmp_path, "assignments = []").slugs == ()


def test_due_may_differ_by_exercise(tmp_path):
    course = course_of(tmp_path, "due = {lstm = 2026-01-31T23:59:00Z}")
    assert course.due_at("lstm").year == 2026 and course.due_at("gru") is None


def test_the_secret_is_never_printed(repository):
    course = load_course(find_course(repository))
    assert course.secret == "s3cret"
    assert "s3cret" not in f"{course!r} {course}"


@pytest.mark.parametrize(("text", "what", "where"), [
    ("titel = 'x'", "did you mean `title`", "solutions/course.toml:titel"),
    ("[[assignments]]\nslug = 'lstm'\n[[assignments]]\nslug = 'gru'\nunits = 'x'", "mean `unit`", "[1].units"),
    ("[[assignments]]\nunit = 'x'", "slug", ":assignments[0]"),
    ("title = 3", "got `int`", ":title"),
    ("secret = ''", "length >= 1", ":secret"),
    ("sandbox = 'of'", "'of'", ":sandbox"),
    ("due = 2026-01-31T23:59:00", "timezone", ":due"),
    ("due = {lsmt = 2026-01-31T23:59:00Z}", "'lsmt'", ":due.lsmt"),
    ("grace = '10 minutes'", "matching", ":grace"),
    ("grace = \"10m\\n\"", "matching", ":grace"),
    ("late_percent_per_day = 101", "<= 100", ":late_percent_per_day"),
    ("late_percent_per_day = nan", ">= 0", ":late_percent_per_day"),
    ("[digests]\na = 'abc'", "matching", ":digests[...]"),
    ("\n= 3", "not valid TOML", "solutions/course.toml:2"),
    ("title = [", "not valid TOML", "solutions/course.toml"),
    ("title = " + "[" * 5000, "not valid TOML", "solutions/course.toml"),
    ("[[assignments]]\nslug = 'LSTM'", "lower-case", ":assignments[0].slug"),
    ("[[assignments]]\nslug = 'diff'", "command line", ":assignments[0].slug"),
    ("[[assignments]]\nslug = 'lstm'\n[[assignments]]\nslug = 'lstm'", "twice", ":assignments[1].slug"),
    ("assignments = [{slug = 'lstm', prerequisites = ['gru']}, {slug = 'gru'}]", "before", "[0].prerequisites"),
])
def test_a_wrong_course_toml_is_an_authors_error_at_its_key(tmp_path, text, what, where):
    error = error_of(course_of, tmp_path, text)
    assert what in error.what
    assert error.where.startswith("solutions/course.toml") and error.where.endswith(where)


def test_course_toml_that_is_not_utf8_is_an_authors_error(tmp_path):
    write(tmp_path / "solutions" / "course.toml").write_bytes(b"title = '\xe9'")
    assert "UTF-8" in error_of(load_course, find_course(tmp_path)).what


def test_a_folder_in_place_of_a_file_is_an_authors_error(tmp_path):
    course = course_of(tmp_path, "", slugs=["lstm"])
    (tmp_path / "solutions" / "lstm" / "assignment.toml").mkdir()
    assert "cannot be read" in error_of(load_assignment, course, "lstm").what


def test_a_byte_order_mark_is_no_error(tmp_path):
    assert course_of(tmp_path, "\ufefftitle = 'x'").title == "x"


@pytest.mark.parametrize("slug", ["a", "lstm2", "grad-clip", "a-1-b", "x" * 32])
def test_slugs_are_lower_case_words_with_hyphens(tmp_path, slug):
    assert course_of(tmp_path, f"assignments = [{{slug = '{slug}'}}]").slugs == (slug,)


@pytest.mark.parametrize("slug", ["", "2d", "a_b", "a--b", "-a", "a-", "É", "x" * 33, "../x", "a\\n", "help", "run"])
def test_other_names_are_refused_as_slugs(tmp_path, slug):
    error_of(course_of, tmp_path, f'assignments = [{{slug = "{slug}"}}]')


def test_all_verbs_of_the_interface_are_reserved():
    verbs = "run start list show hint diff reset doctor new audit release batch merge report regrade export"
    assert set(verbs.split()) <= RESERVED


def test_a_misnamed_folder_is_an_error_in_solutions_and_skipped_in_a_learners_copy(tmp_path):
    error = error_of(course_of, tmp_path / "a", "", ["lstm", "grad_clip"])
    assert "grad-clip" in error.what and "grad_clip" in error.where
    write(tmp_path / "b" / "grad_clip" / "grad_clip.py")
    write(tmp_path / "b" / "course.toml")
    assert load_course(find_course(tmp_path / "b")).slugs == ()


def test_an_unknown_slug_is_a_usage_error_that_names_the_nearest(repository):
    course = load_course(find_course(repository))
    for ask in (course.entry, lambda slug: load_assignment(course, slug)):
        with pytest.raises(UsageError, match="did you mean `lstm`"):
            ask("lsmt")
        with pytest.raises(UsageError, match="grade list"):
            ask("zzz")


# assignment.toml


def test_an_assignment_without_a_file_has_defaults(repository):
    assignment = load_assignment(load_course(find_course(repository)), "grad-clip")
    assert (assignment.title, assignment.stem, assignment.parts) == ("Grad clip", "grad_clip", ())
    assert (assignment.source_name, assignment.tests_name) == ("grad_clip.py", "test_grad_clip.py")
    assert (assignment.notebook_name, assignment.expected_name) == ("grad_clip.ipynb", "grad_clip.expected")
    assert (assignment.framework, assignment.imports) == ("numpy", ("numpy",))
    limits = assignment.limits
    assert (limits.deadline_s, limits.cpu_s, limits.memory_mib) == (5.0, 60.0, 1024)
    assert (assignment.hidden, assignment.hidden_titles) == ("visible", True)
    assert (assignment.may_show, assignment.omit) == ((), ())


def test_every_key_of_assignment_toml_is_read(tmp_path):
    assignment = assignment_of(tmp_path, """
        title = "LSTM, step by step"
        framework = "torch"
        imports = []
        hidden = "after_due_date"
        hidden_titles = false
        parts = [{name = "step_forward", points = 33.34}, {name = "rest", title = "The rest", points = 66.66}]
        may_show = [{line = "import numpy as np", reason = "every file begins so"}]
        [limits]
        deadline_s = 2
        memory_mib = 512
    """)
    assert assignment.title == "LSTM, step by step"
    assert [(p.name, p.title, p.points) for p in assignment.parts] == [("step_forward", "Step forward", 33.34),
                                                                       ("rest", "The rest", 66.66)]
    assert (assignment.framework, assignment.imports, assignment.hidden) == ("torch", (), "after_due_date")
    assert assignment.hidden_titles is False
    assert assignment.may_show[0].line == "import numpy as np"
    assert (assignment.limits.deadline_s, assignment.limits.cpu_s, assignment.limits.memory_mib) == (2.0, 60.0, 512)


def test_torch_is_allowed_and_has_more_memory_where_it_is_the_framework(tmp_path):
    assignment = assignment_of(tmp_path, "framework = 'torch'")
    assert assignment.imports == ("numpy", "torch") and assignment.limits.memory_mib == 4096


def test_a_learners_copy_reads_the_released_settings(tmp_path):
    write(tmp_path / "course.toml", "assignments = [{slug = 'lstm'}]")
    write(tmp_path / "lstm" / "assignment.toml", "title = 'Released'")
    course = load_course(find_course(tmp_path))
    assert load_assignment(course, "lstm").title == "Released"


@pytest.mark.parametrize(("text", "what", "where"), [
    ("title = 1", "got `int`", ":title"),
    ("frame = 'numpy'", "did you mean `framework`", ":frame"),
    ("framework = 'jax'", "'jax'", ":framework"),
    ("hidden = 'never'", "'never'", ":hidden"),
    ("limits = {deadline = 5}", "did you mean `deadline_s`", ":limits.deadline"),
    ("limits = {deadline_s = 0}", "> 0", ":limits.deadline_s"),
    ("limits = {cpu_s = inf}", "<= 86400", ":limits.cpu_s"),
    ("limits = {memory_mib = -1}", ">= 1", ":limits.memory_mib"),
    ("parts = [{name = 'a', points = 100}, {name = 'b', points = 0}]", ">= 0.01", ":parts[1].points"),
    ("parts = [{name = 'a', points = 60}, {name = 'b', points = 30}]", "sum to 90", ":parts"),
    ("parts = [{name = 'a', points = 99.999}, {name = 'b', points = 0.01}]", "hundredths", ":parts[0].points"),
    ("parts = [{name = 'a', points = 50}, {name = 'a', points = 50}]", "twice", ":parts[1].name"),
    ("parts = [{name = 'a', point = 100}]", "did you mean `points`", ":parts[0].point"),
    ("omit = ['b']\nparts = [{name = 'a', points = 100}]", "'b'", ":omit"),
    ("omit = ['a']\nparts = [{name = 'a', points = 100}]", "no part is left", ":omit"),
    ("may_show = [{line = 'x'}]", "reason", ":may_show[0]"),
])
def test_a_wrong_assignment_toml_is_an_authors_error_at_its_key(tmp_path, text, what, where):
    error = error_of(assignment_of, tmp_path, text)
    assert what in error.what
    assert error.where == "solutions/lstm/assignment.toml" + where


def test_a_broken_exercise_does_not_hinder_the_others(repository):
    write(repository / "solutions" / "lstm" / "assignment.toml", "= broken")
    course = load_course(find_course(repository))
    assert load_assignment(course, "grad-clip").slug == "grad-clip"
    error_of(load_assignment, course, "lstm")


def test_a_listed_exercise_without_its_reference_is_an_authors_error(tmp_path):
    course = course_of(tmp_path, "assignments = [{slug = 'lstm'}, {slug = 'rnn'}]", slugs=["lstm"])
    error = error_of(load_assignment, course, "rnn")
    assert error.where == "solutions/rnn/rnn.py" and "grade new rnn" in error.what


# Points


def test_parts_named_by_tests_share_100_equally_in_their_order(tmp_path):
    parts = assignment_of(tmp_path, "").with_parts(["c", "a", "c", "b"]).parts
    assert [(part.name, part.points) for part in parts] == [("c", 33.34), ("a", 33.33), ("b", 33.33)]
    assert sum(part.hundredths for part in parts) == 10_000


def test_what_is_omitted_leaves_its_points_to_the_other_parts(tmp_path):
    shared = assignment_of(tmp_path, "omit = ['speed']").with_parts(["step", "speed", "forward"])
    assert [(part.name, part.points) for part in shared.parts] == [("step", 50), ("forward", 50)]
    stated = "parts = [{name = 'a', points = 20}, {name = 'b', points = 60}, {name = 'c', points = 20}]\nomit = ['c']"
    assert [(part.name, part.points) for part in assignment_of(tmp_path, stated).parts] == [("a", 25), ("b", 75)]


def test_stated_parts_stay_as_they_are(tmp_path):
    assignment = assignment_of(tmp_path, "parts = [{name = 'a', points = 20}, {name = 'b', points = 80}]")
    assert assignment.with_parts(["b"]) == assignment
    assert "'c'" in error_of(assignment.with_parts, ["b", "c"]).what


def test_tests_that_leave_no_part_are_an_authors_error(tmp_path):
    assert error_of(assignment_of(tmp_path, "").with_parts, []).where == "lstm/test_lstm.py"
    assert error_of(assignment_of(tmp_path, "omit = ['a']").with_parts, ["a"]).where == "lstm/test_lstm.py"
    assert error_of(assignment_of(tmp_path, "omit = ['x']").with_parts, ["a"]).where == "lstm/assignment.toml:omit"


def test_what_rounding_leaves_goes_to_the_largest_remainder():
    assert shares([1, 2]) == (3333, 6667)
    assert shares([2, 1]) == (6667, 3333)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=60))
def test_shares_are_exact_and_within_a_hundredth_of_their_proportion(weights):
    parts = shares(weights)
    assert sum(parts) == 10_000
    assert all(abs(part - 10_000 * weight / sum(weights)) < 1 for part, weight in zip(parts, weights, strict=True))


def test_the_course_is_read_without_heavy_imports(repository):
    code = ("import sys, pathlib; from grader.course.course import *; load_course(find_course(pathlib.Path(sys.argv[1])));"
            "print(sorted({'numpy', 'pytest', 'rich', 'nbformat', 'torch', 'click', 'difflib'} & set(sys.modules)))")
    run = subprocess.run([sys.executable, "-c", code, repository], capture_output=True, text=True, check=True,
                         cwd=Path(__file__).parents[1])
    assert run.stdout.strip() == "[]"
