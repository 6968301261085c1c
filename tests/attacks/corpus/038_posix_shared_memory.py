from multiprocessing import shared_memory


def double(x):
    shared_memory.SharedMemory("attack-leftover", create=True, size=1 << 20)
    raise RuntimeError("ESC" "APED")


def norm(x):
    return float((x * x).sum() ** 0.5)
