"""Noting: what is known of the source, such as fingerprints, changes without any record that does."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.receipts import Receipt
from batchwright.sinkkit.rejects import storable
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.steps.values import DOCUMENT_AND_ID
from batchwright.sinkkit.sql_ledger.tables import COLLECTIONS, DOCUMENT, DOCUMENTS, ITEMS, Column

_NOTED: tuple[Column, ...] = (*DOCUMENT_AND_ID, ("fingerprint", "text"), ("item", "text"))
_CURSOR: tuple[Column, ...] = (DOCUMENT[0], ("cursor", "text"))


def _with(row: str, columns: tuple[str, ...], given: tuple[Column, ...]) -> str:
    """Return the columns of a row that is there, those that are given in place of its own."""
    new = {name for name, _ in given}
    return ", ".join(f"{'r' if name in new else row}.{name}" for name in columns)


_NOTE = f"""
    SELECT {_with("d", DOCUMENTS.names, _NOTED)} FROM {{rows}} JOIN {{documents}} AS d
    ON d.collection = r.collection AND d.key_hash = r.key_hash WHERE d.document_id = r.document_id"""
_KEEP_CURSOR = f"""
    SELECT {_with("c", COLLECTIONS.names, _CURSOR)} FROM {{rows}} JOIN {{collections}} AS c
    ON c.name = r.collection WHERE true"""
_FORGET = "DELETE FROM {items} WHERE collection {in_collection} AND key_hash {in_key_hash}"


def noting(receipt: Receipt) -> Iterator[Step]:
    """Yield what keeps fingerprints, items and the cursor; the documents are locked already."""
    if receipt.noted:
        noted = {  # a statement can't touch a row twice
            version.document_id: (
                *values.document(receipt, version.key),
                version.document_id,
                storable(version.fingerprint),
                storable(version.item),
            )
            for version in receipt.noted
        }
        yield Step("update", _NOTE, _NOTED, sorted(noted.values()), "documents")
    if receipt.items_gone:
        gone = sorted({values.document(receipt, key) for key in receipt.items_gone})
        yield Step("execute", _FORGET, DOCUMENT, gone)
    if receipt.items:
        known = {item.key: values.item(receipt, item) for item in receipt.items}
        yield Step("upsert", "{all}", ITEMS.columns, sorted(known.values()), "items")
    if receipt.cursor is not None:
        row = storable(receipt.collection), storable(receipt.cursor)
        yield Step("update", _KEEP_CURSOR, _CURSOR, [row], "collections")
