"""One worker as a process of its own, where forking a warm parent is not safe (macOS, Windows; on Linux by an option).

    python -s -P -m grader.worker.spawned FRAMEWORK ALLOWED,ALLOWED LEVEL CPU_S MEMORY_MIB

Frames travel over stdin and stdout as they were at start; what the submission prints goes to stderr.
"""

from __future__ import annotations

import os
import sys

from grader import wire
from grader.worker import sandbox, server, zygote


def main() -> None:
    framework, allowed, level, cpu_s, memory_mib = sys.argv[1], tuple(sys.argv[2].split(",")), sys.argv[3], float(sys.argv[4]), int(sys.argv[5])
    sys.argv = [""]
    zygote.preload(framework)
    kit = sandbox.prepare(allowed, parent=os.getppid())
    conversation = server.Stream(os.dup(0), os.dup(1))
    room = sandbox.Room(level, sandbox.Limits(cpu_s, memory_mib), kit, (0, 1, 2, conversation.incoming, conversation.outgoing), slot=os.getpid())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    try:
        missing = sandbox.enter(room)
        sandbox.settle_randomness()
    except sandbox.LayerFailed as failed:
        conversation.write(wire.encode_frame(0, ("setup_failed", failed.layer, failed.reason)))
        sys.exit(97)
    conversation.write(wire.encode_frame(0, ("ready", missing)))
    server.serve(conversation, framework)
    os._exit(0)


if __name__ == "__main__":
    main()
