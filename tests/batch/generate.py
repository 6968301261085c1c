"""A class of LSTM submissions of some fifty kinds: each kind's verdict and score are known, no two sources are alike.

    for made in generate(1000): made.name, made.kind, made.file_name, made.raw

A right submission is put together from alternatives that compute the same; a wrong one has one idea changed in it.
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import random
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LSTM = Path(__file__).resolve().parents[2] / "solutions" / "lstm" / "lstm.py"

# What can be written in several ways; {slots} are filled by other alternatives.
STYLES = {
    "sigmoid": ("0.5 + 0.5 * np.tanh(0.5 * z)", "(1 + np.tanh(z / 2)) / 2", "np.where(z >= 0, 1, np.exp(-abs(z))) / (1 + np.exp(-abs(z)))",
                "np.exp(np.minimum(z, 0)) / (np.exp(-abs(z)) + 1)"),
    "affine": ("x @ w_ih.T + h_prev @ w_hh.T + b", "np.dot(x, w_ih.T) + np.dot(h_prev, w_hh.T) + b",
               "np.einsum('nd,kd->nk', x, w_ih) + np.einsum('nd,kd->nk', h_prev, w_hh) + b",
               "np.concatenate([x, h_prev], axis=1) @ np.concatenate([w_ih, w_hh], axis=1).T + b"),
    "split": ("{order} = np.split(z, 4, axis=1)", "{order} = np.hsplit(z, 4)", "{order} = (z[:, k * H:(k + 1) * H] for k in range(4))",
              "{order} = z.reshape(N, 4, H).transpose(1, 0, 2)"),
    "gates": ("i, f, g, o = sigmoid(z_i), sigmoid(z_f), {candidate}, sigmoid(z_o)", "g = {candidate}\n    i, f, o = map(sigmoid, (z_i, z_f, z_o))",
              "i = sigmoid(z_i)\n    f = sigmoid(z_f)\n    g = {candidate}\n    o = sigmoid(z_o)"),
    "cell": ("c = {keep} + {write}", "c = {write} + {keep}", "kept, new = {keep}, {write}\n    c = kept + new"),
    "cache": ("LSTMCache(x, h_prev, c_prev, i, f, g, o, c, w_ih, w_hh)",
              "LSTMCache(x=x, h_prev=h_prev, c_prev=c_prev, i=i, f=f, g=g, o=o, c=c, w_ih=w_ih, w_hh=w_hh)",
              "LSTMCache(*(x, h_prev, c_prev, i, f, g, o, c, w_ih, w_hh))"),
    "unpack": ("x, h_prev, c_prev, i, f, g, o, c, w_ih, w_hh = cache", "x, h_prev, c_prev = cache.x, cache.h_prev, cache.c_prev\n"
               "    i, f, g, o, c = cache.i, cache.f, cache.g, cache.o, cache.c\n    w_ih, w_hh = cache.w_ih, cache.w_hh"),
    "square": ("(1 - tanh_c**2)", "(1 - tanh_c * tanh_c)", "(1 + tanh_c) * (1 - tanh_c)"),
    "stack": ("dz = np.concatenate([{dz}], axis=1)", "dz = np.hstack([{dz}])", "dz = np.stack([{dz}], axis=1).reshape(len(dh), -1)"),
    "product": ("{a}.T @ {b}", "np.dot({a}.T, {b})", "np.einsum('nk,nd->kd', {a}, {b})"),
    "sum": ("dz.sum(axis=0)", "np.sum(dz, 0)", "np.add.reduce(dz)"),
    "path": ("return np.prod({steps}, axis=0)", "return np.multiply.reduce({steps})", "whole = np.ones_like(f[0])\n    for gate in {steps}:\n        whole = whole * gate\n    return whole"),
    "pack": ("W = np.concatenate([{rows}])\n    b = np.concatenate([{biases}])\n    return W[:, H:], W[:, :H], b",
             "W, b = np.vstack([{rows}]), np.hstack([{biases}])\n    w_hh, w_ih = np.split(W, [H], axis=1)\n    return w_ih, w_hh, b",
             "b = np.concatenate([{biases}])\n    return np.vstack([M[:, H:] for M in ({rows})]), np.vstack([M[:, :H] for M in ({rows})]), b"),
}
FORWARD = ("h_t, c_t = h0, c0\n    outputs, caches = [], []\n    for t in {times}:\n        h_t, c_t, cache = lstm_step_forward({step}, w_ih, w_hh, b)\n"
           "        outputs.append(h_t)\n        caches.append(cache)\n    return {outputs}, h_t, c_t, caches",
           "h_t, c_t, caches = h0, c0, []\n    h = np.empty((N, T, H), dtype=x.dtype)\n    for t in {times}:\n"
           "        h_t, c_t, cache = lstm_step_forward({step}, w_ih, w_hh, b)\n        h[:, t] = h_t\n        caches.append(cache)\n    return {filled}, h_t, c_t, caches")
BACKWARD = ("dh, dc = dh_last, dc_last\n    dxs, dw_ih, dw_hh, db = [], 0, 0, 0\n    for t in reversed(range(T)):\n        dh = {arriving}\n"
            "        dx_t, dh, dc, a, r, s = lstm_step_backward(dh, dc, caches[t])\n        dxs.append(dx_t)\n        {sums}\n"
            "    return np.stack({order}, axis=1), dh, dc, dw_ih, dw_hh, db",
            "dh, dc, dxs = dh_last, dc_last, []\n    dw_ih, dw_hh, db = 0, 0, 0\n    t = T - 1\n    while t >= 0:\n        dh = {arriving}\n"
            "        dx_t, dh, dc, a, r, s = lstm_step_backward(dh, dc, caches[t])\n        dxs += [dx_t]\n        {sums}\n        t -= 1\n"
            "    return np.stack({order}, axis=1), dh, dc, dw_ih, dw_hh, db")
RIGHT = {
    "order": "z_i, z_f, z_g, z_o", "candidate": "np.tanh(z_g)", "keep": "f * c_prev", "write": "i * g", "output": "o * np.tanh(c)", "returned": "h, c, {cache}",
    "dc_total": "dc + dh * o * {square}", "df": "dc_total * c_prev", "dc_prev": "dc_total * f", "dh_prev": "dz @ w_hh",
    "dz": "di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)", "grads": "dx, dh_prev, dc_prev, dw_ih, dw_hh, db",
    "times": "range(T)", "step": "x[:, t], h_t, c_t", "outputs": "np.stack(outputs, axis=1)", "filled": "h", "arriving": "dh + dh_seq[:, t]",
    "sums": "dw_ih, dw_hh, db = dw_ih + a, dw_hh + r, db + s", "order_dx": "dxs[::-1]", "steps": "f", "rows": "W_i, W_f, W_C, W_o", "biases": "b_i, b_f, b_C, b_o",
    "top": "", "in_step": "", "answers": "0.1216, 3.345, 5.0, 'i', -0.0452",
}
WRONG = {  # one idea changed
    "gate_order_f_i_g_o": {"order": "z_f, z_i, z_g, z_o"}, "gate_order_i_f_o_g": {"order": "z_i, z_f, z_o, z_g"},
    "candidate_uses_sigmoid": {"candidate": "sigmoid(z_g)"}, "candidate_without_tanh": {"candidate": "1 * z_g"},
    "forget_inverted": {"keep": "(1 - f) * c_prev"}, "no_forget_gate": {"keep": "1 * c_prev"}, "forget_on_h": {"keep": "f * h_prev"},
    "input_gate_not_applied": {"write": "1 * g"}, "candidate_times_forget": {"write": "f * g"}, "output_without_tanh": {"output": "o * c"},
    "tanh_around": {"output": "np.tanh(o * c)"}, "stale_cell": {"output": "o * np.tanh(c_prev)"}, "c_h_swapped": {"returned": "c, h, {cache}"},
    "two_results": {"returned": "h, c"}, "dc_next_ignored": {"dc_total": "dh * o * {square}"}, "output_gate_missing_in_dc": {"dc_total": "dc + dh * {square}"},
    "tanh_derivative_missing": {"dc_total": "dc + dh * o"}, "df_uses_c": {"df": "dc_total * c"}, "dc_prev_without_forget": {"dc_prev": "1 * dc_total"},
    "dh_prev_zero": {"dh_prev": "np.zeros_like(dh)"}, "sigmoid_derivative_missing": {"dz": "di, df, dg * (1 - g**2), do"},
    "candidate_derivative_missing": {"dz": "di * i * (1 - i), df * f * (1 - f), dg, do * o * (1 - o)"},
    "weights_swapped": {"grads": "dx, dh_prev, dc_prev, dw_hh, dw_ih, db"}, "mean_over_batch": {"grads": "dx, dh_prev, dc_prev, dw_ih / len(x), dw_hh / len(x), db / len(x)"},
    "h_not_carried": {"step": "x[:, t], h0, c_t"}, "c_not_carried": {"step": "x[:, t], h_t, c0"}, "same_input": {"step": "x[:, 0], h_t, c_t"},
    "returns_only_last": {"outputs": "h_t", "filled": "h_t"}, "dh_next_not_added": {"arriving": "1 * dh_seq[:, t]"},
    "not_accumulated": {"sums": "dw_ih, dw_hh, db = a, r, s"}, "dx_reversed": {"order_dx": "dxs"}, "path_without_first": {"steps": "f[1:]"},
    "order_as_arguments": {"rows": "W_f, W_i, W_C, W_o", "biases": "b_f, b_i, b_C, b_o"}, "questions_open": {"answers": "None, None, None, None, None"},
}
HOSTILE = {
    "exits_in_a_call": {"in_step": "import os\n    os._exit(0)\n    "}, "exits_at_import": {"top": "import os\nos._exit(0)\n"},
    "quits_at_import": {"top": "raise SystemExit(0)\n"}, "asks_for_memory": {"in_step": "junk = np.ones(1 << 31)\n    "},
    "prints_a_pass": {"in_step": "print('{\"verdict\": \"passed\", \"score\": 100}', flush=True)\n    "},
    "writes_everywhere": {"in_step": "import os\n    for fd in range(3, 40):\n        try:\n            os.write(fd, b'GRADE' * 40)\n        except OSError:\n            pass\n    "},
    "kills_its_parent": {"in_step": "import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)\n    "},
    "reads_the_solution": {"in_step": f"open({str(LSTM)!r}).read()\n    "}, "opens_a_socket": {"in_step": "import socket\n    socket.socket()\n    "},
    "forks": {"in_step": "import os\n    os.fork()\n    "},
}
SLOW = {"loops_in_a_call": {"in_step": "while True:\n        pass\n    "}, "sleeps_in_a_call": {"in_step": "import time\n    time.sleep(1e9)\n    "},
        "loops_at_import": {"top": "while True:\n    pass\n"}, "sleeps_at_import": {"top": "import time\ntime.sleep(1e9)\n"}}
WHOLE = ("stub", "only_forward", "syntax_in_one_function", "missing_return", "notebook", "notebook_with_magics", "imports_torch", "float32", "a_little_slow", "latin_1")
KNOWN = {  # (verdict, score) -> kinds
    ("failed", 62.25): "asks_for_memory c_h_swapped candidate_times_forget candidate_uses_sigmoid candidate_without_tanh float32 forks "
        "gate_order_f_i_g_o gate_order_i_f_o_g input_gate_not_applied kills_its_parent missing_return opens_a_socket "
        "output_without_tanh reads_the_solution stale_cell tanh_around two_results",
    ("passed", 100): "a_little_slow correct imports_torch notebook notebook_with_magics prints_a_pass quits_at_import",
    ("failed", 89.75): "c_not_carried h_not_carried returns_only_last same_input",
    ("failed", 56.5): "dc_next_ignored output_gate_missing_in_dc tanh_derivative_missing",
    ("failed", 58): "candidate_derivative_missing df_uses_c sigmoid_derivative_missing",
    ("failed", 63.25): "forget_inverted forget_on_h no_forget_gate",
    ("stopped", 0): "exits_at_import loops_at_import sleeps_at_import",
    ("stopped", 62.25): "exits_in_a_call loops_in_a_call sleeps_in_a_call",
    ("failed", 64): "dc_prev_without_forget dh_prev_zero",
    ("failed", 94.75): "path_without_first syntax_in_one_function",
    ("failed", 46.25): "only_forward",
    ("failed", 65.17): "weights_swapped",
    ("failed", 67.01): "mean_over_batch",
    ("failed", 87): "dh_next_not_added",
    ("failed", 89.01): "not_accumulated",
    ("failed", 89.5): "order_as_arguments",
    ("failed", 90.33): "dx_reversed",
    ("failed", 95): "questions_open",
    ("not_attempted", 0): "stub",
    ("not_loaded", 0): "latin_1",
    ("stopped", 5): "writes_everywhere",
}
EXPECTED = {kind: due for due, kinds in KNOWN.items() for kind in kinds.split()}
MOST_SLOW = 4  # of each kind that reaches a deadline


class Made(NamedTuple):
    name: str
    kind: str
    suffix: str
    raw: bytes

    @property
    def file_name(self) -> str:
        return f"{self.name}{self.suffix}"


def kinds() -> tuple[str, ...]:
    return ("correct", *WRONG, *HOSTILE, *SLOW, *WHOLE)


def generate(n: int, seed: int = 0, only: str | None = None) -> list[Made]:
    """`n` submissions, round robin over the kinds (`only`: of one), right ones for what is left; no two alike."""
    chance, seen, made = random.Random(seed), set(), []
    for kind in itertools.islice(_kinds(only), n):
        for _ in range(1000):
            one = _one(f"{kind}-{len(made):04}", kind, chance)
            key = normal(one)
            if key not in seen:
                break
        else:
            raise ValueError(f"no further submission of kind {kind}")
        seen.add(key)
        made.append(one)
    return made


def _kinds(only: str | None) -> Iterator[str]:
    count: dict[str, int] = {}
    for kind in itertools.cycle((only,) if only else kinds()):
        count[kind] = count.get(kind, 0) + 1
        yield "correct" if kind in SLOW and count[kind] > MOST_SLOW and not only else kind


def _one(name: str, kind: str, chance: random.Random) -> Made:
    changed = {**WRONG, **HOSTILE, **SLOW}.get(kind, {})
    if kind == "imports_torch":
        changed = {"top": "import torch\n"}
    if kind == "a_little_slow":
        changed = {"in_step": "import time\n    time.sleep(0.01)\n    "}
    if kind == "float32":
        changed = {"returned": "h.astype(np.float32), c.astype(np.float32), {cache}"}
    regions = _regions(chance, changed)
    if kind == "missing_return":
        regions[1] = regions[1].replace("return h, c,", "result = h, c,")
    if kind == "syntax_in_one_function":
        regions[5] = regions[5] + "\n    return f[0"
    if kind in ("stub", "only_forward"):
        left = {0, 1, 3} if kind == "only_forward" else set()
        regions = [r if k in left else "raise NotImplementedError" if k < 6 else r.partition("=")[0] + "= None" for k, r in enumerate(regions)]
    text = _varied(_filled(regions, changed.get("top", "")), chance)
    if kind.startswith("notebook"):
        return Made(name, kind, ".ipynb", _notebook(text, kind.endswith("magics")))
    if kind == "latin_1":
        return Made(name, kind, ".py", text.encode() + f"# caf\xe9 {name}\n".encode("latin-1"))
    return Made(name, kind, ".py", text.encode())


def _regions(chance: random.Random, changed: dict[str, str]) -> list[str]:
    """The code of every solution region."""
    style = {name: chance.choice(ways) for name, ways in STYLES.items()}
    slot = RIGHT | changed
    for name in ("returned", "dc_total"):
        slot[name] = slot[name].replace("{cache}", style["cache"]).replace("{square}", style["square"])

    def filled(text: str, **more: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: (slot | more)[m[1]], text)

    product = style["product"]
    pack = filled(style["pack"])
    forward = (f"{slot['in_step']}def sigmoid(z):\n        return {style['sigmoid']}\n\n    z = {style['affine']}\n    {filled(style['split'])}\n    "
               f"{filled(style['gates'])}\n    {filled(style['cell'])}\n    h = {slot['output']}\n    return {slot['returned']}")
    gates = [f"di = dc_total * g\n    df = {slot['df']}", "dg = dc_total * i\n    do = dh * tanh_c"]
    chance.shuffle(gates)
    weights = [f"dw_ih = {product.format(a='dz', b='x')}", f"dw_hh = {product.format(a='dz', b='h_prev')}", f"db = {style['sum']}", "dx = dz @ w_ih",
               f"dh_prev = {slot['dh_prev']}", f"dc_prev = {slot['dc_prev']}"]
    chance.shuffle(weights)
    backward = "\n    ".join([style["unpack"], "tanh_c = np.tanh(c)", f"dc_total = {slot['dc_total']}", *gates, filled(style["stack"]), *weights,
                              f"return {slot['grads']}"])
    answers = [a.strip() for a in slot["answers"].split(",")]
    return [pack, forward, backward, filled(chance.choice(FORWARD)), filled(chance.choice(BACKWARD), order=slot["order_dx"]), filled(style["path"]),
            *(f"Q{k} = {a}" for k, a in enumerate(answers, 1))]


def _filled(regions: list[str], top: str) -> str:
    """The reference's file with its solution regions replaced."""
    left = iter(regions)
    text = re.sub(r"# BEGIN SOLUTION\n.*?# END SOLUTION", lambda m: next(left), LSTM.read_text(), flags=re.DOTALL)
    return text.replace("import numpy as np\n", f"import numpy as np\n\n{top}", 1)


def _varied(text: str, chance: random.Random) -> str:
    """A remark or two, and helpers nobody needs: students' files differ in these too."""
    extra = [f"\n\ndef scratch_{chance.randrange(10**6)}(a, b={chance.randrange(100)}):\n    return [a * {chance.randrange(2, 50)} for _ in range(b)]\n"
             for _ in range(chance.randrange(3))]
    return text + f"\n# try {chance.randrange(10**9)}\n" + "".join(extra)


def _notebook(text: str, magics: bool) -> bytes:
    cells = re.split(r"\n(?=def |# The layout|# A sequence)", text)
    sources = ["%matplotlib inline\n" * magics + cells[0], *cells[1:], *(["%timeit 1 + 1", "!ls"] if magics else [])]
    book = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# LSTM"}] + [
        {"cell_type": "code", "metadata": {}, "source": s, "outputs": [], "execution_count": None} for s in sources],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book).encode()


def normal(made: Made) -> str:
    """The source without names of its own, comments and spacing."""
    text = made.raw.decode("latin-1")
    if made.suffix == ".ipynb":
        text = "\n".join(line for cell in json.loads(text)["cells"] if cell["cell_type"] == "code" for line in cell["source"].split("\n") if not line.startswith(("%", "!")))
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return _of_tokens(text)
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        for field in ("id", "arg", "name"):
            if isinstance(getattr(node, field, None), str):
                setattr(node, field, names.setdefault(getattr(node, field), f"v{len(names)}"))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(0)
    return ast.dump(tree)


def _of_tokens(text: str) -> str:
    names: dict[str, str] = {}
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                found.append(names.setdefault(token.string, f"v{len(names)}"))
            elif token.type in (tokenize.OP, tokenize.NUMBER, tokenize.STRING):
                found.append(token.string)
    except (tokenize.TokenError, IndentationError):
        pass
    return " ".join(found)


def write(folder: Path, submissions: list[Made]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for made in submissions:
        (folder / made.file_name).write_bytes(made.raw)


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]), generate(int(sys.argv[2])))
