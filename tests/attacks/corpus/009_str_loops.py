class Odd(Exception):
    def __str__(self):
        while True:
            pass


def double(x):
    raise Odd


def norm(x):
    return float((x * x).sum() ** 0.5)
