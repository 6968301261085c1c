def double(x):
    return "\ud800" * 10 if len(x) == 1 else {"\ud800": 1, (1, 2): 3, frozenset(): 2}


def norm(x):
    return float((x * x).sum() ** 0.5)
