"""A lane that dies on what a test asks it to: `# lane dies` always, `# lane dies once FILE` until FILE is there."""

import os
import re
import signal

from grader.batch import messages
from grader.lane import main

_receive = messages.receive


def receive(stream):
    message = _receive(stream)
    raw = getattr(message, "raw", b"")
    if once := re.search(rb"# lane dies once (\S+)", raw):
        if not os.path.exists(once[1]):
            open(once[1], "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
    elif b"# lane dies" in raw:
        os._exit(3)
    return message


messages.receive = receive
main()
