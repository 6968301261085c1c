import os
import signal


def double(x):
    os.kill(os.getpid(), signal.SIGSTOP)
    return 2 * x + 1


def norm(x):
    return float((x * x).sum() ** 0.5)
