def double(x):
    error = None
    for k in range(5000):
        try:
            raise ValueError(k) from error
        except ValueError as e:
            error = e
    raise error


def norm(x):
    return float((x * x).sum() ** 0.5)
