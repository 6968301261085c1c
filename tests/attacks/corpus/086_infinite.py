def double(x):
    return x * float("inf") if len(x) == 1 else x * 0 + 1e308


def norm(x):
    return float((x * x).sum() ** 0.5)
