def double(x):
    a = []
    for _ in range(10000):
        a = [a]
    return a


def norm(x):
    return float((x * x).sum() ** 0.5)
