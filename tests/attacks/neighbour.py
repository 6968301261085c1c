"""A program of the same user looks into a worker; prints whether it could. `python neighbour.py '["not dumpable"]'`"""

import json
import sys

from grader.worker import launch
from tests.attacks import bending


def main() -> None:
    bent = {"without": json.loads(sys.argv[1])}
    launch._command = lambda module: [sys.executable, "-s", "-P", "-X", "utf8", str(bending.SCRIPT), json.dumps(bent)]
    with bending.worker("secret = 'text of the submission'\n") as started:
        try:
            open(f"/proc/{started.process.pid}/mem", "rb").close()
            print("read")
        except OSError:
            print("denied")


if __name__ == "__main__":
    main()
