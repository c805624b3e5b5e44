"""All that a receipt does, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from batchwright.contracts.receipts import Receipt
from batchwright.sinkkit.sql_ledger.steps.collection import opening
from batchwright.sinkkit.sql_ledger.steps.locks import claiming
from batchwright.sinkkit.sql_ledger.steps.patching import patching
from batchwright.sinkkit.sql_ledger.steps.publishing import making_room, publishing
from batchwright.sinkkit.sql_ledger.steps.refusing import accepting, clearing, refusing
from batchwright.sinkkit.sql_ledger.steps.rejects import dropping_rejects, keeping
from batchwright.sinkkit.sql_ledger.steps.removing import removing
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import RECEIPTS

_UNKNOWN: Mapping[str, int] = MappingProxyType({})


def before_rows(receipt: Receipt, now: str, *, locks: bool = True) -> Iterator[Step]:
    """Yield what comes before the rows of the batch: the receipt, locks, guards, and what goes.

    Args:
        receipt: What is to be done.
        now: The time (ISO 8601, UTC).
        locks: Whether several transactions write at the same time; if not, there is nothing to lock.
    """
    yield from opening(receipt, locks=locks)
    row = (receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records, now)
    yield Step("insert", "{all}", RECEIPTS.columns, [row], "receipts")
    yield from claiming(receipt, now, locks=locks)
    yield from accepting(receipt)
    yield from making_room(receipt)
    yield from removing(receipt)
    yield from clearing(receipt)


def after_rows(
    receipt: Receipt, now: str, *, locks: bool = True, held: Mapping[str, int] = _UNKNOWN
) -> Iterator[Step]:
    """Yield what comes after the rows of the batch: counts, publications, rejects.

    Args:
        receipt: As above.
        now: As above.
        locks: As above.
        held: How many rows of each version the batch holds, as far as is known. A version that it holds
            whole, and that was neither there nor pending, need not be counted.
    """
    if receipt.resolved:
        yield dropping_rejects(receipt.resolved)
    yield from publishing(receipt, now, held if locks else _UNKNOWN)
    yield from refusing(receipt)
    if receipt.rejects:
        yield keeping(receipt.rejects)
    yield from patching(receipt, now, locks=locks)
