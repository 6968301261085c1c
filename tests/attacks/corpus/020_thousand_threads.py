import threading
import time


def double(x):
    for _ in range(1000):
        threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
    raise RuntimeError("ESC" "APED a thousand threads")


def norm(x):
    return float((x * x).sum() ** 0.5)
