"""All that a receipt does, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from batchwright.contracts.receipts import Receipt
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.collection import opening
from batchwright.sinkkit.sql_ledger.steps.embedding import embedding
from batchwright.sinkkit.sql_ledger.steps.locks import claiming
from batchwright.sinkkit.sql_ledger.steps.noting import noting
from batchwright.sinkkit.sql_ledger.steps.patching import patching
from batchwright.sinkkit.sql_ledger.steps.publishing import making_room, publishing
from batchwright.sinkkit.sql_ledger.steps.purging import forgetting, marking, purging
from batchwright.sinkkit.sql_ledger.steps.refusing import accepting, clearing, refusing
from batchwright.sinkkit.sql_ledger.steps.rejects import dropping_rejects, keeping
from batchwright.sinkkit.sql_ledger.steps.removing import removing
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import RECEIPTS

_UNKNOWN: Mapping[str, int] = MappingProxyType({})


class ReceiptSteps:
    """The steps of a write, before the rows of its batch and after them.

    Args:
        receipt: What is to be done.
        now: The time (ISO 8601, UTC).
        locks: Whether several transactions write at the same time; if not, there is nothing to lock.
        vectors: Whether there are tables of vectors.
    """

    def __init__(self, receipt: Receipt, now: str, *, locks: bool = True, vectors: bool = False) -> None:
        self._receipt = receipt
        self._now = now
        self._locks = locks
        self._vectors = vectors
        self._published = values.published(receipt, now)

    def before_rows(self) -> Iterator[Step]:
        """Yield what comes before the rows: the receipt, locks, guards, and what goes."""
        receipt, published, locks = self._receipt, self._published, self._locks
        yield from opening(receipt, locks=locks)
        row = (receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records, self._now)
        yield Step("insert", "{all}", RECEIPTS.columns, [row], "receipts")
        yield from claiming(receipt, published, locks=locks)
        yield from accepting(receipt)
        if self._vectors:
            yield from marking(receipt)
        yield from making_room(published)
        yield from removing(receipt, published)
        yield from clearing(receipt)

    def after_rows(self, held: Mapping[str, int] = _UNKNOWN) -> Iterator[Step]:
        """Yield what comes after the rows: counts, publications, rejects, what is known of the source.

        Args:
            held: How many rows of each version the batch holds, as far as is known. A version that it holds
                whole, and that was neither there nor pending, need not be counted.
        """
        receipt, locks = self._receipt, self._locks
        if receipt.resolved:
            yield dropping_rejects(receipt.resolved)
        yield from publishing(self._published, held if locks else _UNKNOWN)
        yield from refusing(receipt)
        if receipt.rejects:
            yield keeping(receipt.rejects)
        yield from patching(receipt, self._now, locks=locks)
        yield from noting(receipt)
        yield from forgetting(receipt)
        if self._vectors:
            yield from purging(receipt, locks=locks)
            yield from embedding(receipt, locks=locks)
