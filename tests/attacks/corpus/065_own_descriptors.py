import os


def double(x):
    found = []
    for number in range(4, 256):
        try:
            found.append(os.read(number, 100))
        except OSError:
            pass
    if found:
        raise RuntimeError(f"ESC" f"APED: {found}")
    for number in (0, *range(3, 256)):  # 1 and 2 are a pipe of its own
        try:
            os.close(os.open(f"/proc/self/fd/{number}", os.O_RDWR))
        except OSError:
            continue
        raise RuntimeError("ESC" "APED: reopened a descriptor")
    raise OSError("nothing is open")


def norm(x):
    return float((x * x).sum() ** 0.5)
