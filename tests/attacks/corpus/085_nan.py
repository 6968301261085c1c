def double(x):
    return x * float("nan")


def norm(x):
    return float((x * x).sum() ** 0.5)
