"""Whether a notebook holds other code than the one that was released.

Running and saving a notebook changes its bytes and not its code; so a released notebook carries the digest of its code.

    notebook["metadata"][KEY] = {"code": code_digest(submission)}     when it is made
    is_untouched(raw)                                                 when a learner has it
"""

from __future__ import annotations

import hashlib
import json

from grader.errors import SubmissionRefused
from grader.source.submission import Submission, submission_from_bytes

KEY = "grade"  # in the notebook's metadata


def code_digest(notebook: Submission) -> str:
    """Of the Python in its cells: commands for the shell, such as `%grade`, and empty cells do not count."""
    texts = [text for piece in notebook.pieces if (text := piece.text.strip())]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def is_untouched(raw: bytes) -> bool:
    """Whether a notebook's code is what was released; not so if it does not say or cannot be read."""
    try:
        found = code_digest(submission_from_bytes(raw, file="notebook", kind="ipynb", name="notebook"))
        return json.loads(raw.decode("utf-8-sig"))["metadata"][KEY]["code"] == found
    except (SubmissionRefused, ValueError, LookupError, TypeError):
        return False
