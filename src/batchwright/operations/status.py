"""How things stand in a target."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.contracts.receipts import Run
from batchwright.operations.target import Target


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand in a target.

    Attributes:
        published: Documents that are visible.
        records: Records of them that are stored.
        pending: Document versions that were begun, by a run or a program, and are not whole yet.
        rejects: Records and documents that were set aside.
        last_run: The run that began last; None where there was none.
    """

    published: int
    records: int
    pending: int
    rejects: int
    last_run: Run | None


def status(target: Target) -> Status:
    """Return how things stand; documents are counted one by one.

    Raises:
        SinkError: The target can't be reached.
    """
    published = records = pending = rejects = 0
    ledger = target.ledger
    for collection in target.collections():
        pending += len(ledger.pending(collection.name))
        rejects += ledger.reject_count(collection.name)
        for known in target.documents(collection.name):
            published += 1
            records += known.version.records - known.rejected
    last = next(iter(ledger.runs(target.collection, limit=1)), None)
    return Status(published, records, pending, rejects, last)
