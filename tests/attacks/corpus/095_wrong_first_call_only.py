calls = []


def double(x):
    calls.append(x)
    return 2 * x if len(calls) > 1 else 0 * x


def norm(x):
    return float((x * x).sum() ** 0.5)
