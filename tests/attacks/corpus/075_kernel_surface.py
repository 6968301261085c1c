import ctypes


def double(x):
    libc = ctypes.CDLL(None)
    buffer = ctypes.create_string_buffer(256)
    calls = {"io_uring_setup": (425, 8, buffer), "keyctl": (250, 0, -3, 0, 0, 0), "add_key": (248, b"user", b"x", b"y", 1, -3), "bpf": (321, 0, buffer, 64),
             "perf_event_open": (298, buffer, 0, -1, -1, 0), "userfaultfd": (323, 0), "mount": (165, b"x", b"/", b"tmpfs", 0, 0), "setns": (308, 3, 0),
             "chroot": (161, b"/"), "name_to_handle_at": (303, -100, b"/", buffer, buffer, 0), "swapon": (167, b"/", 0), "reboot": (169, 0, 0, 0, 0),
             "init_module": (175, buffer, 0, b""), "iopl": (172, 3), "personality": (135, 8), "acct": (163, 0), "seccomp": (317, 2, 0, 0), "fanotify_init": (300, 0, 0),
             "inotify_init": (253,), "timer_create": (222, 1, 0, buffer), "setitimer": (38, 0, buffer, 0), "flock": (73, 3, 2), "memfd_secret": (447, 0),
             "pidfd_open": (434, 1, 0), "clone3": (435, buffer, 88), "kcmp": (312, 1, 1, 0, 0, 0), "remap_file_pages": (216, 0, 0, 0, 0, 0), "sethostname": (170, b"x", 1)}
    for name, call in calls.items():
        if libc.syscall(*call) >= 0:
            raise RuntimeError("ESC" "APED: " + name)


def norm(x):
    return float((x * x).sum() ** 0.5)
