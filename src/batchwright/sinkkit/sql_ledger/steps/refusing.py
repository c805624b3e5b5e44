"""Refusing: a version of which no record can be stored is remembered, and not published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.row_publications import accepted
from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.sql_ledger.steps import values
from batchwright.sinkkit.sql_ledger.steps.locks import NOT_PUBLISHED
from batchwright.sinkkit.sql_ledger.steps.removing import UNFINISHED
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.sql_ledger.steps.values import DOCUMENT_AND_ID, ID, ID_AND_COLLECTION
from batchwright.sinkkit.sql_ledger.tables import PENDING

_NOT_REFUSED = """
    SELECT r.document_id FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = r.document_id AND p.refused = 1)"""
_REFUSED_BEFORE = """
    DELETE FROM {pending}
    WHERE collection {in_collection} AND key_hash {in_key_hash} AND NOT document_id {in_document_id}
    AND refused = 1"""
_OUTDATED_REJECTS = """
    DELETE FROM {rejects}
    WHERE collection {in_collection} AND key_hash {in_key_hash} AND (document_id IS NULL OR (
        NOT document_id {in_document_id}
        AND (SELECT d.document_id FROM {documents} AS d WHERE d.document_id = {rejects}.document_id) IS NULL
        AND (SELECT p.document_id FROM {pending} AS p WHERE p.document_id = {rejects}.document_id) IS NULL
    ))"""
_WITHOUT_REJECTS = """
    DELETE FROM {pending} WHERE document_id {in_document_id} AND refused = 1
    AND NOT EXISTS (SELECT 1 FROM {rejects} AS j WHERE j.document_id = {pending}.document_id)"""


def accepting(receipt: Receipt) -> Iterator[Step]:
    """Yield the guard of versions that were refused, and are published after all."""
    if found := accepted(receipt.publications):
        yield Step("guard", _NOT_REFUSED, ID, values.ids(found), wrong=_outdated)


def clearing(receipt: Receipt) -> Iterator[Step]:
    """Yield what removes the rows that earlier batches, or runs, stored of the versions refused."""
    if receipt.refused:
        own = values.with_collection(receipt, (version.document_id for version in receipt.refused))
        yield Step("remove", UNFINISHED, ID_AND_COLLECTION, own, needs="pending")


def refusing(receipt: Receipt) -> Iterator[Step]:
    """Yield what remembers the versions that the receipt refuses."""
    if not receipt.refused:
        return
    versions = sorted(receipt.refused, key=lambda version: version.document_id)
    places = sorted((*values.document(receipt, version.key), version.document_id) for version in versions)
    yield Step("execute", _REFUSED_BEFORE, DOCUMENT_AND_ID, places, needs="pending")
    yield Step("execute", _OUTDATED_REJECTS, DOCUMENT_AND_ID, places)
    rows = [values.pending(receipt, version, refused=True) for version in versions]
    yield Step("upsert", NOT_PUBLISHED, PENDING.columns, rows, "pending")


def trying_again(versions: Iterable[str]) -> Step:
    """Return what forgets that versions were refused, by id, of which no reject is left."""
    return Step("execute", _WITHOUT_REJECTS, ID, values.ids(versions))


def _outdated(document_id: str) -> Exception:
    return IncompleteDocument(
        f"the document version {document_id} is outdated: another one came meanwhile; run again",
        document_id,
    )
