class Node:
    def __getattr__(self, name):
        return Node()


def double(x):
    return [Node() for _ in range(5000)]


def norm(x):
    return float((x * x).sum() ** 0.5)
