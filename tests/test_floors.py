"""The floors of the package: imports go down only; and the engine knows no exercise by name."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "grader"
FLOORS = {
    0: {"errors", "wire", "fingerprint", "testing", "processors"},
    1: {"course", "source", "record"},
    2: {"worker"},
    3: {"suite", "feedback", "diagnosis"},
    4: {"check", "audit", "release", "batch", "gradebook", "starting", "changes", "scaffold", "container", "hinting"},
    5: {"render"},
    6: {"cli", "lane", "notebook", "__main__"},
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(file: Path) -> set[str]:
    """Rooms of our package that a file imports, anywhere in it."""
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "grader":
            parts = node.module.split(".")[1:]
            rooms |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("grader.")}
    return rooms - {"__version__"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down_only(file):
    room = room_of(file)
    if room == "__init__":
        return
    assert room in FLOOR_OF, f"{room} has no floor yet: give it one in FLOORS"
    upwards = {r for r in imported_rooms(file) if FLOOR_OF[r] > FLOOR_OF[room]}
    assert not upwards


def test_the_worker_imports_nothing_of_ours_but_the_wire():
    inside = [PACKAGE / "worker" / f"{name}.py" for name in ("server", "blocks", "policy", "tell", "zygote", "spawned", "sandbox")]
    for file in inside:
        assert imported_rooms(file) <= {"wire", "worker"}, file


def test_no_file_of_the_package_names_an_exercise():
    slugs = [p.parent.name for p in (PACKAGE.parent / "solutions").glob("*/assignment.toml")]
    assert len(slugs) >= 2
    for file in FILES:
        strings = [n.value for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        docstrings = {ast.get_docstring(n, clean=False) for n in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                      if isinstance(n, (ast.Module, ast.FunctionDef, ast.ClassDef))}
        named = [s for s in strings if s not in docstrings and any(s == slug or f"{slug}.py" in s or s == slug.replace("-", "_") for slug in slugs)]
        assert not named, (file, named)


@pytest.mark.parametrize("verb", ["list", "--help", None])
def test_light_commands_import_nothing_heavy(verb):
    import subprocess
    import sys

    script = ("import sys\nfrom grader.cli import main\nsys.argv = ['grade'] + sys.argv[1:]\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
              "print(sorted(m for m in ('numpy', 'pytest', 'nbformat', 'torch', 'rich') if m in sys.modules), file=sys.stderr)")
    result = subprocess.run([sys.executable, "-c", script, *([verb] if verb else [])], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert result.stderr.strip() == "[]"
