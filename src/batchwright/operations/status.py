"""How things stand in a target."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.contracts.receipts import Run
from batchwright.operations.collections import CollectionStatus, held
from batchwright.operations.target import Target


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand in a target.

    Attributes:
        collections: Each of the collections, by name.
        last_run: The run that began last; None where there was none.
    """

    collections: tuple[CollectionStatus, ...]
    last_run: Run | None

    @property
    def published(self) -> int:
        """Documents that are visible."""
        return sum(one.published for one in self.collections)

    @property
    def records(self) -> int:
        """Records of them that are stored."""
        return sum(one.records for one in self.collections)

    @property
    def pending(self) -> int:
        """Document versions that were begun and are not whole yet."""
        return sum(one.pending for one in self.collections)

    @property
    def rejects(self) -> int:
        """Records and documents that were set aside."""
        return sum(one.rejects for one in self.collections)


def status(target: Target) -> Status:
    """Return how things stand; documents are counted one by one.

    Raises:
        ConfigError: There is no collection of the name that the settings give.
        SinkError: The target can't be reached.
    """
    each = tuple(held(target, collection) for collection in target.collections())
    last = next(iter(target.ledger.runs(target.collection, limit=1)), None)
    return Status(each, last)
