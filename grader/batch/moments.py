"""When something was handed in, where a layout says so; None is "unknown", never a guess."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
from pathlib import Path

_STAMP = re.compile(r"\s*(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)\s*(\S+)?\s*\Z")
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c", "safe.directory=*")
_GIT_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1",
                    "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def of_timestamp(raw: bytes) -> str | None:
    """nbgrader's `timestamp.txt`: "2026-11-20 15:58:23.948203 UTC"."""
    return of_text(raw[:200].decode("utf-8", "replace"))


def of_text(text: str) -> str | None:
    """Date, time and zone; without a zone it is UTC."""
    found = _STAMP.match(text)
    try:
        zone = _zone(found[3] or "UTC") if found else None
        return datetime.datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=zone).isoformat() if zone else None
    except ValueError:  # a 13th month, an offset of 99 hours
        return None


def _zone(name: str) -> datetime.tzinfo | None:
    if name in ("UTC", "Z", "GMT"):
        return datetime.UTC
    if offset := re.fullmatch(r"([+-])(\d\d):?(\d\d)", name):
        delta = datetime.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return datetime.timezone(-delta if offset[1] == "-" else delta)
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def of_commit(clone: Path) -> str | None:
    """When the commit that is checked out was made. Plumbing only: nothing that a repository's own settings could run."""
    if "\0" in str(clone):
        return None
    try:
        found = subprocess.run([*_GIT, "--git-dir", str(clone / ".git"), "cat-file", "commit", "HEAD"], capture_output=True, timeout=20,
                               env={"PATH": os.environ.get("PATH", ""), **_GIT_ENVIRONMENT}, stdin=subprocess.DEVNULL, cwd=Path(clone.anchor or "/"))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    line = next((x for x in found.stdout.split(b"\n\n", 1)[0].splitlines() if x.startswith(b"committer ")), b"")
    seconds = re.search(rb"> (\d{1,12}) [+-]\d{4}\Z", line)
    if found.returncode or not seconds:
        return None
    return datetime.datetime.fromtimestamp(int(seconds[1]), datetime.UTC).isoformat()
