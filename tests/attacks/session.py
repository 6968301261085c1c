"""One marking session of hostile submissions between honest ones, in a process of its own; prints what became of everything.

    python session.py '{"course": ..., "attacks": [file, ...]}'
"""

import ctypes
import json
import os
import sys
import time
from pathlib import Path

CANARY = "CANARY-heap-" + "7f3a"  # what no report may show; the others stand in the environment and in files
PR_SET_CHILD_SUBREAPER = 36


def resident_kib() -> int:
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))


def children() -> list[str]:
    """Living processes whose parent this one is, survivors of dead parents included."""
    time.sleep(0.1)  # what was killed a moment ago may still be on its way
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == os.getpid() and state != "Z":
            found.append(name)
    return found


def open_descriptors() -> int:
    found = 0
    for number in range(256):
        try:
            os.fstat(number)
            found += 1
        except OSError:
            continue
    return found


def kernel_objects() -> dict:
    """Rows of System V objects, files that anybody may make."""
    rows = {name: len(Path("/proc/sysvipc", name).read_text().splitlines()) for name in ("shm", "msg", "sem") if os.path.exists(f"/proc/sysvipc/{name}")}
    return rows | {folder: sorted(f for f in os.listdir(folder) if "attack-leftover" in f) for folder in ("/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp", "/")
                   if os.path.isdir(folder) and os.access(folder, os.R_OK)}


def main() -> None:
    asked = json.loads(sys.argv[1])
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    from grader.check import Options, mark_all
    from grader.course.course import find_course, load_course
    from grader.course.material import load
    from grader.record.audience import for_students
    from grader.render.json import to_json
    from grader.render.terminal import Style, to_terminal
    from grader.source.submission import submission_from_bytes
    from tests import toy

    exercise = load(load_course(find_course(Path(asked["course"]))), "toy")
    honest = toy.submission(toy.HONEST)
    submissions = [honest, honest]
    for file in map(Path, asked["attacks"]):
        submissions += [submission_from_bytes(file.read_bytes(), file=file.name, kind=file.suffix[1:], name=file.stem), honest]
    submissions.append(honest)  # so that a worker waits for somebody also after the last neighbour
    before = kernel_objects()
    marked, started, memory, descriptors = [], time.monotonic(), 0, 0

    def emit(report) -> None:
        nonlocal started, memory, descriptors
        now = time.monotonic()
        if len(marked) == 1:
            memory, descriptors = resident_kib(), open_descriptors()
        marked.append({"report": to_json(report), "for_students": to_json(for_students(report)), "terminal": to_terminal(for_students(report), Style(), ""),
                       "timeless": to_json(toy.timeless(report)), "seconds": now - started, "grown_kib": resident_kib() - memory,
                       "descriptors": open_descriptors() - descriptors})
        started = time.monotonic()

    mark_all(exercise, submissions, Options(level="strict"), emit)
    print(json.dumps({"marked": marked, "children": children(), "left": kernel_objects() == before, "canary": len(CANARY)}))


if __name__ == "__main__":
    main()
