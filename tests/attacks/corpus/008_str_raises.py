class Odd(Exception):
    def __str__(self):
        raise Odd

    __repr__ = __str__


def double(x):
    raise Odd


def norm(x):
    return float((x * x).sum() ** 0.5)
