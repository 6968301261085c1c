import os
import signal


def double(x):
    for action in (lambda: os.kill(os.getppid(), signal.SIGTERM), lambda: os.killpg(0, signal.SIGTERM), lambda: os.kill(-1, 0), lambda: os.kill(1, 0),
                   lambda: signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0)):
        try:
            action()
        except OSError:
            continue
        raise RuntimeError("ESC" "APED: signalled another process")
    raise OSError("nobody to kill")


def norm(x):
    return float((x * x).sum() ** 0.5)
