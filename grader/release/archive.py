"""Zip archives that are equal byte for byte wherever and whenever they are made: sorted, one time, two modes, stored.

Stored, not deflated: what a compressor writes depends on its version.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

TIME = (1980, 1, 1, 0, 0, 0)
FILE, PROGRAM = 0o100644, 0o100755
UNIX = 3


def zipped(tree: Mapping[str, bytes], programs: Collection[str] = ()) -> bytes:
    """The archive of `tree` (path -> bytes); `programs` may be executed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(tree):
            entry = zipfile.ZipInfo(path, TIME)
            entry.create_system = UNIX
            entry.external_attr = (PROGRAM if path in programs else FILE) << 16
            archive.writestr(entry, tree[path])
    return buffer.getvalue()
