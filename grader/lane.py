"""`python -m grader.lane [CONTROL_FD]`: a lane of a batch or, with a socket, the process from which lanes are forked.

Started by the batch and spoken to over stdin and stdout.
"""

from __future__ import annotations

import os
import socket
import sys


def main() -> None:
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # whatever tests print or read stays out of the conversation
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    from grader.batch.messages import Setup, receive
    from grader.worker.launch import launcher

    if isinstance(setup := receive(source), Setup):
        warm = launcher(setup.framework, setup.imports)  # imports numpy while this process imports pytest
        from grader.batch.lane import Pipe, serve
        from grader.render.json import to_json

        serve(setup, warm, Pipe(source, sink), to_json, socket.socket(fileno=int(sys.argv[1])) if len(sys.argv) > 1 else None)
    sys.stderr.flush()
    os._exit(0)  # tidying up would copy all the memory that lanes share


if __name__ == "__main__":
    main()
