"""Errors of a batch that fewer records may help against: time-outs above all, and its size."""

from __future__ import annotations

from batchwright.contracts.failure import Failure
from batchwright.errors import BatchTooLarge

_TIMED_OUT = frozenset({"57014", "25P04"})  # a statement, or a transaction, that the database ended
_CONTENT_TOO_LARGE = 413
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})


def timed_out(error: BaseException) -> bool:
    """Tell whether a write took too long, for us or for the database."""
    return isinstance(error, TimeoutError) or Failure(error).sqlstate in _TIMED_OUT


def is_too_large(error: BaseException) -> bool:
    """Tell whether the sink, or an HTTP service behind it, refused the batch for its size."""
    return isinstance(error, BatchTooLarge) or Failure(error).http_status == _CONTENT_TOO_LARGE


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
        too_slow = timed_out(error)
        self._time_outs += too_slow
        self.any = self.any or too_slow or Failure(error).sqlstate in _CONFLICTS
        return self.too_much

    @property
    def too_much(self) -> bool:
        """Whether the batch timed out twice: the same records would again."""
        return self._several and self._time_outs >= 2

    def forget(self) -> None:
        """Begin anew: the sink was down, so it says nothing about the batch."""
        self._time_outs, self.any = 0, False
