"""Removing: versions that are discarded, deleted, or known to nobody go, with their rows and rejects."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.receipts import Receipt
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.columns import Columns
from batchwright.sinkkit.sql_ledger.steps.locks import UNKNOWN
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.steps.values import DOCUMENT_AND_ID, ID, ID_AND_COLLECTION
from batchwright.sinkkit.sql_ledger.tables import DOCUMENT

UNFINISHED = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.document_id {in_document_id} AND p.collection {in_collection}
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.document_id = p.document_id)"""
"""The versions that were begun or refused, and are not published."""

_FORGET_DISCARDED = f"DELETE FROM {{rejects}} WHERE document_id IN ({UNFINISHED})"
_NOT_PENDING = "DELETE FROM {pending} WHERE document_id {in_document_id} AND collection {in_collection}"

_DELETED = """
    SELECT d.document_id FROM {rows} JOIN {documents} AS d
    ON d.collection = r.collection AND d.key_hash = r.key_hash AND d.document_id = r.document_id"""
_FORGET_DELETED = """
    DELETE FROM {rejects} WHERE id IN (
        SELECT j.id FROM {rows} JOIN {documents} AS d
        ON d.collection = r.collection AND d.key_hash = r.key_hash AND d.document_id = r.document_id
        JOIN {rejects} AS j ON j.key_hash = r.key_hash AND j.collection = r.collection
        WHERE j.document_id IS NULL OR j.document_id = r.document_id
    )"""
_NOT_PUBLISHED = f"DELETE FROM {{documents}} WHERE document_id IN ({_DELETED})"

_FORGET_UNKNOWN = f"DELETE FROM {{rejects}} WHERE document_id IN ({UNKNOWN})"


def removing(receipt: Receipt, published: Columns) -> Iterator[Step]:
    """Yield what removes the versions that the receipt discards, deletes, or calls orphaned.

    Args:
        receipt: What is to be done.
        published: The rows of its publications, as `values.published` returns them.
    """
    if discarded := values.with_collection(receipt, receipt.discarded):
        yield Step("remove", UNFINISHED, ID_AND_COLLECTION, discarded)
        yield Step("execute", _FORGET_DISCARDED, ID_AND_COLLECTION, discarded)
        yield Step("execute", _NOT_PENDING, ID_AND_COLLECTION, discarded)
    if deleted := sorted({(*values.document(receipt, key), version) for key, version in receipt.deleted}):
        yield Step("remove", _DELETED, DOCUMENT_AND_ID, deleted)
        yield Step("execute", _FORGET_DELETED, DOCUMENT_AND_ID, deleted)
        coming = {*values.of_published(published, DOCUMENT)}  # their rows were claimed
        if gone := [place for place in deleted if place[:2] not in coming]:
            yield Step("execute", _NOT_PUBLISHED, DOCUMENT_AND_ID, gone)
    if orphaned := values.ids(receipt.orphaned):
        yield Step("remove", UNKNOWN, ID, orphaned)
        yield Step("execute", _FORGET_UNKNOWN, ID, orphaned)
