def double(x):
    x[...] = 0
    return x


def norm(x):
    return float((x * x).sum() ** 0.5)
