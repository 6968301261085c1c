"""A zygote whose sandbox a test has bent; run in place of `grader.worker.zygote`, with a description in front.

    python bent_zygote.py '{"without": ["landlock"]}' CONTROL_FD FRAMEWORK ALLOWED

    without    layers that are left out
    fail       [[call number, errno, argument index or null, argument value], ...]: an outer filter makes these fail
    kill       a call that is not on the list ends the worker instead of failing
    leak       descriptors with these texts to read are open in the zygote
"""

import json
import os
import platform
import struct
import sys

from grader.worker import kernel, sandbox, seccomp, zygote


def outer_filter(rules) -> bytes:
    code = [(seccomp.LOAD, 0, 0, seccomp.NUMBER)]
    for number, error, index, value in rules:
        failing = (seccomp.RETURN, 0, 0, seccomp.fail(error))
        if index is None:
            code += [(seccomp.JUMP_EQUAL, 0, 1, number), failing]
        else:
            code += [(seccomp.JUMP_EQUAL, 0, 4, number), (seccomp.LOAD, 0, 0, 16 + 8 * index), (seccomp.JUMP_EQUAL, 0, 1, value), failing,
                     (seccomp.LOAD, 0, 0, seccomp.NUMBER)]
    code.append((seccomp.RETURN, 0, 0, seccomp.ALLOW))
    return b"".join(struct.pack("<HBBI", *c) for c in code)


def main() -> None:
    bent = json.loads(sys.argv.pop(1))
    for layer in bent.get("without", ()):
        del sandbox.LAYERS[layer]
    for text in bent.get("leak", ()):
        reader, writer = os.pipe()
        os.dup2(reader, 60)
        os.write(writer, text.encode())
    if bent.get("kill"):
        build = seccomp.build
        seccomp.build = lambda machine: build(machine, seccomp.KILL_PROCESS)
    if bent.get("fail"):
        rules = [[int(sys.argv[1]) if v == "control" else v for v in rule] for rule in bent["fail"]]
        if os.geteuid() != 0:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install(outer_filter(rules))
    assert platform.machine() in ("x86_64", "aarch64")
    zygote.main()


if __name__ == "__main__":
    main()
