"""One process at a time in a folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 2.0
"""Seconds to wait for another process, which may be stopped; then it is ignored."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the folder itself is what is locked, so nothing is left behind.

    Raises:
        OSError: The folder is not there, or may not be read.
    """
    if sys.platform == "win32":  # where two runs that write one file may miss each other's counts
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        _wait_for(handle)
        yield
    finally:
        os.close(handle)  # which ends the lock


def _wait_for(handle: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:  # a file system without locks
            return
        else:
            return
