"""Locks: what makes the documents and versions of a batch its own until its transaction ends.

Where others write, there is one order for all: documents by the hash of their key, then versions by id.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.receipts import Receipt
from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.rejects import storable
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.columns import Columns
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.steps.values import ID, ID_AND_DOCUMENT, PUBLISHED
from batchwright.sinkkit.sql_ledger.tables import DOCUMENTS, PENDING

_DOCUMENTS = """
    SELECT d.key_hash FROM {documents} AS d
    WHERE d.document_id {in_document_id} OR (d.collection {in_collection} AND d.key_hash {in_key_hash})
    ORDER BY d.key_hash"""
_PENDING = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.document_id {in_document_id}
    OR (
        p.collection {in_collection} AND p.key_hash {in_key_hash}
        AND (p.brought_by = 'program' OR p.refused = 1)
    )
    ORDER BY p.document_id"""

_ID, _KEY_HASH = map(DOCUMENTS.names.index, ("document_id", "key_hash"))

NOT_PUBLISHED = """
    SELECT r.* FROM {rows}
    WHERE (SELECT d.document_id FROM {documents} AS d WHERE d.document_id = r.document_id) IS NULL"""
"""Those of the rows whose version isn't published."""

UNKNOWN = """
    SELECT r.document_id FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = r.document_id)
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.document_id = r.document_id)"""
"""The versions that are neither pending, nor refused, nor published."""


def claiming(receipt: Receipt, published: Columns, *, locks: bool) -> Iterator[Step]:
    """Yield what makes the documents and versions of a batch its own.

    Args:
        receipt: What is to be done.
        published: The rows of its publications, as `values.published` returns them.
        locks: Whether several transactions write at the same time.
    """
    own = {*receipt.continued}.intersection(published.columns[_ID])
    if both := values.ids(own):  # once claimed, they count as published
        yield Step("guard", UNKNOWN, ID, both, wrong=_discarded)
    if locks:
        yield from _documents(receipt, published)
    versions = sorted((*receipt.begun, *receipt.patched), key=lambda version: version.document_id)
    if begun := [values.pending(receipt, version) for version in versions]:
        yield Step("claim", NOT_PUBLISHED, PENDING.columns, begun, "pending")
    if locks:
        yield from _pending(receipt, published)
    if continued := values.ids(set(receipt.continued) - own):
        yield Step("guard", UNKNOWN, ID, continued, wrong=_discarded)


def _documents(receipt: Receipt, published: Columns) -> Iterator[Step]:
    keys = {version.key for version in (*receipt.patched, *receipt.refused, *receipt.noted)}
    named = {values.document(receipt, key)[1] for key in keys.union(key for key, _ in receipt.deleted)}
    hashes = published.columns[_KEY_HASH]
    if others := named.difference(hashes):
        hashes = [*others, *hashes]  # the query has an order of its own
    # Rows may join a version that another run published meanwhile: it must not be replaced meanwhile.
    joined = sorted({version.document_id for version in receipt.begun}.union(receipt.continued))
    if joined or hashes:
        without: list[None] = [None] * len(joined)
        collections = [*without, *[storable(receipt.collection)] * len(hashes)]
        hashes = [*without, *hashes] if joined else hashes
        places = Columns([[*joined, *[None] * (len(hashes) - len(joined))], collections, hashes])
        yield Step("lock", _DOCUMENTS, ID_AND_DOCUMENT, places, "documents")
    if published:  # a key without a row has nothing to lock
        yield Step("claim", "{all}", DOCUMENTS.columns, published, "documents", given=PUBLISHED)


def _pending(receipt: Receipt, published: Columns) -> Iterator[Step]:
    places: dict[str, tuple[str | None, ...]]
    places = dict.fromkeys((*receipt.continued, *receipt.discarded), (None, None))
    named = (*receipt.patched, *receipt.refused)
    places |= {version.document_id: values.document(receipt, version.key) for version in named}
    coming = values.of_published(published, ID_AND_DOCUMENT)
    if places:
        places |= {id_: document for id_, *document in coming}
        rows = [(id_, *document) for id_, document in places.items()]
        yield Step("lock", _PENDING, ID_AND_DOCUMENT, rows, "pending")
    elif coming:
        yield Step("lock", _PENDING, ID_AND_DOCUMENT, coming, "pending")


def _discarded(document_id: str) -> Exception:
    return IncompleteDocument(
        f"the document version {document_id} was discarded by another run meanwhile; run again to load it",
        document_id,
    )
