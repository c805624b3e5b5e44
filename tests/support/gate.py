"""A plugin: small batches, and a run that waits before one of them until the test lets it go on.

Environment: GATE is a folder, in which the run leaves `reached` and waits for `open`; GATE_AT says before
which batch, from 1; GATE_SIZE how many records a batch takes.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Any

from batchwright import hookimpl

PATIENCE = 60.0
"""Seconds that a run waits, at most: a test that failed must not leave it behind."""

_batches = itertools.count(1)


@hookimpl
def batch_size(feedback: Any, limits: Any) -> int:
    """Return the size, in time."""
    if next(_batches) == int(os.environ["GATE_AT"]):
        folder = Path(os.environ["GATE"])
        (folder / "reached").touch()
        deadline = time.monotonic() + PATIENCE
        while not (folder / "open").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
    return int(os.environ["GATE_SIZE"])
