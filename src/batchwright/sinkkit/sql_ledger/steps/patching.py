"""Patching: a version that a program brings in parts is published by the part that makes it whole."""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.vectors import TEXT_REFUSED
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import DOCUMENT, DOCUMENTS, VERSION

_COLUMNS = (*DOCUMENT, *VERSION, *DOCUMENTS.columns[-2:])

# A version of which every record is set aside has nothing to show.
# A text that is refused has its row beside the reject.
_IS_WHOLE = f"""
    {{count}} > 0
    AND {{count}} + (
        SELECT count(*) FROM {{rejects}} AS j
        WHERE j.document_id = r.document_id AND j.error <> '{TEXT_REFUSED}'
    ) >= r.chunks"""
_WHOLE = f"""
    SELECT {", ".join(f"r.{name}" for name, _ in (*DOCUMENT, *VERSION))}, r.chunks - {{count}} AS rejected,
        r.run_id, r.published_at
    FROM {{rows}} WHERE {_IS_WHOLE}"""
_REPLACED = f"""
    SELECT d.document_id FROM {{rows}} JOIN {{documents}} AS d
    ON d.collection = r.collection AND d.key_hash = r.key_hash
    WHERE d.document_id <> r.document_id AND {_IS_WHOLE}"""
_LEFT = f"""
    SELECT p.document_id FROM {{rows}} JOIN {{pending}} AS p
    ON p.collection = r.collection AND p.key_hash = r.key_hash
    WHERE p.document_id <> r.document_id AND (p.brought_by = 'program' OR p.refused = 1) AND {_IS_WHOLE}
    AND EXISTS (SELECT 1 FROM {{pending}} AS own WHERE own.document_id = r.document_id)"""  # not visible yet
_LEFT_PENDING = f"DELETE FROM {{pending}} WHERE document_id IN ({_LEFT})"
_NOT_PENDING = """
    DELETE FROM {pending} WHERE document_id IN (
        SELECT d.document_id FROM {rows} JOIN {documents} AS d ON d.document_id = r.document_id
    )"""
_OUTDATED_REJECTS = """
    DELETE FROM {rejects} WHERE id IN (
        SELECT j.id FROM {rows} JOIN {rejects} AS j
        ON j.key_hash = r.key_hash AND j.collection = r.collection
        JOIN {documents} AS d ON d.document_id = r.document_id
        WHERE (j.document_id IS NULL OR j.document_id <> r.document_id)
        AND NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = j.document_id)
    )"""


def patching(receipt: Receipt, now: str, *, locks: bool) -> Iterator[Step]:
    """Yield what publishes those of the patched versions that are whole by now."""
    if not receipt.patched:
        return
    rows = [(*values.version(receipt, version), receipt.run_id, now) for version in receipt.patched]
    rows.sort(key=values.by_document)
    if locks:
        yield Step("claim", _WHOLE, _COLUMNS, rows, "documents")
    yield Step("remove", _REPLACED, _COLUMNS, rows)
    yield Step("remove", _LEFT, _COLUMNS, rows)
    yield Step("execute", _LEFT_PENDING, _COLUMNS, rows)
    yield Step("overwrite", _WHOLE, _COLUMNS, rows, "documents")
    yield Step("execute", _NOT_PENDING, _COLUMNS, rows)
    yield Step("execute", _OUTDATED_REJECTS, _COLUMNS, rows)
