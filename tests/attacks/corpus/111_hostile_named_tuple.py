class Tuple(tuple):
    _fields = ("a" * 200, "def", "\n", "__class__")

    def __len__(self):
        return 4

    def __iter__(self):
        return iter([1, 2, 3, 4])


def double(x):
    return Tuple((1, 2, 3, 4))


def norm(x):
    return float((x * x).sum() ** 0.5)
