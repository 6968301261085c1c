"""Your functions on handwritten digits, drawn in the terminal: python demo_linear_ae.py [--ascii]

It carries no points. What you have not written yet, it skips.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from linear_ae import pca, pca_reconstruct, principal_angles, tied_ae_loss_grad, train_linear_ae

INK = {"blocks": " ░▒▓█", "ascii": " .:*#"}  # from paper to ink
BAR = {"blocks": " ▏▎▍▌▋▊▉█", "ascii": " #"}  # the last piece of a bar, from empty to full
CELL = 10  # degrees that one character of a bar stands for
COLUMN = 90 // CELL + 3  # the longest bar and a gap


def main():
    parser = argparse.ArgumentParser(description="Your functions on handwritten digits.")
    parser.add_argument("--ascii", action="store_true", help="draw with plain characters only")
    style = "ascii" if parser.parse_args().ascii or not can_print(INK["blocks"] + BAR["blocks"]) else "blocks"

    digits = np.load(Path(__file__).with_name("digits.npz"))  # 500 images of 8 x 8 pixels, from 0 to 16
    X = digits["images"].reshape(-1, 64) / 16
    for scene in (draw_reconstructions, draw_training):
        try:
            scene(X, digits["labels"], style)
        except NotImplementedError as todo:
            name = str(todo).removeprefix("TODO: ")
            print(f"This part needs `{name}`, which is not written yet. Come back when it is.")
        except Exception as error:  # whatever an unfinished function does
            print(f"This part stopped: {type(error).__name__}: {error}")
            print("Some function is not right yet; `grade linear-ae` says more.")
        print()


def draw_reconstructions(X, labels, style):
    """Four digits as they were written, then rebuilt from 2, 8 and 32 numbers each."""
    print("Handwritten digits, 64 pixels each, rebuilt from a few numbers each")
    chosen = [int(np.flatnonzero(labels == digit)[0]) for digit in (0, 3, 4, 6)]
    print_images("original", X[chosen], style)
    for k in (2, 8, 32):
        mean, components, variances = pca(X, k)
        print(f"\nk = {k}: {variances.sum() / X.var(axis=0).sum():.0%} of the variance")
        print_images("", pca_reconstruct(X[chosen], mean, components), style)


def draw_training(X, labels, style):
    """The principal angles between the trained W and PCA, after more and more steps."""
    k = 4
    _, components, variances = pca(X, k)
    best_loss = (X.var(axis=0).sum() - variances.sum()) / 2
    print(f"Training the autoencoder, k = {k}: its angles to the principal directions")
    print("steps  " + "".join(f"{title:{COLUMN}}" for title in ("largest", "", "", "smallest")) + "loss / best")
    for steps in (0, 5, 10, 20, 40, 80, 160):
        W = train_linear_ae(X, k, steps, 0.2 / variances[0], np.random.default_rng(7))
        angles = np.degrees(principal_angles(W, components.T))
        loss, _ = tied_ae_loss_grad(W, X)
        bars = "".join(f"{bar(angle, style):{COLUMN}}" for angle in angles)
        print(f"{steps:5d}  {bars}{loss / best_loss:11.6f}")
    alike = abs(W[:, 0] @ components[0]) / np.linalg.norm(W[:, 0])
    print(f"The largest angle ended at {angles[0]:.4f} degrees: one subspace, one loss. One set of")
    print("weights? The cosine between the first column of W and the first principal")
    print(f"direction is {alike:.2f}: another basis of the same subspace.")


def print_images(title, images, style):
    """Images of 8 x 8 pixels from 0 to 1, side by side, two characters per pixel."""
    if title:
        print(title)
    shades = np.array(list(INK[style]))[np.rint(np.clip(images, 0, 1) * (len(INK[style]) - 1)).astype(int)]
    for row in shades.reshape(-1, 8, 8).swapaxes(0, 1):
        print("   ".join("".join(2 * shade for shade in line) for line in row).rstrip())


def bar(angle, style):
    """An angle in degrees as a bar; an angle above 0.05 degrees leaves a trace."""
    pieces = len(BAR[style]) - 1  # of one character
    length = round(angle / CELL * pieces) or int(angle > 0.05)
    full, rest = divmod(length, pieces)
    return BAR[style][-1] * full + (BAR[style][rest] if rest else "") if length else "."


def can_print(text):
    """Whether this terminal knows the characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    main()
