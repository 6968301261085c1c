"""Who handed in which files: one rule per layout, told by names alone. Pure.

    layout                         who                                             when
    Gradescope export              `submission_metadata.yml`: each submitter       its `:created_at:`
    Moodle download                NAME_ID_assignsubmission_file[_]/... or ..._FILE  unknown
    Canvas download                NAME[_LATE]_USERID_FILEID_FILE                  unknown
    nbgrader `submitted/`          STUDENT/ASSIGNMENT/...                          `timestamp.txt`
    GitHub clones                  the folder's name, without `SLUG-` before it    the commit
    a folder per student           the folder's name                               unknown (or `timestamp.txt`)
    a file per student             the file's name                                 unknown

Every file or folder at the top is taken by the first rule that fits it. A folder (or a zip) with nothing in it but
one folder that is no student's is looked into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

METADATA = "submission_metadata.yml"
TIMESTAMP = "timestamp.txt"
SUFFIXES = (".py", ".ipynb")
_MOODLE = re.compile(r"(?P<name>[^_]*)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<rest>.*))?\Z", re.DOTALL)
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_(?P<file_id>\d+)_(?P<rest>.+)\Z", re.DOTALL)
_COPY = re.compile(r"-\d+(?=\.\w+\Z)")  # Canvas numbers a file that is handed in again


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Files of one owner. `keys` name the owner, the most telling first; `student` is the name where no roster knows any."""

    student: str
    keys: tuple[str, ...]
    paths: dict[str, str]  # path -> the name its student gave it
    ids: tuple[str, ...] = ()
    reply: str | None = None
    place: str = ""  # folder, for what tells the time
    at: str | None = None

    def with_path(self, path: str, name: str) -> Claim:
        return msgspec.structs.replace(self, paths={**self.paths, path: name})


def start_of(paths: Iterable[str], folder_names: frozenset[str], file_names: frozenset[str]) -> str:
    """The prefix under which submissions lie: "" or "assignment_123_export/" or "submitted/".

    folder_names, file_names: how the exercise's folder and files are called.
    """
    prefix = ""
    while True:
        inside = [p[len(prefix):] for p in paths if p.startswith(prefix)]
        tops = {p.partition("/")[0] for p in inside}
        if METADATA in tops:
            return prefix
        if "submitted" in tops and not any(t != "submitted" and f"{t}/" in p for t in tops for p in inside if p.startswith(t + "/")):
            prefix += "submitted/"
            continue
        top = next(iter(tops)) if len(tops) == 1 else None
        if top is None or top in inside or _MOODLE.match(top) or _is_students(top, inside, folder_names, file_names):
            return prefix
        prefix += f"{top}/"


def _is_students(top: str, inside: list[str], folder_names: frozenset[str], file_names: frozenset[str]) -> bool:
    """Whether the only folder is one student's: the exercise's file lies in it."""
    return any(parts[1] in file_names or parts[1] in folder_names for parts in (p.split("/") for p in inside) if len(parts) > 1)


def claims(paths: Iterable[str], prefix: str, slug: str, clones: Iterable[str]) -> Iterator[Claim]:
    """The owners of everything under `prefix`, in order; Gradescope's exports are read elsewhere."""
    clones = frozenset(clones)
    found: dict[str, Claim] = {}
    for path in paths:
        if not path.startswith(prefix) or path == prefix + METADATA:
            continue
        top, _, rest = path[len(prefix):].partition("/")
        claim, name = _of_folder(top, prefix, slug, clones, rest) if rest else _of_file(top)
        key = f"{claim.reply and claim.ids}|{claim.student}|{bool(rest) and top}"
        found[key] = found.get(key, claim).with_path(path, name)
    yield from found.values()


def _of_folder(top: str, prefix: str, slug: str, clones: frozenset[str], rest: str) -> tuple[Claim, str]:
    if moodle := _MOODLE.match(top):
        return _moodle(moodle, prefix + top), rest
    student = top
    if prefix + top in clones or any(c.startswith(f"{prefix}{top}/") for c in clones):
        student = re.sub(rf"\A{re.escape(slug)}[-_](?=.)", "", top, flags=re.IGNORECASE)
    return Claim(student=student, keys=tuple(dict.fromkeys((student, top))), paths={}, place=prefix + top), rest


def _of_file(top: str) -> tuple[Claim, str]:
    if moodle := _MOODLE.match(top):
        return _moodle(moodle, ""), moodle["rest"] or top
    if canvas := _CANVAS.match(top):
        reply = top[: canvas.start("rest")]
        claim = Claim(student=f"{canvas['name']}_{canvas['id']}", keys=(canvas["id"], canvas["name"]), ids=(canvas["id"],), paths={}, reply=reply)
        return claim, _COPY.sub("", canvas["rest"])
    stem = top.rpartition(".")[0] or top
    return Claim(student=stem, keys=(stem,), paths={}), top


def _moodle(match: re.Match, place: str) -> Claim:
    return Claim(student=f"{match['name']}_{match['id']}", keys=(match["id"], match["name"]), ids=(match["id"],), paths={},
                 reply=f"{match['name']}_{match['id']}_assignsubmission_file_", place=place)
