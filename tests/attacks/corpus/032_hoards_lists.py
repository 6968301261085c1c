def double(x):
    kept = []
    while True:
        kept.append(bytearray(8 << 20))


def norm(x):
    return float((x * x).sum() ** 0.5)
