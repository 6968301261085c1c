"""What a learner's folder remembers between runs: `.grade/state.json`, disposable."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """The last marking of one exercise; `at` is in seconds since 1970."""

    verdict: str
    score: float
    max_score: float
    sha256: str
    at: float
    failure: str = ""  # which tests fail, and by which mistakes
    runs: int = 1  # in a row with this failure


def load(root: Path) -> dict[str, Last]:
    """By slug; empty when nothing is remembered or the file cannot be read."""
    try:
        return msgspec.json.decode((root / ".grade" / "state.json").read_bytes(), type=dict[str, Last])
    except (OSError, msgspec.DecodeError):
        return {}


def remember(root: Path, slug: str, last: Last) -> None:
    """Keep `last`."""
    _keep(root, {**load(root), slug: last})


def forget(root: Path, slug: str) -> None:
    """As if the exercise had never been marked."""
    known = load(root)
    if known.pop(slug, None) is not None:
        _keep(root, known)


def _keep(root: Path, known: dict[str, Last]) -> None:
    """A folder that cannot be written is no reason to fail."""
    file = root / ".grade" / "state.json"
    temporary = file.with_name(f"state-{os.getpid()}.tmp")
    try:
        file.parent.mkdir(exist_ok=True)
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(known)))
        os.replace(temporary, file)
    except OSError:
        pass
