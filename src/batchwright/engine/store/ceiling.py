"""How large a batch the target takes in time."""

from __future__ import annotations

from dataclasses import replace

from batchwright.contracts.sizing import SizeLimits


class Ceiling:
    """The largest size that did not time out again and again; shared by the writers of a run."""

    def __init__(self) -> None:
        self._rows: int | None = None

    def note(self, timed_out: int) -> None:
        """Note that a batch of so many records timed out twice: later ones hold half as many at most."""
        rows = max(1, timed_out // 2)
        self._rows = rows if self._rows is None else min(rows, self._rows)

    def is_exceeded(self, rows: int) -> bool:
        """Tell whether a batch of so many records would time out, by all that is known."""
        return self._rows is not None and rows > self._rows

    def within(self, limits: SizeLimits) -> SizeLimits:
        """Return the limits, lowered to it."""
        if self._rows is None or self._rows >= limits.rows:
            return limits
        return replace(limits, rows=self._rows, preferred=min(self._rows, limits.preferred))
