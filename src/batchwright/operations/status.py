"""How things stand in a target."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.contracts.receipts import Collection, Run
from batchwright.operations.target import Target


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """How things stand in a collection.

    Attributes:
        collection: Which.
        published: Documents that are visible.
        records: Records of them that are stored.
        pending: Document versions that were begun, by a run or a program, and are not whole yet.
        rejects: Records and documents that were set aside.
    """

    collection: Collection
    published: int
    records: int
    pending: int
    rejects: int


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
        return sum(held.published for held in self.collections)

    @property
    def records(self) -> int:
        """Records of them that are stored."""
        return sum(held.records for held in self.collections)

    @property
    def pending(self) -> int:
        """Document versions that were begun and are not whole yet."""
        return sum(held.pending for held in self.collections)

    @property
    def rejects(self) -> int:
        """Records and documents that were set aside."""
        return sum(held.rejects for held in self.collections)


def status(target: Target) -> Status:
    """Return how things stand; documents are counted one by one.

    Raises:
        ConfigError: There is no collection of the name that the settings give.
        SinkError: The target can't be reached.
    """
    held = tuple(_held(target, collection) for collection in target.collections())
    last = next(iter(target.ledger.runs(target.collection, limit=1)), None)
    return Status(held, last)


def _held(target: Target, collection: Collection) -> CollectionStatus:
    ledger, name = target.ledger, collection.name
    published = records = 0
    for known in target.documents(name):
        published += 1
        records += known.version.records - known.rejected
    return CollectionStatus(
        collection, published, records, len(ledger.pending(name)), ledger.reject_count(name)
    )
