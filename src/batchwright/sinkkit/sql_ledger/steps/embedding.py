"""Vectors: no version is published of which a row has neither a vector of the model nor a reason."""

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.receipts import DocumentVersion, Receipt
from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.rejects import storable
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.tables import Column

_COLUMNS: tuple[Column, ...] = (("key", "text"), ("document_id", "id"), ("model", "text"))
_MODEL: tuple[Column, ...] = (("model", "text"),)

# Who removes vectors has the row of their model for itself meanwhile.
_LOCK = "SELECT m.id FROM {models} AS m WHERE m.identity {in_model} FOR SHARE"
_WITHOUT = """
    SELECT r.key, r.document_id FROM {{rows}}
    CROSS JOIN {{documents}} AS d CROSS JOIN {{records}} AS c
    WHERE d.document_id = r.document_id AND {{belongs}} AND ({lacking}
    length(c._vector_key) = 32 AND NOT EXISTS (
        SELECT 1 FROM {{models}} AS m JOIN {{vectors}} AS v ON v.model = m.id
        WHERE m.identity = r.model AND v.key = c._vector_key
    ) AND NOT EXISTS (
        SELECT 1 FROM {{models}} AS m JOIN {{refused}} AS n ON n.model = m.id
        WHERE m.identity = r.model AND n.key = c._vector_key
    ))"""
_PUBLISHED_WITHOUT = _WITHOUT.format(lacking="c._vector_key IS NULL OR")
# A program may have begun to embed in the middle of a version; a run makes up for what it stored before.
_PATCHED_WITHOUT = _WITHOUT.format(lacking="")


def embedding(receipt: Receipt, *, locks: bool) -> Iterator[Step]:
    """Yield the guards of what the receipt publishes, once that is visible."""
    if receipt.embedded is None or not (receipt.publications or receipt.patched):
        return
    model = receipt.embedded.model
    if locks:
        yield Step("execute", _LOCK, _MODEL, [(model,)])
    published = [one.version for one in receipt.publications]
    for versions, text in ((published, _PUBLISHED_WITHOUT), (receipt.patched, _PATCHED_WITHOUT)):
        if versions:
            yield Step("guard", text, _COLUMNS, [_row(one, model) for one in versions], wrong=_incomplete)


def _row(version: DocumentVersion, model: str) -> tuple[str, str, str]:
    return storable(version.key), version.document_id, model


def _incomplete(key: str, document_id: str) -> Exception:
    return IncompleteDocument(
        f"{key}: a row of the version {document_id} has no vector; run again, and it will be loaded anew",
        document_id,
    )
