"""What is left out of the documents that are read, counted by reason; the first of each is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from batchwright.contracts.events import ItemLeftOut
from batchwright.documents.left_out import NAMED
from batchwright.engine.reading.changes import Change
from batchwright.model import Omission


class Omissions:
    """Counts what is left out.

    Args:
        on_named: Called with the first of each reason.
    """

    def __init__(self, on_named: Callable[[ItemLeftOut], None]) -> None:
        self._on_named = on_named
        self._named: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, change: Change) -> None:
        """Count what is left out of a document."""
        for omission in change.left_out:
            self._counts[omission.reason] += omission.amount
            self._name(change.key, omission)

    def take(self) -> dict[str, int]:
        """Return the counts since the last call."""
        counts = dict(self._counts)
        self._counts.clear()
        return counts

    def _name(self, key: str, omission: Omission) -> None:
        self._named[omission.reason] += 1
        if self._named[omission.reason] <= NAMED:
            self._on_named(ItemLeftOut(key, omission.reason, omission.what))
