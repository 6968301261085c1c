"""What of solutions, hidden tests and the author's machine stands in files that students receive. Pure.

    wanted = Wanted.of(reference, stub, tests, released tests, page, ...)     what may not be found
    scan(documents, wanted, may_show)                                          -> leaks

A solution's code and comments are looked for as eight tokens in a row (short statements and answers as a whole) that do
not also stand in the code around the regions; hidden tests by their names, seeds and longer constants.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from grader.release import tokens
from grader.release.tokens import Words
from grader.source.names import tests_in
from grader.source.strip import END, first_line, regions

RUN = 8  # tokens in a row
SHORT = 5  # tokens of a statement that is looked for as a whole
WORDY = 4  # words of a comment that is looked for as a whole
TELLING = 5  # digits or characters of a constant
SEEDED = re.compile(r"(?i)\b\w*(?:seed|default_rng|randomstate)\(\s*(\d+)\s*[,)]")
_NUMBER = re.compile(r"(?<![\w.])(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
PATHS = re.compile(r"(?<![\w.:/~-])/(?:home|Users|root|tmp|private|mnt|media|srv|work|opt|var)/[\w.+-]+|\b[A-Za-z]:\\\\?[\w.+-]+\\")


class Document(NamedTuple):
    """A text that students receive; constants of hidden tests may stand where its author speaks to students."""

    file: str
    text: str
    code: bool = False
    spoken: frozenset[int] | None = frozenset()  # lines; None: all of it
    tests: bool = False


class Leak(NamedTuple):
    file: str
    line: int
    text: str  # the line it was found in
    what: str
    excusable: bool = True


class Wanted(NamedTuple):
    """What may not stand in a release."""

    runs: dict[Words, str]  # -> what it is
    names: frozenset[str]  # of hidden tests
    numbers: frozenset[float]
    texts: frozenset[str]
    seeds: frozenset[str]
    secret: str
    places: tuple[str, ...]  # paths and names of the author's machine


def wanted(reference: str, stub: str, tests: str, public: str, *, hidden: Iterable[str] = (), page: str = "", secret: str = "",
           places: Iterable[str] = (), file: str = "reference") -> Wanted:
    """What may not be found, from the author's files and what the release makes of them.

    stub, public: the released file and tests   hidden: names of further tests   page: what the author says to students
    secret: of the course                       places: of the author's machine   file: as errors call the reference
    """
    code = _hidden_code(tests, public)
    spoken = "\n".join([page, stub, _public_functions(public), *_titles(tests)])
    numbers, texts = _constants(code)
    seeds = {seed for segment in code for seed in SEEDED.findall(segment)} - set(SEEDED.findall(spoken))
    told = set(_numbers(spoken))
    return Wanted(
        runs=_solution_runs(reference, stub, file), names=frozenset(hidden) | (tests_in(ast.parse(tests)) - tests_in(ast.parse(public))),
        numbers=frozenset(numbers - told), texts=frozenset(t for t in texts if t not in spoken),
        seeds=frozenset(seeds), secret=secret, places=tuple(places))


# Solutions ------------------------------------------------------------------------------------------------------------


def _solution_runs(reference: str, stub: str, file: str) -> dict[Words, str]:
    """Runs of tokens that only solutions have, each with what it is."""
    lines, plain = reference.split("\n"), tokens.code_only(reference).split("\n")
    found: dict[Words, str] = {}
    tree = ast.parse(reference)
    for region in regions(reference, file):
        inner = slice(region.begin, region.end - 1)
        for text in ("\n".join(lines[inner]), "\n".join(plain[inner])):
            runs = (run for run in tokens.windows(tokens.words(text), RUN) if tokens.says_something(run, 4))
            found |= dict.fromkeys(runs, "code of a solution")
        for statement in (n for n in ast.walk(tree) if isinstance(n, ast.stmt) and region.begin < n.lineno and n.end_lineno < region.end):
            run = tokens.words(tokens.code_only("\n".join(lines[statement.lineno - 1 : statement.end_lineno]).strip()))
            if len(run) >= SHORT and tokens.says_something(run, 3):
                found[run] = "a statement of a solution"
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and not region.indent:
                found[run] = "an answer"
    for comment in _comments_of_regions(reference, file):
        run = tokens.words(comment)
        if WORDY <= len(run) and len(set(run)) >= 3:
            found[run] = "a comment of a solution"
    around = tokens.words(tokens.code_only(stub))
    for length in {len(run) for run in found}:
        for run in tokens.windows(around, length):
            found.pop(run, None)
    return found


def _comments_of_regions(reference: str, file: str) -> Iterator[str]:
    lines = reference.split("\n")
    for region in regions(reference, file):
        inside = lines[region.begin : region.end - 1]
        indent = min((len(line) - len(line.lstrip()) for line in inside if line.strip()), default=0)
        yield from (comment for comment in tokens.comments_in("\n".join(line[indent:] for line in inside) + "\n") if comment != END)


# Hidden tests ---------------------------------------------------------------------------------------------------------


def _hidden_code(tests: str, public: str) -> list[str]:
    """The statements at the left margin of the tests that are not released."""
    lines = tests.split("\n")
    segments = ("\n".join(lines[first_line(node) - 1 : node.end_lineno]) for node in ast.parse(tests).body)
    return [segment for segment in segments if segment not in public]


def _public_functions(public: str) -> str:
    return "\n".join(public.split("\n")[number - 1] for number in sorted(lines_of_tests(public)))


def lines_of_tests(source: str) -> frozenset[int]:
    """The lines of the test functions, with their decorators."""
    nodes = [n for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name.startswith("test")]
    return frozenset(number for node in nodes for number in range(first_line(node), node.end_lineno + 1))


def _titles(tests: str) -> Iterator[str]:
    """The titles of all tests are released, those of hidden ones too."""
    for node in ast.parse(tests).body:
        if isinstance(node, ast.FunctionDef):
            yield (ast.get_docstring(node) or "").partition("\n")[0]


def _constants(segments: Iterable[str]) -> tuple[set[float], set[str]]:
    """(numbers of many digits, texts of many characters)"""
    numbers, texts = set(), set()
    for node in (node for segment in segments for node in ast.walk(ast.parse(segment)) if isinstance(node, ast.Constant)):
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if len(re.sub(r"e.*|\D", "", repr(value)).strip("0")) >= TELLING:
                numbers.add(float(value))
        elif isinstance(value, str) and len(value.strip()) >= TELLING and "\n" not in value:
            texts.add(value.strip())
    return numbers, texts


# The scan -------------------------------------------------------------------------------------------------------------


def scan(documents: Iterable[Document], looked_for: Wanted, may_show: Iterable[str] = ()) -> list[Leak]:
    """What was found, without the lines `may_show`."""
    allowed = frozenset(line.strip() for line in may_show)
    found: dict[tuple[str, int], Leak] = {}
    for document in documents:
        for leak in _leaks(document, looked_for, allowed):
            found.setdefault((leak.file, leak.line), leak)
    return [leak for leak in found.values() if not (leak.excusable and leak.text in allowed)]


def _leaks(document: Document, looked_for: Wanted, allowed: frozenset[str]) -> Iterator[Leak]:
    lines = document.text.split("\n")
    skipped = frozenset(number for number, line in enumerate(lines, 1) if line.strip() in allowed)

    def leak(number: int, what: str, excusable: bool = True) -> Leak:
        return Leak(document.file, number, lines[number - 1].strip(), what, excusable)

    for number, line in enumerate(lines, 1):
        if looked_for.secret and _stands_in(looked_for.secret, line):
            yield leak(number, "the course's secret", False)
        for word in sorted(looked_for.names):
            if re.search(rf"\b{re.escape(word)}\b", line):
                yield leak(number, f"the name of a hidden test, {word}")
        if place := next((p for p in looked_for.places if _stands_in(p, line)), None) or (m := PATHS.search(line)) and m.group():
            yield leak(number, f"a place on the author's machine, {place}")
    for text in (document.text, *([tokens.code_only(document.text)] if document.code else [])):
        for number, run in tokens.find(tokens.tokens(text, skipped), looked_for.runs):
            yield leak(number, f"{looked_for.runs[run]}, {' '.join(run)}")
    for number, line in enumerate(lines, 1):
        if document.spoken is not None and number not in document.spoken:
            yield from (leak(number, what) for what in _constants_in(line, looked_for, document.tests))


def _constants_in(line: str, looked_for: Wanted, tests: bool) -> Iterator[str]:
    for number in sorted(looked_for.numbers.intersection(_numbers(line))):
        yield f"a constant of hidden tests, {number:.17g}"
    for text in sorted(looked_for.texts):
        if not tests and _stands_in(text, line):  # names of results in helpers are used by all tests
            yield f"a text of hidden tests, {text!r}"
    for seed in SEEDED.findall(line):
        if seed in looked_for.seeds:
            yield f"a seed of hidden tests, {seed}"


def _numbers(text: str) -> Iterator[float]:
    for number in _NUMBER.findall(text):
        try:
            yield float(number)
        except ValueError:  # `1.2.3`
            continue


def _stands_in(word: str, line: str) -> bool:
    """As it is; a short one as a word of its own."""
    return word in line if len(word) >= 16 else bool(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", line))


# What tests may import ------------------------------------------------------------------------------------------------


def strange_imports(tests: str, allowed: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line, module) of what released tests import beside `allowed` and the standard library."""
    import sys

    known = {*allowed, *sys.stdlib_module_names}
    for node in ast.walk(ast.parse(tests)):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("import_module", "__import__", "importorskip"):
            modules = [str(getattr(a, "value", "?")) for a in node.args[:1]]
        for module in modules:
            if module.partition(".")[0] not in known:
                yield node.lineno, module
