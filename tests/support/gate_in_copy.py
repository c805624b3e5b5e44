"""A plugin: large batches, and a run that waits within the COPY of the first one until it may go on.

Environment: as of the plugin `gate`. Whoever waits here has an open transaction, and the row of its
collection locked.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchwright import hookimpl
from batchwright.builtin.postgres.rows import Rows

PATIENCE = 120.0
"""Seconds that a run waits, at most: a test that failed must not leave it behind."""

_copies = itertools.count(1)
_blocks = Rows.copy_blocks


@hookimpl
def batch_size(feedback: Any, limits: Any) -> int:
    """Return a size that goes by COPY."""
    return int(os.environ["GATE_SIZE"])


def _waiting(self: Rows, fields: Any) -> Iterator[bytes]:
    blocks = _blocks(self, fields)
    yield next(blocks)
    if next(_copies) == int(os.environ["GATE_AT"]):
        folder = Path(os.environ["GATE"])
        (folder / "reached").touch()
        deadline = time.monotonic() + PATIENCE
        while not (folder / "open").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
    yield from blocks


Rows.copy_blocks = _waiting  # type: ignore[assignment, method-assign]
