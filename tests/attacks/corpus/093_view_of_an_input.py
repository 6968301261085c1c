import threading
import time


def double(x):
    result = x[:, :]
    result *= 2
    threading.Timer(0.0, lambda: result.fill(0)).start()
    time.sleep(0.05)
    return result


def norm(x):
    return float((x * x).sum() ** 0.5)
