"""Every file becomes a submission or is refused with one clear sentence; nothing of it is run."""

import ast
import codecs
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionRefused
from grader.source.magics import read_cell
from grader.source.submission import MAX_NOTEBOOK_BYTES, MAX_SOURCE_BYTES, read_submission, submission_from_bytes


def cell(source, kind="code", **more):
    run = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **run, **more}


def notebook(*cells, **more):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}


def read(raw, kind="ipynb"):
    if isinstance(raw, dict):
        raw = json.dumps(raw)
    if isinstance(raw, str):
        raw = raw.encode("utf-8")
    return submission_from_bytes(raw, file=f"work/lstm.{kind}", kind=kind, name="ada")


def refusal(read, *arguments, **more) -> str:
    with pytest.raises(SubmissionRefused) as caught:
        read(*arguments, **more)
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 300
    return message


def labelled(submission):
    return [(piece.label, piece.text) for piece in submission.pieces]


def texts(submission):
    return [piece.text for piece in submission.pieces]


# Python files


def test_a_python_file_is_one_piece_labelled_with_its_name(tmp_path):
    raw = b"def f():\n    return 'h\xc3\xa9'\n"
    (tmp_path / "lstm.py").write_bytes(raw)
    submission = read_submission(tmp_path / "lstm.py")
    assert (submission.name, submission.kind, submission.file) == ("lstm", "py", str(tmp_path / "lstm.py"))
    assert submission.sha256 == hashlib.sha256(raw).hexdigest()
    assert labelled(submission) == [("lstm.py", raw.decode())]
    assert submission.remarks == ()
    assert read_submission(tmp_path / "lstm.py", "ada").name == "ada"


def test_line_ends_and_byte_order_mark_are_normalised_and_lines_keep_their_numbers():
    assert texts(read(codecs.BOM_UTF8 + b"a\r\nb\rc\n\r\nd", "py")) == ["a\nb\nc\n\nd"]
    separators = "a\x0cb\x85c\u2028d\x1ce\n"  # these end no line of Python
    assert texts(read(separators, "py")) == [separators]


def test_the_digest_is_that_of_the_bytes_as_handed_in():
    raw = codecs.BOM_UTF8 + b"a\r\n"
    assert read(raw, "py").sha256 == hashlib.sha256(raw).hexdigest()


def test_an_empty_file_is_a_submission_without_functions():
    assert texts(read(b"", "py")) == [""]


def test_magics_mean_nothing_in_a_python_file():
    assert texts(read("%time f()\n!ls\n", "py")) == ["%time f()\n!ls\n"]


def test_nothing_of_a_submission_is_run(tmp_path):
    trap = tmp_path / "sprung"
    code = f"open({str(trap)!r}, 'w')\n"
    (tmp_path / "a.py").write_text(code)
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook(cell("!touch " + str(trap) + "\n" + code))))
    read_submission(tmp_path / "a.py")
    read_submission(tmp_path / "a.ipynb")
    assert not trap.exists()


def test_source_may_be_one_mebibyte_and_not_a_byte_more():
    assert len(texts(read(b"#" * MAX_SOURCE_BYTES, "py"))[0]) == MAX_SOURCE_BYTES
    assert "1 MiB" in refusal(read, b"#" * (MAX_SOURCE_BYTES + 1), "py")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("kind", ["py", "ipynb"])
def test_other_unicode_encodings_are_refused_by_name(kind, encoding):
    message = refusal(read, ("\ufeff" * encoding.endswith("e") + "x = 1\n").encode(encoding), kind)
    assert encoding[:6].upper() + " text" in message and "UTF-8" in message


def test_latin_1_is_refused_with_the_byte_and_its_place():
    message = refusal(read, "# one\nx = 'é'\n".encode("latin-1"), "py")
    assert "0xE9" in message and "offset 11" in message and "line 2" in message and "Latin-1" in message


def test_nul_bytes_are_refused():
    assert "NUL" in refusal(read, b"a\nb\0", "py") and "line 2" in refusal(read, b"a\nb\0", "py")
    assert "NUL" in refusal(read, "x = 1\n".encode("utf-16-le"), "py")


@pytest.mark.parametrize("kind", ["txt", "", "pyc", "PY"])
def test_other_kinds_are_refused(kind):
    assert ".ipynb" in refusal(read, b"", kind)


# Files that are none


def test_a_missing_file_is_refused(tmp_path):
    assert "is not there" in refusal(read_submission, tmp_path / "lstm.py")


def test_a_folder_is_refused(tmp_path):
    assert "is a folder" in refusal(read_submission, tmp_path)


def test_the_ending_decides_in_any_case(tmp_path):
    (tmp_path / "lstm.PY").write_text("x = 1")
    assert read_submission(tmp_path / "lstm.PY").kind == "py"
    (tmp_path / "lstm.txt").write_text("x = 1")
    assert ".py" in refusal(read_submission, tmp_path / "lstm.txt")


@pytest.mark.parametrize("path", ["a\0.py", "x" * 5000 + ".py", "/dev/zero", "/dev/null"])
@pytest.mark.parametrize("follow_links", [True, False])
def test_impossible_paths_and_devices_are_refused(path, follow_links):
    with pytest.raises(SubmissionRefused):
        read_submission(Path(path), follow_links=follow_links)


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    os.symlink(tmp_path / "pipe.py", tmp_path / "link.py")
    code = "import sys, pathlib; from grader.source.submission import *; read_submission(pathlib.Path(sys.argv[1]))"
    for name in ("pipe.py", "link.py"):
        run = subprocess.run([sys.executable, "-c", code, tmp_path / name], capture_output=True, text=True, timeout=30,
                             cwd=Path(__file__).parents[1])
        assert "SubmissionRefused" in run.stderr and "pipe" in run.stderr


def test_a_socket_is_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.py"))
        refusal(read_submission, tmp_path / "s.py")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("")

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "Permission denied" in refusal(read_submission, tmp_path / "a.py")


def test_links_to_files_are_followed_only_where_allowed(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    os.symlink("a.py", tmp_path / "link.py")
    os.symlink("gone.py", tmp_path / "broken.py")
    os.symlink("loop.py", tmp_path / "loop.py")
    assert texts(read_submission(tmp_path / "link.py")) == ["x = 1"]
    assert texts(read_submission(tmp_path / "a.py", follow_links=False)) == ["x = 1"]
    assert "link" in refusal(read_submission, tmp_path / "link.py", follow_links=False)
    assert "not there" in refusal(read_submission, tmp_path / "broken.py")
    refusal(read_submission, tmp_path / "loop.py")


def test_of_an_endless_file_no_more_is_read_than_allowed(tmp_path):
    with open(tmp_path / "big.ipynb", "wb") as sparse:
        sparse.truncate(1 << 40)
    assert "32 MiB" in refusal(read_submission, tmp_path / "big.ipynb")


def test_no_descriptor_is_left_open(tmp_path):
    before = os.listdir("/proc/self/fd")
    refusal(read_submission, tmp_path)
    (tmp_path / "a.py").write_text("")
    read_submission(tmp_path / "a.py")
    assert os.listdir("/proc/self/fd") == before


def test_file_names_that_are_no_text_are_shown_as_escapes(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.py"
    with open(path, "w"):
        pass
    submission = read_submission(Path(os.fsdecode(path)))
    assert submission.name == "caf\\udce9" and submission.pieces[0].label == "caf\\udce9.py"
    (submission.file + submission.name).encode()


# Notebooks


def test_each_code_cell_is_a_piece_labelled_by_its_place_among_all_cells():
    cells = cell("# Title", "markdown"), cell("a = 1\nb = 2"), cell("raw", "raw"), cell(["c = 3\n", "d = 4"])
    submission = read(notebook(*cells))
    assert labelled(submission) == [("cell 2", "a = 1\nb = 2"), ("cell 4", "c = 3\nd = 4")]
    assert (submission.kind, submission.name, submission.remarks) == ("ipynb", "ada", ())


def test_version_3_notebooks_are_read_through_all_worksheets():
    def old(*lines):
        return {"cell_type": "code", "language": "python", "input": list(lines), "outputs": [], "metadata": {}}

    heading = {"cell_type": "heading", "level": 1, "source": ["T"], "metadata": {}}
    sheets = [{"cells": [heading, old("a\n", "b")]}, {"cells": [old("c")]}]
    tree = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": sheets}
    assert labelled(read(tree)) == [("cell 2", "a\nb"), ("cell 3", "c")]


def test_what_nbformat_writes_is_read(tmp_path):
    import nbformat.v4 as v4

    made = v4.new_notebook(cells=[v4.new_markdown_cell("m"), v4.new_code_cell("x = 1\ny = 2\n")])
    assert texts(read(v4.writes(made))) == ["x = 1\ny = 2\n"]


def test_a_notebook_without_code_is_a_submission_without_functions():
    assert read(notebook()).pieces == ()


def test_line_ends_within_cells_are_normalised():
    assert texts(read(notebook(cell("a\r\n%time x\rb")))) == ["a\n\nb"]


def test_outputs_may_be_large_but_source_may_not():
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (3 * MAX_SOURCE_BYTES)}
    assert texts(read(notebook(cell("a = 1", outputs=[output]), cell("m" * MAX_SOURCE_BYTES, "markdown")))) == ["a = 1"]
    half = "#" * (MAX_SOURCE_BYTES // 2)
    assert len(read(notebook(cell(half), cell(half))).pieces) == 2
    assert "1 MiB" in refusal(read, notebook(cell(half), cell(half), cell("#")))
    assert "1 MiB" in refusal(read, notebook(cell("é" * (MAX_SOURCE_BYTES // 2 + 1))))
    assert "32 MiB" in refusal(read, b" " * (MAX_NOTEBOOK_BYTES + 1))


@pytest.mark.parametrize(("raw", "says"), [
    ("", "Expecting value"),
    ("print('hello')", "line 1 column 1"),
    ("[" * 100_000, "nested too deeply"),
    ('{"metadata": ' * 3000 + "1" + "}" * 3000, "nested too deeply"),
    ("1" * 5000, "not a notebook"),
    ("[]", "version 3 or 4"),
    ("3", "version 3 or 4"),
    ("{}", "None"),
    (notebook(nbformat=5), "`nbformat` is 5"),
    (notebook(nbformat=4.0), "`nbformat` is 4.0"),
    (notebook(nbformat=2), "`nbformat` is 2"),
    (notebook(nbformat=True), "`nbformat` is True"),
    (notebook(nbformat=[4]), "`nbformat` is [4]"),
    (notebook(nbformat="4" * 1000), "`nbformat` is '444"),
    ({"nbformat": 4, "metadata": {}}, "cells"),
    ({"nbformat": 3, "metadata": {}, "worksheets": 3}, "not laid out"),
    ({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "code"}]}]}, "outputs"),
    (notebook(cells=None), "not laid out"),
    (notebook(3), "not laid out"),
    (notebook({"source": "x", "metadata": {}}), "cell_type"),
    (notebook(cell(3)), "$.cells[0].source"),
    (notebook(cell(["a", 3])), "not laid out"),
    (notebook(cell({"a": 1})), "not laid out"),
    (notebook(cell("a"), cell("a\0b")), "cell 2, holds a NUL"),
    (notebook(cell("a = '\ud800'")), "U+D800"),
    ('{"nbformat": 4, "metadata": {}, "cells": [], "cells": []}', "'cells' stands twice"),
    ('{"nbformat": 4, "metadata": {"a": [{"b": 1, "b": 2}]}, "cells": []}', "'b' stands twice"),
])
def test_what_is_no_notebook_is_refused(raw, says, capfd):
    assert says in refusal(read, raw)
    assert capfd.readouterr() == ("", "")


def test_escaped_duplicate_keys_are_found_too():
    assert "twice" in refusal(read, '{"nbformat": 4, "metadata": {}, "cells": [], "c\\u0065lls": []}')


def test_reading_a_notebook_prints_nothing_even_if_it_breaks_its_schema(capfd, recwarn):
    future = {"cell_type": "future", "metadata": {}, "source": "?"}
    tree = notebook(cell("x = 1", surplus=1), cell("", input="y"), future, extra=[1])
    assert texts(read(tree)) == ["x = 1", ""]
    assert capfd.readouterr() == ("", "") and not list(recwarn)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
STREAM = {"output_type": "stream", "name": "stdout", "text": ["a"]}
GOOD = notebook(cell(["%%time\n", "x = 1\n", "y = (x\n", " % 2)"], outputs=[STREAM]),
                cell("# t", "markdown", attachments={"a.png": {"image/png": "x"}}))
OLD_CELL = {"cell_type": "code", "input": ["x\n"], "outputs": [STREAM], "metadata": {}}
OLD = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [OLD_CELL]}]}


def places(tree, path=()):
    """Paths to all values in a JSON tree."""
    yield path
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def changed(tree, path, value):
    if not path:
        return value
    copy = tree.copy()
    copy[path[0]] = changed(tree[path[0]], path[1:], value)
    return copy


def submission_or_refusal(raw, kind):
    """No other exception leaves; what is read can be written as JSON and as UTF-8."""
    try:
        submission = submission_from_bytes(raw, file="a", kind=kind, name="a")
    except SubmissionRefused as error:
        str(error).encode()
        return
    for piece in submission.pieces:
        piece.text.encode()
        assert "\r" not in piece.text and "\0" not in piece.text


@pytest.mark.parametrize("depth", [300, 500, 700, 900, 1100, 50_000])
def test_nested_notebooks_are_a_submission_or_refused_at_any_depth(depth):
    nested = '{"a": ' * depth + "1" + "}" * depth
    submission_or_refusal(f'{{"nbformat": 4, "cells": [], "metadata": {nested}}}'.encode(), "ipynb")


@given(st.binary() | st.text().map(str.encode), st.sampled_from(["py", "ipynb", "x"]))
@example(b"\xef\xbb\xbf\xff", "py")
@example(b"\xff\xfe\0\0", "ipynb")
def test_arbitrary_bytes_are_a_submission_or_refused(raw, kind):
    submission_or_refusal(raw, kind)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_notebooks_are_a_submission_or_refused(data):
    tree = data.draw(st.sampled_from([GOOD, OLD]))
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(tree))))
        tree = changed(tree, path, data.draw(JSON))
    submission_or_refusal(json.dumps(tree).encode(), "ipynb")


@settings(deadline=None)
@given(st.data())
def test_damaged_notebooks_are_a_submission_or_refused(data):
    raw = bytearray(json.dumps(data.draw(st.sampled_from([GOOD, OLD]))).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at:at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    submission_or_refusal(bytes(raw), "ipynb")


# Magics


@pytest.mark.parametrize(("source", "python"), [
    ("%matplotlib inline\nx = 1", "\nx = 1"),
    ("  %time f()", "  pass"),
    ("if x:\n    !ls\ny = 2", "if x:\n    pass\ny = 2"),
    ("def f():\n\t%time g()", "def f():\n\tpass"),
    ("!pip install a \\\n  b 'c\nx = 1", "\n\nx = 1"),
    ("!echo 'it\nx = 1", "\nx = 1"),
    ("!f(\n%time x\nx = 1", "\n\nx = 1"),
    (")\n%time x", ")\n"),
    ("x = 'a\\\\\n%time y", "x = 'a\\\\\n"),
    ('s = """\\d"""\n%time y', 's = """\\d"""\n'),
    ("np.dot?\nx", "\nx"),
    ("np.dot??\n?np.dot\n??x\nf[0]?", "\n\n\n"),
    ("x.y? # why", ""),
    ("files = !ls '(\nx", "\nx"),
    ("t = %timeit -o f()", ""),
    ("    d['a=b'] = !ls", "    pass"),
    ("a, b = !ls", ""),
    ("%%time\nx = 1", "\nx = 1"),
    ("\n\n%%timeit -n 3 y = 2\nx = 1", "\n\n\nx = 1"),
    ("%%capture out\n%%time\nx = 1", "\n\nx = 1"),
    ("%%grade lstm -t forward\nx = 1", "\nx = 1"),
    ("x = 1\n%%bash\nls", "x = 1\n\nls"),
])
def test_magics_become_empty_lines_or_pass(source, python):
    found = read_cell(source)
    assert (found.python, found.magic) == (python, "")
    assert found.python.count("\n") == source.count("\n")


@pytest.mark.parametrize("source", [
    "x = (a\n % b)",
    "x = [a,\n%b]",
    "x = a \\\n% b",
    "x = a \\\n    %b",
    "s = '''\n%time\n!ls\nwhat?\n'''",
    's = """\n%time\\\n!ls\nfiles = !ls\n"""\ny = 1',
    "s = r'''\n\\'''\n!ls'''\n",
    "s = 'a\\\n%b'",
    "s = 'a\\\\'\nt = 1",
    "x = 1  # what?",
    "# what?\n# %time\n#!ls",
    "s = 'what?'",
    "s = '= !ls'",
    "x = a != b\ny = a %b\nz = a == b\nx %= 3",
    "f(a='%d' % 3, b=\"!\")",
    "s = ''\nt = \"\"\nu = ''''''",
    "s = '\"\"\"'\nt = 1\nx = (1\n%2)",
    "x = '(['\ny = 1",
    "f'{x!r:>{width}}'",
    "d = {'a': 1,  # it's (\n 'b': 2\n%3}",
    'f"{f"{x=!r}"}"',
    "x = 3 ?",
    "f(x?\n)",
    "x -= !y",
    "x = a\n% b",
    "print('hello'",
])
def test_everything_else_stays_as_it_is(source):
    assert read_cell(source).python == source


@pytest.mark.parametrize("name", ["tokenize", "textwrap", "difflib", "argparse", "doctest", "test.test_grammar"])
def test_real_python_is_never_changed(name):
    import importlib.util

    found = importlib.util.find_spec(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    source = Path(found.origin).read_text("utf-8")
    assert read_cell(source).python == source


TOKENS = ["x", "=", "%", "!", "?", "(", ")", "[", "]", "'", '"', "'''", '"""', "\\", "\n", " ", "#", "!=", "%b", "1"]
PYTHON = st.lists(st.sampled_from(TOKENS), max_size=25).map("".join)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@settings(max_examples=1500)
@given(PYTHON)
def test_a_cell_that_parses_is_never_changed(source):
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        assert read_cell(source).python.count("\n") in (source.count("\n"), 0)
    else:
        assert read_cell(source).python == source


@pytest.mark.parametrize(("source", "magic"), [
    ("%%bash\nls", "%%bash"),
    ("\n  %%html\n<b>", "%%html"),
    ("%%writefile a.py\nx = 1", "%%writefile"),
    ("%%time\n%%bash\nls", "%%bash"),
    ("%%python3\nx = 1", "%%python3"),
    ("%%!\nls", "%%!"),
    ("%%" + "x" * 500, "%%" + "x" * 30),
    ("%%a`\x1b[2J", "%%a"),
])
def test_cells_in_other_languages_are_left_out_and_named(source, magic):
    submission = read(notebook(cell("", "markdown"), cell("x = 1"), cell(source), cell("y = 2")))
    assert [piece.label for piece in submission.pieces] == ["cell 2", "cell 4"]
    assert [(remark.kind, remark.text) for remark in submission.remarks] == [
        ("cell_left_out", f"Cell 3 (`{magic}`) is not Python and was left out.")]


def test_a_name_that_a_command_would_have_assigned_is_remarked():
    submission = read(notebook(cell("x = 1\nfiles = !ls\n!ls")))
    assert [(remark.kind, remark.text[:14]) for remark in submission.remarks] == [("line_left_out", "Cell 1, line 2")]


def test_hostile_cells_take_no_longer_than_their_length_warrants():
    for pattern in ("(", "\\", "'", "'''", "a? ", "x ", "= ", "#\n"):
        started = time.process_time()
        read_cell(pattern * (MAX_SOURCE_BYTES // len(pattern)))
        assert time.process_time() - started < 5


def test_ipython_is_never_imported():
    """(In a process of its own: other tests drive IPython.)"""
    script = ("import json, sys\nfrom grader.source.submission import submission_from_bytes\n"
              "submission_from_bytes(sys.stdin.buffer.read(), file='s.ipynb', kind='ipynb', name='s')\nprint('IPython' in sys.modules)")
    data = json.dumps(notebook(cell("%time x"))).encode()
    done = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True)
    assert done.stdout.strip() == b"False"



def test_a_python_file_is_read_without_nbformat(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    code = ("import sys, pathlib; from grader.source.submission import *; read_submission(pathlib.Path(sys.argv[1]));"
            "print({'nbformat', 'jsonschema'} & set(sys.modules))")
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "a.py"], capture_output=True, text=True, check=True,
                         cwd=Path(__file__).parents[1])
    assert run.stdout.strip() == "set()"
