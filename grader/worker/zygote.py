"""The warm parent: numpy imported, no tests, no secrets; forks one worker per request (POSIX with a safe fork).

    python -s -P -m grader.worker.zygote CONTROL_FD FRAMEWORK ALLOWED,ALLOWED

    request  ("fork", level, cpu_s, memory_mib, ahead) with two descriptors: conversation, output
             ("branch",) with one descriptor: the control socket of another zygote, forked from this one
             ("reap", pid)        how a worker ended
             ("forget", pid)      no reply: a worker that was killed
    reply    pid as ("pid", n); ("status", n, cpu seconds)
"""

from __future__ import annotations

import gc
import itertools
import os
import socket
import sys

import msgspec

from grader import wire
from grader.worker import policy, sandbox, server

PRELOAD = ("numpy.random", "numpy.linalg", "numpy.fft", "numpy.lib.stride_tricks", "math", "itertools",
           "functools", "collections", "typing", "dataclasses", "random", "copy", "ctypes", "resource",
           "bz2", "lzma", "zlib", "hashlib", "decimal")  # the last five load libraries that a worker may not read
PRELOAD_TORCH = ("torch", "torch._dynamo", "torch.nn", "torch.optim", "torch.nn.functional", "torch.autograd.gradcheck")
CONVERSATION, OUTPUT = 3, 1


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    framework, allowed = sys.argv[2], tuple(sys.argv[3].split(","))
    preload(framework)
    kit = sandbox.prepare(allowed)
    policy.ours()
    sys.argv = [""]
    gc.collect()
    gc.freeze()
    forgotten: list[int] = []  # killed, but perhaps not dead yet
    for slot in itertools.count():
        try:
            data, descriptors, _, _ = socket.recv_fds(control, 4096, 2)
        except ConnectionResetError:  # the grader was killed
            return
        if not data:
            return
        verb, *rest = msgspec.msgpack.decode(data)
        if verb == "forget":
            forgotten += rest
        elif verb == "branch":
            if (pid := os.fork()) == 0:
                control.close()
                control, kit, forgotten = socket.socket(fileno=descriptors[0]), kit._replace(parent=os.getpid()), []
                continue
            os.close(descriptors[0])
            forgotten.append(pid)
            control.send(msgspec.msgpack.encode(("pid", pid)))
        else:
            reply = fork(framework, control, descriptors, room_of(kit, slot, *rest), rest[-1]) if verb == "fork" else reap(*rest)
            control.send(msgspec.msgpack.encode(reply))
        if verb != "forget":
            forgotten = [pid for pid in forgotten if os.waitpid(pid, os.WNOHANG) == (0, 0)]


def preload(framework: str) -> None:
    """Import what submissions import, so that a forked worker starts in about a millisecond."""
    for name in PRELOAD + (PRELOAD_TORCH if framework == "torch" else ()):
        try:
            __import__(name)
        except ModuleNotFoundError:
            if name.partition(".")[0] in ("numpy", "torch"):
                raise  # the others: parts of Python that some builds leave out
    if framework == "torch":
        sys.modules["torch"].set_num_threads(1)  # OpenMP pools do not survive a fork: no operation runs here


def room_of(kit: sandbox.Kit, slot: int, level: str, cpu_s: float, memory_mib: int, _ahead: bool) -> sandbox.Room:
    return sandbox.Room(level, sandbox.Limits(cpu_s, memory_mib), kit, (0, OUTPUT, 2, CONVERSATION), slot)


def fork(framework: str, control: socket.socket, descriptors: list[int], room: sandbox.Room, ahead: bool) -> tuple:
    pid = os.fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        return ("pid", pid)
    status = 97
    try:
        control.detach()
        settle_descriptors(*descriptors)
        status = work(framework, room, ahead)
    finally:
        os._exit(status)


def settle_descriptors(conversation: int, output: int) -> None:
    """0 reads nothing, 1 and 2 are the captured output, 3 is the conversation (the first layer closes all others)."""
    conversation, output = os.dup(conversation), os.dup(output)
    null = os.open(os.devnull, os.O_RDONLY)
    high = [os.dup2(fd, 200 + k) for k, fd in enumerate((null, output, conversation))]
    for source, target in zip(high, (0, OUTPUT, CONVERSATION), strict=True):
        os.dup2(source, target)
    os.dup2(OUTPUT, 2)


def work(framework: str, room: sandbox.Room, ahead: bool) -> int:
    """Give up rights, say so, serve until the grader hangs up. One that was forked `ahead` has time to warm up."""
    sys.stdin = open(0, encoding="utf-8", errors="replace")
    sys.stdout = sys.stderr = open(OUTPUT, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    try:
        missing = sandbox.enter(room)
        sandbox.settle_randomness()
    except sandbox.LayerFailed as failed:
        os.write(CONVERSATION, wire.encode_frame(0, ("setup_failed", failed.layer, failed.reason)))
        return 97
    os.write(CONVERSATION, wire.encode_frame(0, ("ready", missing)))
    if ahead:
        server.warm_up()
    server.serve(server.Stream(CONVERSATION, CONVERSATION), framework)
    return 0


def reap(pid: int) -> tuple:
    """Wait for a worker that the grader has ended: `(exit status as of waitstatus_to_exitcode, CPU seconds)`."""
    try:
        _, status, usage = os.wait4(pid, 0)
    except ChildProcessError:
        return ("status", None, 0.0)
    return ("status", os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)


if __name__ == "__main__":
    main()
