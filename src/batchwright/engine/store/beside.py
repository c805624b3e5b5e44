"""Write to a store without a ledger of its own: read the one beside it first, record in it afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from batchwright.contracts.ledger import LedgerBeside, rejects_of
from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt
from batchwright.contracts.sink import Store
from batchwright.errors import IncompleteDocument
from batchwright.model import Batch


def write_beside(store: Store, ledger: LedgerBeside, batch: Batch[Any], receipt: Receipt) -> None:
    """Store the batch and record its receipt in the ledger; nothing, where it is recorded already.

    Only the store knows whether a patched version is whole: the engine publishes it, and begins it if rows
    are missing.

    Raises:
        IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
        Exception: Whatever the store raises.
    """
    if ledger.committed(receipt.batch_id):
        return
    whole = {version.document_id: version for version in receipt.patched}
    partial: list[DocumentVersion] = []
    while True:
        resolved = _resolved(ledger, receipt, whole.values(), partial)
        resolved = replace(resolved, removed=ledger.removals(resolved))
        try:
            store.write(batch, resolved)
        except IncompleteDocument as error:
            if not whole:
                raise
            lacking = [error.document_id] if error.document_id in whole else [*whole]
            partial += [whole.pop(document_id) for document_id in lacking]
        else:
            ledger.record(resolved)
            return


def _resolved(
    ledger: LedgerBeside,
    receipt: Receipt,
    whole: Iterable[DocumentVersion],
    partial: Iterable[DocumentVersion],
) -> Receipt:
    """Return the receipt without patched versions: those that are whole are published, the others begun."""
    rejected: Counter[str | None] = Counter(reject.document_id for reject in receipt.rejects)
    publications = []
    begun = [*receipt.begun, *partial]
    for version in whole:
        known = {reject.id for reject in rejects_of(ledger, receipt.collection, version)}
        known -= {*receipt.resolved, *(reject.id for reject in receipt.rejects)}
        set_aside = rejected[version.document_id] + len(known)
        if set_aside < version.records:
            publications.append(Publication(version, set_aside))
        else:  # there is no row to show
            begun.append(version)
    return replace(
        receipt,
        patched=(),
        publications=(*receipt.publications, *publications),
        begun=tuple(begun),
    )
