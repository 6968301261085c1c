"""`RUN/`: reports.jsonl (one line per report, each complete), sources/, run.json. Everything else can be derived from it.

Lines are appended as they come and reach the disk at the latest a second later; a line torn by a power cut is cut
off when the run is resumed, and its submission is marked again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader.errors import AlteredError, GradeError, UsageError

if TYPE_CHECKING:
    from grader.record.report import Report

SCHEMA = "grade/run/v1"
REPORTS, MANIFEST, SOURCES = "reports.jsonl", "run.json", "sources"
SYNC_S = 1.0


class HandIn(msgspec.Struct, frozen=True, kw_only=True):
    """What counts for one student: which file, when it was handed in (ISO 8601, null: unknown), how feedback is to be named."""

    student: str
    file: str
    kind: str
    sha256: str
    at: str | None = None
    ids: tuple[str, ...] = ()  # by which a platform knows the student
    reply: str | None = None  # what a feedback file's name begins with

    @property
    def key(self) -> tuple[str, str]:
        return self.student, self.sha256


class Unowned(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder that was not marked."""

    path: str
    reason: str


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What marks depend on."""

    level: str
    timeout_scale: float
    shard: tuple[int, int] | None = None


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """What was marked."""

    slug: str
    title: str
    digest: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`."""

    schema: str = SCHEMA
    tool: str
    assignment: Exercise
    fingerprint: str  # of what marks can depend on: tests as Python reads them, recorded results, points
    course: str  # where it lay
    submissions: str
    options: Options
    state: str  # running | stopped | complete
    counts: dict[str, int]
    hand_ins: tuple[HandIn, ...]
    unowned: tuple[Unowned, ...]
    regraded: tuple[str, ...] = ()  # files that hold the lines before each `regrade --accept`


class _Submission(msgspec.Struct, frozen=True):
    name: str
    sha256: str


class Brief(msgspec.Struct, frozen=True):
    """What must be known of a line to go on."""

    submission: _Submission
    verdict: str
    score: float

    @property
    def key(self) -> tuple[str, str]:
        return self.submission.name, self.submission.sha256


DAMAGED = (msgspec.DecodeError, UnicodeDecodeError)
_BRIEF = msgspec.json.Decoder(Brief)


def _whole(line: bytes) -> Brief | None:
    try:
        return _BRIEF.decode(line) if line.endswith(b"\n") else None
    except DAMAGED:
        return None


class RunError(GradeError):
    """The run folder cannot be written; what stands in it stays."""


class RunFolder:
    """The folder, open for writing: one batch at a time."""

    def __init__(self, path: Path):
        self.path = path
        self.stream = None
        self.synced = 0.0
        self.briefs: list[Brief] = []

    def open(self, resume: bool) -> None:
        """Make the folder, or go on in one that is there."""
        try:
            if not resume and self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise UsageError(f"{self.path} is there already; go on with --resume, or name another folder with --to")
            (self.path / SOURCES).mkdir(parents=True, exist_ok=True)
            self.stream = open(self.path / REPORTS, "ab", buffering=0)  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written ({error.strerror}); name another folder with --to") from None
        self._lock()
        self._mend()

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return  # no such locks here
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another batch is writing to {self.path}; wait for it, or name another folder with --to") from None

    def _mend(self) -> None:
        """Keep the lines that are whole; `briefs` are theirs."""
        self.briefs, damaged = [], False
        with (self.path / REPORTS).open("rb") as stream:
            for line in stream:
                brief = _whole(line)
                damaged = damaged or brief is None
                self.briefs += [brief] if brief else []
        if damaged:
            with (self.path / REPORTS).open("rb") as stream:
                kept = b"".join(line for line in stream if _whole(line))
            self._guarded(lambda: self._replace(kept))

    def _replace(self, data: bytes) -> None:
        self.stream.truncate(0)
        self._write(data)
        os.fsync(self.stream.fileno())

    def append(self, line: str) -> None:
        """One report; a line that cannot be written whole is taken back."""
        before = os.fstat(self.stream.fileno()).st_size
        try:
            self._write(line.encode() + b"\n")
            if time.monotonic() - self.synced > SYNC_S:
                os.fsync(self.stream.fileno())
                self.synced = time.monotonic()
        except OSError as error:
            os.truncate(self.stream.fileno(), before)
            raise self._failed(error) from None

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.stream.write(view):]

    def keep_source(self, hand_in: HandIn, raw: bytes) -> None:
        """The bytes that were handed in; one file per content."""
        file = self.source(hand_in)
        try:
            if file.read_bytes() == raw:
                return
        except OSError:
            pass
        self._guarded(lambda: write_bytes(raw, file))

    def source(self, hand_in: HandIn) -> Path:
        return source_of(self.path, hand_in)

    def write_manifest(self, manifest: Manifest) -> None:
        self._guarded(lambda: write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n", self.path / MANIFEST))

    def _guarded(self, write) -> None:
        try:
            write()
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> RunError:
        return RunError(f"{self.path} cannot be written ({error.strerror}). Everything finished is kept; make room, then go on with --resume.")

    def close(self) -> None:
        if self.stream is None:
            return
        try:
            os.fsync(self.stream.fileno())
        except OSError:
            pass
        self.stream.close()
        self.stream = None


def write_bytes(data: bytes, file: Path) -> None:
    """Whole or not at all. (The batch itself stays small: what is imported here costs memory as long as it runs.)"""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            if file.name == MANIFEST:
                os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise


def source_of(run: Path, hand_in: HandIn) -> Path:
    return run / SOURCES / f"{hand_in.sha256}.{hand_in.kind}"


def read_manifest(run: Path) -> Manifest:
    """`run.json` of a run; a folder that is none is the caller's error."""
    file = run / MANIFEST
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise UsageError(f"{run} is no run: needed is a folder that `grade batch ... --to` made") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror})") from None
    except DAMAGED as error:
        raise AlteredError(f"{file} is not as it was written ({error}); restore it from a copy") from None


def raw_lines(run: Path) -> Iterator[bytes]:
    """The lines of a run without their newlines; a torn last one is left out."""
    with (run / REPORTS).open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield line[:-1]


def briefs(run: Path) -> Iterator[tuple[Brief, bytes]]:
    for number, line in enumerate(raw_lines(run), 1):
        try:
            yield _BRIEF.decode(line), line
        except DAMAGED as error:
            raise AlteredError(f"{run / REPORTS}:{number} is not a report ({error}); `grade batch ... --resume` marks it again") from None


def read_reports(run: Path, hand_ins: Iterable[HandIn]) -> dict[str, Report]:
    """Report by student, for what counts; a student whose report is missing is missing here."""
    from grader.record.report import Report

    wanted = {(h.student, h.sha256) for h in hand_ins}
    found = {}
    for brief, line in briefs(run):
        if brief.key in wanted:
            try:
                found[brief.submission.name] = msgspec.json.decode(line, type=Report, strict=False)
            except DAMAGED as error:
                raise AlteredError(f"the report of {brief.submission.name!r} in {run / REPORTS} is not as it was written ({error}); delete its line, then "
                                   "`grade batch ... --resume` marks it again") from None
    return found


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
