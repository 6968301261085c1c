"""SUBMISSIONS -> hand-ins, and what has no owner. Nothing is guessed: what two readings fit is listed.

    which file of a student counts: the one that defines functions of the exercise; released stubs beside it do not;
    of several the one with the exercise's own name; if that leaves two, none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import msgspec

from grader.batch import gradescope, moments
from grader.batch.layouts import METADATA, SUFFIXES, TIMESTAMP, Claim, claims, start_of
from grader.batch.run_folder import HandIn, Unowned, digest
from grader.batch.tree import FolderTree, ZipTree
from grader.errors import SubmissionRefused, UsageError
from grader.gradebook.roster import Roster


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """What of an exercise tells its submissions."""

    slug: str
    functions: tuple[str, ...]
    stubs: frozenset[str] = frozenset()  # digests of released files

    @property
    def stem(self) -> str:
        return self.slug.replace("-", "_")

    @property
    def file_names(self) -> frozenset[str]:
        return frozenset(self.stem + suffix for suffix in SUFFIXES)


class Intake:
    """Everything that was found: `hand_ins` with where to read them, `unowned`."""

    def __init__(self, tree: FolderTree | ZipTree, exercise: Exercise, roster: Roster, attributed: dict[str, str]):
        self.tree, self.exercise, self.roster, self.attributed = tree, exercise, roster, attributed
        self.paths = sorted(tree.paths)
        self.defines = re.compile(rb"\bdef[ \t]+(?:" + b"|".join(re.escape(f.encode()) for f in exercise.functions) + rb")[ \t]*\(")
        self.prefix = start_of(self.paths, frozenset((exercise.slug, exercise.stem)), exercise.file_names)
        self.unowned = [*tree.refused]
        self.hand_ins: list[HandIn] = []
        self._collect()

    def read(self, hand_in: HandIn) -> bytes:
        return self.tree.read(hand_in.file)

    # -- from claims to hand-ins ---------------------------------------------------------------------------

    def _collect(self) -> None:
        offers: dict[str, list[HandIn]] = {}
        for hand_in in (*self._attributed(), *self._claimed()):
            offers.setdefault(hand_in.student, []).append(hand_in)
        for student, offered in sorted(offers.items()):
            explicit = [h for h in offered if h.file in self.attributed]
            offered = explicit or offered
            if len({h.sha256 for h in offered}) > 1:
                names = ", ".join(h.file for h in offered)
                self.unowned += [Unowned(path=h.file, reason=f"{student} handed in {len(offered)} different files ({names}); attribute one")
                                 for h in offered]
            else:
                self.hand_ins.append(offered[0])
        self.unowned = sorted({u.path: u for u in self.unowned}.values(), key=lambda u: u.path)

    def _attributed(self) -> Iterator[HandIn]:
        """Files that `adjustments.csv` gives to a student."""
        for path, student in self.attributed.items():
            if path not in self.tree.paths:
                continue  # of another folder; `report` and `export` insist that it was marked somewhere
            claim = Claim(student=student, keys=(student,), paths={path: PurePosixPath(path).name})
            yield from self._hand_ins(claim, path, (student,))

    def _claimed(self) -> Iterator[HandIn]:
        for claim in self._claims():
            claim = msgspec.structs.replace(claim, paths={p: n for p, n in claim.paths.items() if p not in self.attributed})
            shown = claim.place or next(iter(claim.paths), "")
            students = self.roster.find(claim.keys) if self.roster.there else (claim.student,) if claim.student else ()
            candidates = [p for p in claim.paths if p.lower().endswith(SUFFIXES)]
            if not candidates:
                if claim.paths:
                    self._list(shown, f"holds no {' or '.join(SUFFIXES)} file" if claim.place else "no .py or .ipynb file")
                continue
            if not students:
                who = f"{claim.keys[0]!r} is not in the roster" if claim.keys else "the export does not say whose it is"
                for path in candidates:
                    self._list(path, f"{who}; attribute it in adjustments.csv")
                continue
            if path := self._chosen(claim, candidates, shown):
                yield from self._hand_ins(claim, path, students)

    def _claims(self) -> Iterable[Claim]:
        metadata = self.prefix + METADATA
        if metadata not in self.tree.paths:
            return claims(self.paths, self.prefix, self.exercise.slug, self.tree.clones)
        try:
            return gradescope.claims(self.tree.read(metadata), self.paths, self.prefix)
        except SubmissionRefused as error:
            raise UsageError(f"{metadata}: {error}") from None

    def _hand_ins(self, claim: Claim, path: str, students: tuple[str, ...]) -> Iterator[HandIn]:
        try:
            sha256 = digest(self.tree.read(path))
        except SubmissionRefused as error:
            self._list(path, str(error))
            return
        kind = PurePosixPath(path).suffix.lower().removeprefix(".")
        if kind not in ("py", "ipynb"):
            self._list(path, "a submission is a .py or an .ipynb file")
            return
        for student in students:
            yield HandIn(student=student, file=path, kind=kind, sha256=sha256, at=self._time(claim, path), ids=claim.ids, reply=claim.reply)

    def _list(self, path: str, reason: str) -> None:
        self.unowned.append(Unowned(path=path, reason=reason))

    # -- which file counts ---------------------------------------------------------------------------------

    def _chosen(self, claim: Claim, candidates: list[str], shown: str) -> str | None:
        inside = [p for p in candidates if {self.exercise.slug, self.exercise.stem} & set(claim.paths[p].split("/")[:-1])]
        left = self._of_exercise(inside or candidates)
        named = [p for p in left if PurePosixPath(claim.paths[p]).name in self.exercise.file_names]
        for choice in (left, named):
            if len(choice) == 1:
                return choice[0]
        if left:
            names = ", ".join(claim.paths[p] for p in left)
            self._list(shown, f"{len(left)} files could count ({names}); attribute one in adjustments.csv")
        else:
            self._list(shown, f"none of {len(candidates)} files defines a function of {self.exercise.slug}; attribute one if it counts all the same")
        return None

    def _of_exercise(self, candidates: list[str]) -> list[str]:
        """Files that define a function of the exercise, stubs only if there is nothing else; a single file counts in any case."""
        if len(candidates) == 1:
            return candidates
        contents = {}
        for path in candidates:
            try:
                contents[path] = self.tree.read(path)
            except SubmissionRefused:
                continue
        defining = [p for p, raw in contents.items() if self.defines.search(raw)]
        own = [p for p in defining if digest(contents[p]) not in self.exercise.stubs and not (p.endswith(".ipynb") and _is_untouched(contents[p]))]
        return own or defining[:1] or [p for p in contents if PurePosixPath(p).name in self.exercise.file_names]

    # -- when ----------------------------------------------------------------------------------------------

    def _time(self, claim: Claim, path: str) -> str | None:
        if claim.at is not None or not claim.place:
            return claim.at
        for folder in (PurePosixPath(path).parent, PurePosixPath(claim.place)):
            if (stamp := f"{folder}/{TIMESTAMP}") in self.tree.paths:
                return moments.of_timestamp(self.tree.read(stamp))
        clone = next((c for c in self.tree.clones if path.startswith(f"{c}/")), None)
        return moments.of_commit(self.tree.clones[clone]) if clone else None


def _is_untouched(raw: bytes) -> bool:
    """Imported when it is needed, which is seldom: the batch itself stays small."""
    from grader.source.begun import is_untouched

    return is_untouched(raw)
