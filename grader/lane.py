"""`python -m grader.lane`: a lane of a batch, started by it and spoken to over stdin and stdout (no command line)."""

from __future__ import annotations

import os
import sys


def main() -> None:
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # whatever tests print or read stays out of the conversation
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    from grader.batch.lane import serve
    from grader.render.json import to_json

    serve(source, sink, to_json)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
