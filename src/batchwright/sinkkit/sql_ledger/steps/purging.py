"""Purging: what a write removes leaves no vectors and no rejects behind.

Only vectors of rows that go with this write are looked at: one that no row uses may be another run's, which
is about to publish its row.
"""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.receipts import Receipt
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.steps.values import ID
from batchwright.sinkkit.sql_ledger.tables import DOCUMENT

_PURGED = ""
"""Stands for the time since when a vector is not used, until the end of this write."""

_MARK = f"""
    INSERT INTO {{unused}} (model, key, since)
    SELECT DISTINCT v.model, v.key, '{_PURGED}'
    FROM /* versions */ CROSS JOIN {{records}} AS c CROSS JOIN {{models}} AS m CROSS JOIN {{vectors}} AS v
    WHERE {{belongs}} AND v.model = m.id AND v.key = c._vector_key ORDER BY v.model, v.key
    ON CONFLICT (model, key) DO UPDATE SET since = excluded.since"""
_MARK_VERSIONS = _MARK.replace("/* versions */", "{rows}")
_MARK_DOCUMENTS = _MARK.replace(
    "/* versions */",
    """(
        SELECT d.document_id FROM {rows} CROSS JOIN {documents} AS d
        WHERE d.collection = r.collection AND d.key_hash = r.key_hash
    ) AS r""",
)

# Who publishes rows has the row of their model shared, until its guard has seen their vectors.
_LOCK = "SELECT m.id FROM {models} AS m ORDER BY m.id FOR UPDATE"
_REMOVE = f"""
    DELETE FROM {{vectors}} WHERE (model, key) IN (
        SELECT u.model, u.key FROM {{unused}} AS u WHERE u.since = '{_PURGED}'
        AND NOT EXISTS (SELECT 1 FROM {{records}} AS c WHERE c._vector_key = u.key)
    )"""
_UNMARK = f"DELETE FROM {{unused}} WHERE since = '{_PURGED}'"
_FORGET = """
    DELETE FROM {rejects} WHERE collection {in_collection} AND key_hash {in_key_hash}
    AND NOT EXISTS (
        SELECT 1 FROM {documents} AS d
        WHERE d.collection = {rejects}.collection AND d.key_hash = {rejects}.key_hash
    )"""


def marking(receipt: Receipt) -> Iterator[Step]:
    """Yield what marks the vectors of the rows that go, before they go."""
    if not receipt.purge:
        return
    keys = {key for key, _ in receipt.deleted} | {one.version.key for one in receipt.publications}
    if documents := sorted({values.document(receipt, key) for key in keys}):
        yield Step("execute", _MARK_DOCUMENTS, DOCUMENT, documents)
    if versions := values.ids((*receipt.discarded, *receipt.orphaned)):
        yield Step("execute", _MARK_VERSIONS, ID, versions)


def purging(receipt: Receipt, *, locks: bool) -> Iterator[Step]:
    """Yield what removes the vectors that were marked, if no other row uses them."""
    if not receipt.purge:
        return
    if locks:
        yield Step("execute", _LOCK, (), [()])
    yield Step("execute", _REMOVE, (), [()])
    yield Step("execute", _UNMARK, (), [()])


def forgetting(receipt: Receipt) -> Iterator[Step]:
    """Yield what forgets the rejects of the documents that are gone."""
    if receipt.purge and receipt.deleted:
        places = sorted({values.document(receipt, key) for key, _ in receipt.deleted})
        yield Step("execute", _FORGET, DOCUMENT, places)
