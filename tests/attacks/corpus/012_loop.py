def double(x):
    while True:
        pass


def norm(x):
    return float((x * x).sum() ** 0.5)
