def double(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def norm(x):
    return float((x * x).sum() ** 0.5)
