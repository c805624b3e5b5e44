"""The limit of rejects: more of them end the run."""

from __future__ import annotations

import threading
from collections.abc import Callable

from batchwright.plurals import counted


class RejectLimit:
    """Counts rejects, and says when there are too many.

    Args:
        limit: A number of rejects, or below 1 a share of the records; None for no limit.
        expected: How many records there are, as far as is known; asked for a share only.
    """

    def __init__(self, limit: float | None = None, expected: Callable[[], int] = lambda: 0) -> None:
        self._limit = limit
        self._expected = expected
        self._lock = threading.Lock()
        self._count = 0

    @property
    def count(self) -> int:
        """How many rejects there were."""
        return self._count

    def add(self, count: int) -> None:
        """Count rejects."""
        with self._lock:
            self._count += count

    @property
    def exceeded(self) -> str:
        """Why there are too many, or an empty string."""
        if self._limit is None:
            return ""
        most = self._limit * self._expected() if 0 < self._limit < 1 else self._limit
        if self._count <= most:
            return ""
        are = "is" if self._count == 1 else "are"
        return f"{counted(self._count, 'reject')} {are} more than max_rejects ({self._limit:g}) allows"
