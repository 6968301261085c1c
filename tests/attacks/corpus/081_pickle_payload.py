import os


class Payload(Exception):
    def __reduce__(self):
        return os.system, ("touch /tmp/attack-leftover; echo ESC" "APED",)


def double(x):
    if len(x) > 1:
        raise Payload("x")
    return Payload("x")


def norm(x):
    return float((x * x).sum() ** 0.5)
