"""A receipt's values, as the columns of the ledger have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from batchwright.contracts.receipts import DocumentVersion, ItemVersion, Receipt
from batchwright.sinkkit.rejects import storable
from batchwright.sinkkit.sql_ledger.tables import DOCUMENT, DOCUMENTS, Column, key_hash

ID: tuple[Column, ...] = (("document_id", "id"),)
DOCUMENT_AND_ID: tuple[Column, ...] = (*DOCUMENT, *ID)
ID_AND_DOCUMENT: tuple[Column, ...] = (*ID, *DOCUMENT)
ID_AND_COLLECTION: tuple[Column, ...] = (*ID, DOCUMENT[0])

by_document = itemgetter(*range(len(DOCUMENT)))
"""Returns what rows that begin with the columns `DOCUMENT` are sorted by: the order of all locks."""

_key_hash = itemgetter(DOCUMENT.index(("key_hash", "id")))

PUBLISHED = "published"
"""Names the values of a receipt's publications, in `Step.given`."""


def document(receipt: Receipt, key: str) -> tuple[str, str]:
    """Return the values of the columns `DOCUMENT`."""
    return storable(receipt.collection), key_hash(storable(key))


def version(receipt: Receipt, of: DocumentVersion) -> tuple[Any, ...]:
    """Return the values of the columns `DOCUMENT` and `VERSION`."""
    key = storable(of.key)
    return (
        storable(receipt.collection),
        key_hash(key),
        key,
        of.document_id,
        of.content_hash,
        of.settings,
        of.size,
        of.records,
        of.brought_by,
        storable(of.fingerprint),
        storable(of.item),
    )


def item(receipt: Receipt, of: ItemVersion) -> tuple[Any, ...]:
    """Return the row of the table of items."""
    key = storable(of.key)
    known = storable(of.fingerprint), of.settings, of.rows
    return storable(receipt.collection), key_hash(key), key, *known


def pending(receipt: Receipt, of: DocumentVersion, *, refused: bool = False) -> tuple[Any, ...]:
    """Return the row of the table of pending versions."""
    return *version(receipt, of), receipt.run_id, int(refused)


def published(receipt: Receipt, now: str) -> list[tuple[Any, ...]]:
    """Return the rows of the table of documents that the receipt publishes, in the order of locks."""
    rows = [(*version(receipt, p.version), p.rejected, receipt.run_id, now) for p in receipt.publications]
    rows.sort(key=_key_hash)  # they are of one collection
    return rows


def of_published(rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """Return some columns, two or more, of rows that `published` returned."""
    names = DOCUMENTS.names
    return list(map(itemgetter(*(names.index(name) for name, _ in columns)), rows))


def with_collection(receipt: Receipt, given: Iterable[str]) -> list[tuple[str, str]]:
    """Return the rows of the columns `ID_AND_COLLECTION`."""
    return [(id_, storable(receipt.collection)) for id_ in sorted(set(given))]


def ids(given: Iterable[str]) -> list[tuple[str]]:
    """Return the rows of the columns `ID`."""
    return [(id_,) for id_ in sorted(set(given))]
