import re


def double(x):
    return re.match("(a+)+$", "a" * 60 + "b")


def norm(x):
    return float((x * x).sum() ** 0.5)
