"""Load a reference solution as a module, by its slug."""

import importlib.util
from pathlib import Path
from types import ModuleType

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"


def reference(slug: str) -> ModuleType:
    """The module `solutions/SLUG/slug.py`, executed anew."""
    name = slug.replace("-", "_")
    spec = importlib.util.spec_from_file_location(f"reference_{name}", SOLUTIONS / slug / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
