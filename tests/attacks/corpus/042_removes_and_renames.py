import glob
import os


def double(x):
    for action in (os.unlink, os.rmdir, lambda f: os.rename(f, f + "-attack-leftover"), lambda f: os.chmod(f, 0o777), lambda f: os.chown(f, 0, 0),
                   lambda f: os.utime(f, (0, 0)), lambda f: os.truncate(f, 0), lambda f: os.link(f, "/tmp/attack-leftover"),
                   lambda f: os.symlink(f, "/tmp/attack-leftover"), lambda f: os.mkdir(f + "-attack-leftover"), lambda f: os.mkfifo("/tmp/attack-leftover")):
        for file in ("/tmp/attack-target/file.txt", "/tmp/attack-target"):
            try:
                action(file)
            except OSError:
                continue
            raise RuntimeError("ESC" "APED: a file was changed")


def norm(x):
    return float((x * x).sum() ** 0.5)
