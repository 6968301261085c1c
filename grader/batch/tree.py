"""What was handed in, as files: a folder or a zip, read without following anything out of it.

Entries are regular files by their path inside; links, devices, pipes and odd archive members are refused one by one.
Nothing is unpacked to disk, and nothing of it is ever imported, run or on a search path.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from grader.batch.run_folder import Unowned
from grader.errors import SubmissionRefused, UsageError

if TYPE_CHECKING:
    import zipfile

IGNORED = {"__MACOSX", "__pycache__", "node_modules", "Thumbs.db", "desktop.ini"}
DEEPEST = 16
MOST_BYTES = 32 << 20  # of one file, as `submission` reads it; one byte more is read, and refused there
MOST_ENTRIES = 200_000
MOST_ZIP_BYTES = 4 << 30  # unpacked, all that is read


def open_tree(path: Path) -> FolderTree | ZipTree:
    if path.is_dir():
        return FolderTree(path)
    if path.is_file():
        return ZipTree(path)
    raise UsageError(f"{path} is neither a folder nor a zip of submissions")


def printable(name: str) -> str:
    """Names may hold bytes that no text can, and characters that steer terminals: shown as escapes."""
    name = name.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


class FolderTree:
    """Entries of a folder."""

    def __init__(self, root: Path):
        self.root = root
        self.paths: dict[str, Path] = {}  # shown -> real
        self.refused: list[Unowned] = []
        self.clones: dict[str, Path] = {}  # folder with a `.git` -> where it lies
        self.empty: list[str] = []
        self._walk(root, "", 0)

    def _walk(self, folder: Path, shown: str, depth: int) -> None:
        if depth > DEEPEST or len(self.paths) > MOST_ENTRIES:
            self.refused.append(Unowned(path=shown, reason=f"nested more than {DEEPEST} deep" if depth > DEEPEST else f"more than {MOST_ENTRIES} files"))
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError as error:
            self.refused.append(Unowned(path=shown, reason=f"cannot be read ({error.strerror})"))
            return
        for entry in entries:
            name = f"{shown}/{printable(entry.name)}".lstrip("/")
            if entry.name == ".git" and entry.is_dir(follow_symlinks=False):
                self.clones[shown] = folder
            if entry.name.startswith(".") or entry.name in IGNORED:
                continue
            if entry.is_dir(follow_symlinks=False):
                self._walk(folder / entry.name, name, depth + 1)
            elif entry.is_file(follow_symlinks=False):
                self.paths[name] = folder / entry.name
            else:
                kind = "a link" if entry.is_symlink() else "a pipe, a device or the like"
                self.refused.append(Unowned(path=name, reason=f"{kind}; needed is the file itself"))

    def read(self, shown: str) -> bytes:
        """At most one byte more than a submission may have; never waits, never follows a link."""
        flags = os.O_RDONLY
        for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOFOLLOW"):
            flags |= getattr(os, flag, 0)
        try:
            with open(os.open(self.paths[shown], flags), "rb") as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    raise SubmissionRefused("no regular file")
                return stream.read(MOST_BYTES + 1)
        except OSError as error:
            raise SubmissionRefused(f"cannot be read ({error.strerror})") from None


class ZipTree:
    """Entries of a zip; whatever could leave it or means two things is refused."""

    clones: dict[str, Path] = {}

    def __init__(self, path: Path):
        self.root = path
        self.refused: list[Unowned] = []
        self.paths: dict[str, zipfile.ZipInfo] = {}
        self.left = MOST_ZIP_BYTES
        import zipfile  # a MiB that folders do not need

        self.errors = (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError)
        try:
            self.zip = zipfile.ZipFile(path)
            members = self.zip.infolist()
        except self.errors as error:
            raise UsageError(f"{path} is neither a folder nor a zip that can be read ({error})") from None
        if len(members) > MOST_ENTRIES:
            raise UsageError(f"{path} holds {len(members)} files, more than {MOST_ENTRIES}")
        count = Counter(m.filename for m in members)
        for member in members:
            self._take(member, count[member.filename])

    def _take(self, member: zipfile.ZipInfo, count: int) -> None:
        name = printable(member.filename)
        parts = PurePosixPath(member.filename).parts
        if member.is_dir() or any(p.startswith(".") and p != ".." or p in IGNORED for p in parts):
            return
        if reason := _unfit(member, parts, count):
            if not any(r.path == name for r in self.refused):
                self.refused.append(Unowned(path=name, reason=reason))
            return
        self.paths[name] = member

    def read(self, shown: str) -> bytes:
        try:
            with self.zip.open(self.paths[shown]) as stream:
                data = stream.read(min(MOST_BYTES, self.left) + 1)
        except self.errors as error:
            raise SubmissionRefused(f"cannot be unpacked ({error})") from None
        except Exception as error:  # noqa: BLE001 - zlib's and lzma's own kinds
            raise SubmissionRefused(f"cannot be unpacked ({type(error).__name__}: {error})") from None
        self.left -= len(data)
        if self.left < 0:
            raise SubmissionRefused(f"the zip unpacks to more than {MOST_ZIP_BYTES >> 30} GiB")
        return data


def _unfit(member: zipfile.ZipInfo, parts: tuple[str, ...], count: int) -> str | None:
    mode = member.external_attr >> 16
    if not parts or ".." in parts or parts[0].startswith("/") or "\\" in member.filename or ":" in parts[0]:
        return "a path that leads out of the zip"
    if len(parts) > DEEPEST:
        return f"nested more than {DEEPEST} deep"
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "a link or a device; needed is the file itself"
    if member.flag_bits & 1:
        return "encrypted"
    if count > 1:
        return f"stands {count} times in the zip"
    return None
