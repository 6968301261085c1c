"""The pytest plugin: collect once, then run every case once per submission.

Pytest brings parametrisation, fixtures of the author's own and collection; the verdict of a case is ours. The test's
body runs in `pytest_pyfunc_call`, where findings and exceptions become an outcome instead of a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.errors import CourseError, GradeError
from grader.suite.plan import Case, case_of, freeze_module

UNUSED = """cacheprovider terminal junitxml doctest faulthandler logging capture pastebin setuponly setupplan stepwise
            unraisableexception threadexception warnings debugging recwarn tmpdir monkeypatch unittest legacypath skipping subtests""".split()


def run_pytest(test_file: Path, drive: Callable[[Suite], None], judge: Callable[[Any, dict], None], fixtures: dict[str, Any],
               select: str | None = None, without: tuple[str, ...] = ()) -> None:
    """Collect `test_file`, call `drive(suite)` in the run loop; errors of ours pass through unchanged.

    judge: runs a test's body with its fixtures and notes the outcome.
    fixtures: what `student`, `reference` and `rng` are.
    without: tests that are left aside.
    """
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugin = Plugin(drive, judge, fixtures, without)
    options = [str(test_file), "--rootdir", str(test_file.parent), "--confcutdir", str(test_file.parent), "-c", os.devnull, "--noconftest", "--import-mode=importlib",
               "--assert=plain", *(["-k", select] if select else []), *(f"-pno:{name}" for name in UNUSED)]
    sys.modules.pop(test_file.stem, None)  # pytest would take the tests of an earlier session in this process
    stdout, sys.stdout = sys.stdout, sys.stderr  # an author's print is no result
    try:
        status = pytest.main(options, plugins=[plugin, _fixture_module(fixtures)])
    finally:
        sys.stdout = stdout
    if plugin.error is not None:
        raise plugin.error
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.TESTS_FAILED):
        raise CourseError(f"pytest could not use the tests (exit {int(status)})", str(test_file))


class Suite:
    """The collected cases and a way to run one of them."""

    def __init__(self, items: list[Any], selected: frozenset[str], judge: Callable[[Any, dict], None], fixtures: dict[str, Any]):
        self.selected, self.judge, self.fixtures = selected, judge, fixtures
        self.items = {item.name: item for item in items}
        self.cases: tuple[Case, ...] = tuple(case_of(item) for item in items)
        self.neighbour, self.other_neighbour = items[0], items[-1] if len(items) > 1 else None
        self.plain = {item.name: self._plain_arguments(item) for item in items}
        self.marks = {item.name: len(item.own_markers) for item in items}

    def run(self, case: Case) -> None:
        """Run one case; what pytest keeps of it is cleared for the next submission."""
        item = self.items[case.id]
        if (arguments := self.plain[case.id]) is not None:
            self.judge(item.obj, arguments)
            return
        other = self.neighbour if item is not self.neighbour else self.other_neighbour
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=other)  # an item to come: keeps module and session fixtures set up
        item.user_properties.clear()
        item._report_sections.clear()
        if len(item.own_markers) != self.marks[case.id]:
            raise CourseError(f"{case.test} adds marks while it runs", case.where)

    def _plain_arguments(self, item: Any) -> dict[str, Any] | None:
        """Arguments of an item that uses no fixture of the author's own: pytest's protocol has nothing to do for it."""
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        definitions = item._fixtureinfo.name2fixturedefs
        direct = {name for name in parameters if definitions[name][-1].func.__name__ == "get_direct_param_fixture_func"}
        if set(item.fixturenames) - self.fixtures.keys() - direct:
            return None
        return {name: self.fixtures[name] if name in self.fixtures else parameters[name] for name in item._fixtureinfo.argnames}


class Plugin:
    """Hooks of one session."""

    def __init__(self, drive: Callable[[Suite], None], judge: Callable[[Any, dict], None], fixtures: dict[str, Any],
                 without: tuple[str, ...] = ()):
        self.drive, self.judge, self.fixtures, self.without, self.error = drive, judge, fixtures, without, None
        self.all_items: list[Any] = []

    def pytest_configure(self, config: Any) -> None:
        for mark in ("part(name)", "points(weight, per_case=False)", "public", "secondary", "chain", "case(**attributes)"):
            config.addinivalue_line("markers", mark)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and self.error is None:
            self.error = CourseError(f"the tests do not load: {_last_line(report)}", _crash_place(report))

    def pytest_itemcollected(self, item: Any) -> None:
        if item.originalname not in self.without:
            self.all_items.append(item)

    def pytest_runtestloop(self, session: Any) -> bool:
        """In place of pytest's loop over items: the engine's loop over submissions."""
        if self.error is not None:
            return True
        try:
            for module in {item.module for item in self.all_items}:
                freeze_module(module)
            suite = Suite(self.all_items, frozenset(item.name for item in session.items), self.judge, self.fixtures)
            self.drive(suite)
        except (GradeError, KeyboardInterrupt) as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - pytest would print it; the command line reports it as internal
            self.error = error
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool:
        """The body of one case, its outcome noted by the engine instead of raised."""
        names = pyfuncitem._fixtureinfo.argnames
        self.judge(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names})
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Setup or teardown failed: the author's fixtures."""
        if report.failed:
            raise CourseError(f"{report.nodeid.rpartition('::')[2]}: {_last_line(report)}", _crash_place(report))


def _fixture_module(values: dict[str, Any]) -> ModuleType:
    """A module whose fixtures give `values`."""
    module = ModuleType("grade_fixtures")
    for name, value in values.items():
        setattr(module, name, pytest.fixture(scope="session", name=name)(lambda value=value: value))
    return module


def _last_line(report: Any) -> str:
    lines = [line for line in str(report.longrepr).split("\n") if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (errors[-1] if errors else lines[-1] if lines else "unknown")[:300]


def _crash_place(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"{crash.path}:{crash.lineno}" if crash else report.nodeid.partition("::")[0]
