# coding: utf-7
# +AAo-import os; os._exit(0)


def double(x):
    return 2 * x


def norm(x):
    return float((x * x).sum() ** 0.5)
