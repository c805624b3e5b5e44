"""Fingerprints of files by size and modification time, for those who trust these."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

YOUNG = 10 * 10**9
"""Nanoseconds for which a modification time isn't trusted. A file that is changed again within what its file
system takes for one moment, up to 2 s, keeps its time; and another machine's clock may be behind."""


TOO_YOUNG = "mtime:young"
"""What stands for the fingerprint of a file that was too young when it was read: it is nobody's."""


def fingerprints() -> Callable[[os.stat_result], str]:
    """Return what makes fingerprints from now on: empty for a file that is too young for one.

    A file that changes after it was looked at then has another time, and another fingerprint.
    """
    oldest = time.time_ns() - YOUNG

    def fingerprint(status: os.stat_result) -> str:
        when = status.st_mtime_ns
        return f"mtime:{when}:{status.st_size}" if when < oldest else ""

    return fingerprint
