"""Autograder for deep-learning exercises: submissions in, reports out."""

__version__ = "0.1.0"


def load_ipython_extension(shell) -> None:
    """`%load_ext grader` in a notebook: from then on `%grade SLUG` marks what the kernel holds."""
    from grader.notebook import magic

    magic.register(shell)
