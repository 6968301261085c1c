"""Train a small network with your bptt.py and draw how far back its gradient reaches. It carries no points.

    python demo_bptt.py            python demo_bptt.py --ascii     for terminals without block characters

The network hears +1 or -1 at random at every step and must say what it heard 4 steps ago. To learn that, a gradient
must travel back to where the answer stood.
"""

import sys
import time

import numpy as np
from bptt import bptt, rnn_forward, tbptt

N, T, H, DELAY = 16, 12, 8, 4  # batch, steps, hidden units; one number heard and one said at each step
UPDATES, PATIENCE_S = 240, 6.0
ASCII = "--ascii" in sys.argv or "utf" not in (sys.stdout.encoding or "").lower()
BARS = ".:-=+*#@" if ASCII else "▁▂▃▄▅▆▇█"


# The network and its training -----------------------------------------------------------------------------------------


def loss_of(h, x, w_out, b_out):
    """The logistic loss of what is said after step 4, its mean, and its gradients by h, w_out and b_out."""
    said, wanted = h[:, DELAY:] @ w_out + b_out, x[:, :-DELAY, 0]
    dsaid = -wanted / (1 + np.exp(wanted * said)) / said.size
    dh = np.zeros_like(h)
    dh[:, DELAY:] = dsaid[..., None] * w_out
    return np.logaddexp(0, -wanted * said).mean(), dh, np.tensordot(dsaid, h[:, DELAY:], 2), dsaid.sum()


def train(way_back):
    """Adam, with the gradients of `way_back(dh, x, h0, h, w_ih, w_hh)`: the losses, the parameters before and after."""
    rng = np.random.default_rng(3)
    w_ih, w_hh, w_out = rng.normal(0, 1, (H, 1)), rng.normal(0, 0.2, (H, H)), rng.normal(0, 0.3, H)
    before = [w_ih, w_hh, np.zeros(H), w_out, 0.0]
    after, mean, square = list(before), [0.0] * 5, [0.0] * 5
    losses, end = [], time.monotonic() + PATIENCE_S
    while len(losses) < UPDATES and time.monotonic() < end:
        x, h0 = rng.choice([-1.0, 1.0], (N, T, 1)), np.zeros((N, H))
        w_ih, w_hh, b, w_out, b_out = after
        h = rnn_forward(x, h0, w_ih, w_hh, b)
        loss, dh, *output_gradients = loss_of(h, x, w_out, b_out)
        losses.append(loss)
        _, _, *network_gradients = way_back(dh, x, h0, h, w_ih, w_hh)
        for k, gradient in enumerate([*network_gradients, *output_gradients]):
            mean[k] = 0.9 * mean[k] + 0.1 * gradient
            square[k] = 0.99 * square[k] + 0.01 * gradient**2
            rate = 0.02 * np.sqrt(1 - 0.99 ** len(losses)) / (1 - 0.9 ** len(losses))
            after[k] = after[k] - rate * mean[k] / (np.sqrt(square[k]) + 1e-8)
    return losses, before, after


def reach(way_back, parameters):
    """(T,): the mean size of the gradient by each x_t of what is said at the last step."""
    x, h0 = np.random.default_rng(1).choice([-1.0, 1.0], (N, T, 1)), np.zeros((N, H))
    w_ih, w_hh, b, w_out, _ = parameters
    h = rnn_forward(x, h0, w_ih, w_hh, b)
    dh = np.zeros_like(h)
    dh[:, -1] = w_out
    dx, *_ = way_back(dh, x, h0, h, w_ih, w_hh)
    return np.abs(dx[..., 0]).mean(axis=0)


# The pictures ---------------------------------------------------------------------------------------------------------


def bars(values, low, high):
    """A character for each value, from the lowest bar at `low` to the highest at `high`; a blank for -inf and nan."""
    heights = [np.clip((value - low) / (high - low), 0, 1) if np.isfinite(value) else None for value in values]
    return [" " if height is None else BARS[round(height * (len(BARS) - 1))] for height in heights]


def draw_losses(runs):
    print(f"The loss while it learns. One column is 4 updates, {BARS[0]} is 0, {BARS[-1]} is 0.7 (guessing).\n")
    for name, (losses, _, _) in runs.items():
        means = [np.mean(losses[k : k + 4]) for k in range(0, len(losses), 4)]
        early = f"  (out of time after {len(losses)} updates)" if len(losses) < UPDATES else ""
        print(f"  {name:13}{''.join(bars(means, 0, 0.7))}  {means[-1]:.2f}{early}")


def draw_reach(rows):
    print(f"\nThe gradient by x_t of what is said at step {T}: {BARS[0]} is 0.00001, {BARS[-1]} is 1, blank is 0.\n")
    print(f"  {'step t':26}" + "".join(f"{t:4}" for t in range(1, T + 1)))
    for name, sizes in rows.items():
        logarithms = np.log10(sizes, where=sizes > 0, out=np.full(T, -np.inf))
        print(f"  {name:26}" + "".join(f"{bar:>4}" for bar in bars(logarithms, -5, 0)))


# All of it ------------------------------------------------------------------------------------------------------------


def unfinished(function, *arguments):
    """The name of the function that is still to be written, or None."""
    try:
        return function.__name__ if function(*arguments) is None else None
    except NotImplementedError as todo:
        return str(todo).removeprefix("TODO: ") or function.__name__


def main():
    sequence, state, weight, bias = np.zeros((1, 2, 1)), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1)
    backward = sequence, sequence, state, sequence, weight, weight
    missing = unfinished(rnn_forward, sequence, state, weight, weight, bias) or unfinished(bptt, *backward)
    if missing:
        print(f"Almost: the demonstration needs `{missing}`, which is still to be written in bptt.py. See you then!")
        return

    missing = unfinished(tbptt, *backward, 1)
    ways = {"bptt": bptt}
    if not missing:
        ways["tbptt, k = 5"] = lambda *arguments: tbptt(*arguments, 5)
        ways["tbptt, k = 4"] = lambda *arguments: tbptt(*arguments, 4)
    runs = {name: train(way_back) for name, way_back in ways.items()}
    losses, before, after = runs["bptt"]
    draw_losses(runs)
    rows = {"bptt, before training": reach(bptt, before), "bptt, after training": reach(bptt, after)}
    if not missing:
        rows["tbptt, k = 4, before"] = reach(ways["tbptt, k = 4"], before)
    draw_reach(rows)

    if not np.mean(losses[-20:]) < 0.5 * losses[0]:
        print("\nWith bptt the loss should come near 0. Here it does not: `grade bptt` tells what is wrong.")
        return
    print("\nBefore training the gradient fades on its way back; training keeps it alive.")
    if missing:
        print(f"It has learned. Write `{missing}` too, then you see what it cannot learn with short windows.")
    else:
        print("The answer stands 4 steps before the question, so a window must hold 5 steps. With 4, it guesses.")


main()
