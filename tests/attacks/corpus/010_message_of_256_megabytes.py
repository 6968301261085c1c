def double(x):
    raise ValueError("y" * (200 << 20))


def norm(x):
    return float((x * x).sum() ** 0.5)
