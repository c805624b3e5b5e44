"""How the delivery of a part ends."""

from __future__ import annotations

from enum import Enum, auto


class Ending(Enum):
    """How a part ended: stored, stored but for its rejects, failed, failed for good, or not reached."""

    STORED = auto()
    REJECTS = auto()
    FAILED = auto()
    FATAL = auto()
    STOPPED = auto()
