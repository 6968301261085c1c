import multiprocessing


def double(x):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(print, ["ESC" "APED"])


def norm(x):
    return float((x * x).sum() ** 0.5)
