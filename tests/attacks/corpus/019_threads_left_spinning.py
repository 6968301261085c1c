import threading


def spin():
    while True:
        pass


def double(x):
    threading.Thread(target=spin).start()
    return 2 * x


def norm(x):
    return float((x * x).sum() ** 0.5)
