"""Errors of a batch that fewer records may help against: time-outs above all."""

from __future__ import annotations

from batchwright.contracts.failure import Failure

_CANCELLED = "57014"  # a statement that took longer than the database lets it
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})


class Strain:
    """Counts the time-outs of one batch.

    Args:
        several: Whether it holds several records, so that it can be cut.
    """

    def __init__(self, *, several: bool) -> None:
        self._several = several
        self._time_outs = 0
        self.any = False

    def add(self, error: Exception) -> bool:
        """Note an error; return whether the batch is to be cut rather than tried again."""
        state = Failure(error).sqlstate
        timed_out = isinstance(error, TimeoutError) or state == _CANCELLED
        self._time_outs += timed_out
        self.any = self.any or timed_out or state in _CONFLICTS
        return self.too_much

    @property
    def too_much(self) -> bool:
        """Whether the batch timed out twice: the same records would again."""
        return self._several and self._time_outs >= 2

    def forget(self) -> None:
        """Begin anew: the sink was down, so it says nothing about the batch."""
        self._time_outs, self.any = 0, False
