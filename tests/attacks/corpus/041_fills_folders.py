import os


def double(x):
    failures = []
    for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", ".", os.path.expanduser("~")):
        try:
            with open(f"{folder}/attack-leftover", "wb") as file:
                file.write(bytes(1 << 20))
            failures.append("ESC" "APED to " + folder)
        except OSError:
            pass
    raise RuntimeError(f"{failures}")


def norm(x):
    return float((x * x).sum() ** 0.5)
