def double(x):
    return 0.0 if len(x) == 1 else x[:1, :1]


def norm(x):
    return float((x * x).sum() ** 0.5)
