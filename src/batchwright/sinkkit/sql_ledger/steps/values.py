"""A receipt's values, as the columns of the ledger have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from batchwright.contracts.receipts import DocumentVersion, ItemVersion, Receipt
from batchwright.contracts.row_publications import columns_of
from batchwright.sinkkit.rejects import storable, storables
from batchwright.sinkkit.sql_ledger.steps.columns import Columns
from batchwright.sinkkit.sql_ledger.tables import DOCUMENT, DOCUMENTS, Column, key_hash, key_hashes

ID: tuple[Column, ...] = (("document_id", "id"),)
DOCUMENT_AND_ID: tuple[Column, ...] = (*DOCUMENT, *ID)
ID_AND_DOCUMENT: tuple[Column, ...] = (*ID, *DOCUMENT)
ID_AND_COLLECTION: tuple[Column, ...] = (*ID, DOCUMENT[0])

by_document = itemgetter(*range(len(DOCUMENT)))
"""Returns what rows that begin with the columns `DOCUMENT` are sorted by: the order of all locks."""

_PLACES = {name: place for place, name in enumerate(DOCUMENTS.names)}

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


def published(receipt: Receipt, now: str) -> Columns:
    """Return the rows of the table of documents that the receipt publishes, in the order of locks."""
    count = len(receipt.publications)
    if not count:
        return Columns([()] * len(DOCUMENTS.columns))
    keys, *version, fingerprints, items, rejected = columns_of(receipt.publications)
    keys = storables(keys)
    hashes = key_hashes(keys)
    columns = [hashes, keys, *version, storables(fingerprints), storables(items), rejected]
    if count > 1:  # they are of one collection
        ordered = itemgetter(*sorted(range(count), key=hashes.__getitem__))
        columns = [*map(ordered, columns)]
    return Columns(
        [[storable(receipt.collection)] * count, *columns, [receipt.run_id] * count, [now] * count]
    )


def of_published(rows: Columns, columns: Sequence[Column]) -> Columns:
    """Return some columns of rows that `published` returned."""
    return Columns([rows.columns[_PLACES[name]] for name, _ in columns])


def with_collection(receipt: Receipt, given: Iterable[str]) -> list[tuple[str, str]]:
    """Return the rows of the columns `ID_AND_COLLECTION`."""
    return [(id_, storable(receipt.collection)) for id_ in sorted(set(given))]


def ids(given: Iterable[str]) -> list[tuple[str]]:
    """Return the rows of the columns `ID`."""
    return [(id_,) for id_ in sorted(set(given))]
