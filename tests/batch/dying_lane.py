"""A lane that dies on what a test asks it to: `# lane dies` always, `# lane dies once FILE` until FILE is there.

`# stem dies once FILE, TESTS grows`: the process that lanes are forked from dies as well, after a change of the tests.
"""

import os
import re
import signal

from grader.batch import messages
from grader.lane import main

_receive = messages.receive


def receive(stream):
    message = _receive(stream)
    raw = getattr(message, "raw", b"")
    if once := re.search(rb"# (lane|stem) dies once (\S+?)(?:, (\S+) grows)?\n", raw):
        if not os.path.exists(once[2]):
            open(once[2], "w").close()
            if once[1] == b"stem":
                with open(once[3], "a") as tests:
                    tests.write("# more\n")
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
    elif b"# lane dies" in raw:
        os._exit(3)
    return message


messages.receive = receive
main()
