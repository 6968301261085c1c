import os


def double(x):
    for action in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0]), lambda: os.setsid()):
        try:
            action()
        except OSError:
            continue
        raise RuntimeError("ESC" "APED: became somebody")
    raise OSError("still nobody")


def norm(x):
    return float((x * x).sum() ** 0.5)
