def double(x):
    raise KeyboardInterrupt


def norm(x):
    return float((x * x).sum() ** 0.5)
