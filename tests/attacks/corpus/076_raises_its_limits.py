import os
import resource


def double(x):
    libc = __import__("ctypes").CDLL(None)
    for action in (lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)), lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 1)), lambda: os.nice(-5),
                   lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), lambda: os.sched_setaffinity(0, {0}),
                   lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0)), lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)):
        try:
            action()
        except (OSError, ValueError):
            continue
        raise RuntimeError("ESC" "APED: changed a limit")
    if libc.prctl(1, 0, 0, 0, 0) == 0 or libc.prctl(4, 1, 0, 0, 0) == 0:
        raise RuntimeError("ESC" "APED: outlives its parent")
    raise OSError("all stays as it is")


def norm(x):
    return float((x * x).sum() ** 0.5)
