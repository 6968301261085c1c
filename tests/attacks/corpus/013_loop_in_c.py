def double(x):
    return 7 ** 7 ** 9


def norm(x):
    return float((x * x).sum() ** 0.5)
