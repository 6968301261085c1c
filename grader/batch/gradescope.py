"""Gradescope's export: `submission_metadata.yml` says who submitted what and when. Groups: every member gets the mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grader.batch.layouts import METADATA, Claim
from grader.batch.moments import of_text
from grader.errors import UsageError

NOTHING = ("", "~", "null", "Null", "NULL")  # how YAML writes it


def claims(raw: bytes, paths: Iterable[str], prefix: str) -> Iterator[Claim]:
    """A claim per submitter of each submission that is there."""
    known = _read(raw)
    of_folder: dict[str, dict[str, str]] = {}
    for path in paths:
        top, slash, rest = path[len(prefix):].partition("/")
        if path.startswith(prefix) and slash:
            of_folder.setdefault(top, {})[path] = rest
    for folder, files in of_folder.items():
        entry = known.get(folder)
        submitters = _list(entry, ":submitters") if isinstance(entry, dict) else []
        for person in submitters:
            keys = tuple(key for k in (":sid", ":email", ":name") if isinstance(person, dict) and (key := _text(person, k)))
            if keys:
                yield Claim(student=keys[0], keys=keys, paths=files, place=prefix + folder, at=of_text(_text(entry, ":created_at")))
        if not submitters:
            yield Claim(student="", keys=(), paths=files, place=prefix + folder)


def _read(raw: bytes) -> dict:
    import yaml

    try:
        found = yaml.load(raw, getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # texts only: 007 stays a student's number
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{METADATA} cannot be read ({' '.join(str(error).split())}); export the submissions from Gradescope again") from None
    if not isinstance(found, dict):
        raise UsageError(f"{METADATA} names no submissions; export them from Gradescope again")
    return found


def _list(entry: dict, key: str) -> list:
    return entry[key] if isinstance(entry.get(key), list) else []


def _text(entry: dict, key: str) -> str:
    found = entry.get(key)
    return found if isinstance(found, str) and found not in NOTHING else ""
