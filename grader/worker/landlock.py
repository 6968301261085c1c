"""Landlock: the worker may read the standard library and the allowed distributions, and touch no other file.

    ruleset = build(readable(("numpy",)))     once, in the process that forks workers
    restrict(ruleset)                         in the worker; for good

Handled is every right that the kernel knows; granted is reading, on one rule per folder. `readable` never names
site-packages as a whole: this package, pytest and courses with solutions live there, and a rule cannot subtract.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator

from grader.worker import kernel

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # on every architecture
VERSION, PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # from this ABI on
NETWORK_RIGHTS = {4: 0b11}  # bind and connect of TCP
SCOPES = {6: 0b11}  # abstract sockets, signals
PACKAGES = frozenset(("site-packages", "dist-packages"))
DEVICES = ("/dev/null", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def abi() -> int:
    """The version that the kernel offers; OSError when it offers none."""
    return kernel.syscall("landlock_create_ruleset", CREATE_RULESET, None, 0, VERSION)


def build(paths: Iterable[tuple[str, int]]) -> int:
    """A descriptor of the ruleset that grants `(path, rights)` and denies all else."""
    ruleset = _create(abi())
    try:
        for path, rights in paths:
            _grant(ruleset, path, rights)
    except OSError:
        os.close(ruleset)
        raise
    return ruleset


def restrict(ruleset: int) -> None:
    """Put this thread and what it starts under the ruleset (needs no_new_privs), and close it."""
    kernel.syscall("landlock_restrict_self", RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _create(version: int) -> int:
    attributes = _Ruleset(*(_newest(table, version) for table in (FILE_RIGHTS, NETWORK_RIGHTS, SCOPES)))
    try:
        return _create_ruleset(attributes, version)
    except OSError as error:
        if error.errno != errno.EINVAL or not attributes.scopes:
            raise
        attributes.scopes = 0  # kernels that say 6 without scopes exist; seccomp denies sockets and signals as well
        return _create_ruleset(attributes, version)


def _create_ruleset(attributes: _Ruleset, version: int) -> int:
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    return kernel.syscall("landlock_create_ruleset", CREATE_RULESET, ctypes.byref(attributes), size, 0)


def _newest(rights: dict[int, int], version: int) -> int:
    return rights[max(since for since in rights if since <= version)] if version >= min(rights) else 0


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = _PathBeneath(rights if os.path.isdir(path) else rights & ~READ_DIR, folder)
        kernel.syscall("landlock_add_rule", ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(folder)


# -- what may be read --------------------------------------------------------------------------------------------------


def readable(allowed: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """`(path, rights)` of the standard library, of each allowed distribution and of a few devices."""
    packages = [path for name in allowed for path in distribution(name)]
    secret = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    for path in packages:
        if _is_within(secret, os.path.realpath(path)):
            raise OSError(errno.EPERM, f"reading {path} would open the grader itself")
    files = DEVICES + (("/proc/cpuinfo",) if "torch" in allowed else ())
    return (*_standard_library(), *((path, READ_FILE | READ_DIR) for path in packages), *((path, READ_FILE) for path in files))


def distribution(name: str) -> Iterator[str]:
    """The folders (or the file) of an importable package, and the shared libraries that wheels put beside it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    places = list(spec.submodule_search_locations or ()) or [spec.origin or ""]
    for place in filter(os.path.isabs, places):
        yield place
        yield from filter(os.path.isdir, (os.path.join(os.path.dirname(place), f"{name}.libs"),))


def _standard_library() -> Iterator[tuple[str, int]]:
    folders = [os.path.dirname(os.__file__), *(p for p in sys.path if os.path.basename(p) == "lib-dynload")]
    for folder in folders:
        inside = os.listdir(folder) if os.path.isdir(folder) else []
        if PACKAGES.isdisjoint(inside):
            yield folder, READ_FILE | READ_DIR
            continue
        yield folder, READ_DIR  # names only: packages are installed right in this folder
        for name in inside:
            if name not in PACKAGES:
                yield os.path.join(folder, name), READ_FILE | READ_DIR


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
