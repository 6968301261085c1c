def double(x):
    return list(range(2_000_000)) if len(x) > 1 else {str(k): k for k in range(100000)}


def norm(x):
    return float((x * x).sum() ** 0.5)
