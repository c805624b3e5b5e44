"""What a receipt does to the tables of a ledger, as a list of plain steps in SQL.

A write first locks what its receipt is about: the documents' rows of the keys that it publishes or deletes,
and the pending rows of the versions that it begins, continues, completes or discards. Then it acts on what
the ledger says under these locks. Each statement sees what was committed before it began, so nothing is
decided on an older state. Where something is not as it should be, a guard ends the transaction.

In the texts ``{documents}`` and the like stand for the tables, ``{count}`` for how many rows of the version
``r.document_id`` are stored, and ``{rows}``, once a text, for the values of the step as a table `r` with
its columns. ``{all}`` stands for the query of just these rows. Instead of both, ``{in_document_id}`` and the
like, in the order of the columns and once each, stand for "is one of the values".
"""

# ruff: noqa: S608 - what goes into a statement besides parameters are our own names

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from batchwright.contracts.receipts import DocumentVersion, Receipt
from batchwright.errors import IncompleteDocument
from batchwright.sinkkit.rejects import reject_row, storable
from batchwright.sinkkit.sql_ledger.tables import (
    DOCUMENTS,
    PENDING,
    RECEIPTS,
    REJECTS,
    VERSION,
    Column,
)

Kind = Literal[
    "execute",
    "lock",
    "share",
    "exclusive",
    "claim",
    "insert",
    "overwrite",
    "upsert",
    "remove",
    "guard",
    "count",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do in the transaction of a write.

    Attributes:
        kind: What `text` is. execute: a statement. lock: a query that locks the rows it returns. share: the
            same, of the ledger as a whole, with others. exclusive: the same, without others. claim: a query
            whose rows go into `table` where their key is not there yet; a row that is there stays as it is,
            and is locked. insert: a query whose rows go into `table`. upsert: the same, perhaps over others.
            overwrite: the same, over what was claimed for them. remove: a query of versions whose rows of
            records go. guard: a query that returns nothing where all is well. count: a guard that counts
            rows of records.
        text: The query or statement.
        columns: The columns of ``{rows}``.
        rows: The values of ``{rows}``.
        table: The table that a claim, insert, upsert, overwrite or lock is for, else empty.
        wrong: Makes the exception that ends the transaction, of a row that a guard returned.
        needs: Where it has nothing to do unless a row of this table was there before and is locked now, that
            table; a dialect may leave the step out then. Else empty.
    """

    kind: Kind
    text: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    table: str = ""
    wrong: Callable[..., Exception] = IncompleteDocument
    needs: Literal["", "documents", "pending"] = ""


_ID: tuple[Column, ...] = (("document_id", "id"),)
_PLACE: tuple[Column, ...] = (("source_file", "text"), ("document_id", "id"))
_BOTH: tuple[Column, ...] = (("document_id", "id"), ("source_file", "text"))

_LEDGER = "SELECT m.key FROM {meta} AS m WHERE m.key {in_key}"
_LOCK_DOCUMENTS = """
    SELECT d.source_file FROM {documents} AS d
    WHERE d.document_id {in_document_id} OR d.source_file {in_source_file}
    ORDER BY d.source_file"""
_BEGIN = """
    SELECT r.* FROM {rows}
    WHERE (SELECT d.document_id FROM {documents} AS d WHERE d.document_id = r.document_id) IS NULL"""
_LOCK_PENDING = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.document_id {in_document_id} OR (p.source_file {in_source_file} AND p.brought_by = 'program')
    ORDER BY p.document_id"""
_LOST = """
    SELECT r.document_id FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = r.document_id)
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.document_id = r.document_id)"""

_REPLACED = """
    SELECT d.document_id FROM {documents} AS d
    WHERE d.source_file {in_source_file} AND NOT d.document_id {in_document_id}"""
_OUTDATED = """
    DELETE FROM {rejects} WHERE source_file {in_source_file} AND (document_id IS NULL OR (
        NOT document_id {in_document_id}
        AND (
            SELECT p.document_id FROM {pending} AS p
            WHERE p.document_id = {rejects}.document_id AND p.brought_by = 'run'
        ) IS NULL
    ))"""
# What a program began under the same key, and did not finish, goes with the key's next version.
_LEFT = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.source_file {in_source_file} AND NOT p.document_id {in_document_id}
    AND p.brought_by = 'program'"""

_DISCARDED = """
    SELECT p.document_id FROM {pending} AS p WHERE p.document_id {in_document_id}
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.document_id = p.document_id)"""
_FORGET_DISCARDED = f"DELETE FROM {{rejects}} WHERE document_id IN ({_DISCARDED})"
_FINISHED = """
    DELETE FROM {pending}
    WHERE document_id {in_document_id} OR (source_file {in_source_file} AND brought_by = 'program')"""
_NOT_PENDING = "DELETE FROM {pending} WHERE document_id {in_document_id}"

_DELETED = """
    SELECT d.document_id FROM {rows} JOIN {documents} AS d
    ON d.source_file = r.source_file AND d.document_id = r.document_id"""
_FORGET_DELETED = """
    DELETE FROM {rejects} WHERE id IN (
        SELECT j.id FROM {rows}
        JOIN {documents} AS d ON d.source_file = r.source_file AND d.document_id = r.document_id
        JOIN {rejects} AS j ON j.source_file = r.source_file
        WHERE j.document_id IS NULL OR j.document_id = r.document_id
    )"""
_NOT_PUBLISHED = f"DELETE FROM {{documents}} WHERE document_id IN ({_DELETED})"

_UNKNOWN = _LOST
_FORGET_UNKNOWN = f"DELETE FROM {{rejects}} WHERE document_id IN ({_LOST})"

_COUNTED = "SELECT r.source_file, r.document_id, r.expected FROM {rows} WHERE r.expected <> {count}"
# CASE, so that only what is pending is counted.
_COUNTED_PENDING = """
    SELECT r.source_file, r.document_id, r.expected FROM {rows} WHERE CASE
    WHEN EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = r.document_id) THEN r.expected <> {count}
    ELSE false END"""

_IS_WHOLE = """
    {count} + (SELECT count(*) FROM {rejects} AS j WHERE j.document_id = r.document_id) >= r.chunks"""
_WHOLE = f"""
    SELECT {", ".join(f"r.{name}" for name, _ in VERSION)}, r.chunks - {{count}} AS rejected,
        r.run_id, r.published_at
    FROM {{rows}} WHERE {_IS_WHOLE}"""
_WHOLE_REPLACED = f"""
    SELECT d.document_id FROM {{rows}} JOIN {{documents}} AS d ON d.source_file = r.source_file
    WHERE d.document_id <> r.document_id AND {_IS_WHOLE}"""
_WHOLE_LEFT = f"""
    SELECT p.document_id FROM {{rows}} JOIN {{pending}} AS p ON p.source_file = r.source_file
    WHERE p.document_id <> r.document_id AND p.brought_by = 'program' AND {_IS_WHOLE}
    AND EXISTS (SELECT 1 FROM {{pending}} AS own WHERE own.document_id = r.document_id)"""  # not visible yet
_WHOLE_LEFT_PENDING = f"DELETE FROM {{pending}} WHERE document_id IN ({_WHOLE_LEFT})"
_WHOLE_OUTDATED = """
    DELETE FROM {rejects} WHERE id IN (
        SELECT j.id FROM {rows} JOIN {rejects} AS j ON j.source_file = r.source_file
        JOIN {documents} AS d ON d.document_id = r.document_id
        WHERE (j.document_id IS NULL OR j.document_id <> r.document_id)
        AND NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = j.document_id)
    )"""
_WHOLE_NOT_PENDING = """
    DELETE FROM {pending} WHERE document_id IN (
        SELECT d.document_id FROM {rows} JOIN {documents} AS d ON d.document_id = r.document_id
    )"""

_UNKNOWN_ROWS: Mapping[str, int] = MappingProxyType({})

FORGET_REJECTS = "DELETE FROM {rejects} WHERE id {in_id}"
"""Drops rejects, by id."""


def before_rows(receipt: Receipt, now: str, *, locks: bool = True) -> Iterator[Step]:
    """Yield what comes before the rows of the batch: the receipt, locks, guards, and what goes.

    Args:
        receipt: What is to be done.
        now: The time (ISO 8601, UTC).
        locks: Whether several transactions write at the same time; if not, there is nothing to lock.
    """
    if locks:  # nobody else may write while orphaned rows go: they have no other row to lock
        whole: Kind = "exclusive" if receipt.orphaned else "share"
        yield Step(whole, _LEDGER, (("key", "text"),), [("layout",)])
    row = (receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records, now)
    yield Step("insert", "{all}", RECEIPTS.columns, [row], "receipts")
    yield from _claims(receipt, now, locks=locks)
    places = sorted((storable(p.version.key), p.version.document_id) for p in receipt.publications)
    if places:
        yield Step("remove", _REPLACED, _PLACE, places, needs="documents")
        yield Step("remove", _LEFT, _PLACE, places, needs="pending")
    if discarded := _ids(receipt.discarded):
        yield Step("remove", _DISCARDED, _ID, discarded)
        yield Step("execute", _FORGET_DISCARDED, _ID, discarded)
        yield Step("execute", _NOT_PENDING, _ID, discarded)
    if deleted := sorted({(storable(key), version) for key, version in receipt.deleted}):
        yield Step("remove", _DELETED, _PLACE, deleted)
        yield Step("execute", _FORGET_DELETED, _PLACE, deleted)
        coming = {key for key, _ in places}  # their rows were claimed
        if gone := [place for place in deleted if place[0] not in coming]:
            yield Step("execute", _NOT_PUBLISHED, _PLACE, gone)
    if orphaned := _ids(receipt.orphaned):
        yield Step("remove", _UNKNOWN, _ID, orphaned)
        yield Step("execute", _FORGET_UNKNOWN, _ID, orphaned)


def after_rows(
    receipt: Receipt, now: str, *, locks: bool = True, held: Mapping[str, int] = _UNKNOWN_ROWS
) -> Iterator[Step]:
    """Yield what comes after the rows of the batch: counts, publications, rejects.

    Args:
        receipt: As above.
        now: As above.
        locks: As above.
        held: How many rows of each version the batch holds, as far as is known. A version that it holds
            whole, and that was neither there nor pending, need not be counted.
    """
    if receipt.resolved:
        yield Step(
            "execute", FORGET_REJECTS, (("id", "text"),), [(id_,) for id_ in sorted(set(receipt.resolved))]
        )
    if receipt.publications:
        versions = [publication.version for publication in receipt.publications]
        yield from _counts(receipt, held if locks else {})
        rows = _documents(receipt, now)
        yield Step("overwrite", "{all}", DOCUMENTS.columns, rows, "documents", needs="documents")
        places = sorted((version.document_id, storable(version.key)) for version in versions)
        yield Step("execute", _FINISHED, _BOTH, places, needs="pending")
        yield Step("execute", _OUTDATED, _PLACE, [(key, id_) for id_, key in places])
    if receipt.rejects:
        last = {reject.id: reject for reject in receipt.rejects}  # a statement can't touch a row twice
        yield Step(
            "upsert", "{all}", REJECTS.columns, [reject_row(last[id_]) for id_ in sorted(last)], "rejects"
        )
    if receipt.patched:
        rows = [(*version_row(version), receipt.run_id, now) for version in receipt.patched]
        rows.sort(key=lambda row: str(row[0]))
        columns = (*VERSION, *DOCUMENTS.columns[-2:])
        if locks:
            yield Step("claim", _WHOLE, columns, rows, "documents")
        yield Step("remove", _WHOLE_REPLACED, columns, rows)
        yield Step("remove", _WHOLE_LEFT, columns, rows)
        yield Step("execute", _WHOLE_LEFT_PENDING, columns, rows)
        yield Step("overwrite", _WHOLE, columns, rows, "documents")
        yield Step("execute", _WHOLE_NOT_PENDING, columns, rows)
        yield Step("execute", _WHOLE_OUTDATED, columns, rows)


def version_row(version: DocumentVersion) -> tuple[Any, ...]:
    """Return the values of the columns `VERSION`."""
    return (
        storable(version.key),
        version.document_id,
        version.content_hash,
        version.settings,
        version.size,
        version.records,
        version.brought_by,
    )


def _claims(receipt: Receipt, now: str, *, locks: bool) -> Iterator[Step]:
    """Yield what makes the versions of a batch its own: where others write, locks in one order for all.

    Documents are locked by key, then versions by id.
    """
    own = {publication.version.document_id for publication in receipt.publications}
    if both := _ids(own.intersection(receipt.continued)):  # once they are claimed they count as published
        yield Step("guard", _LOST, _ID, both, wrong=_discarded)
    if locks:
        yield from _lock_documents(receipt, now)
    begun = [(*version_row(version), receipt.run_id) for version in (*receipt.begun, *receipt.patched)]
    if begun:
        yield Step("claim", _BEGIN, PENDING.columns, sorted(begun, key=lambda row: row[1]), "pending")
    if locks:
        yield from _lock_pending(receipt)
    if continued := _ids(set(receipt.continued) - own):
        yield Step("guard", _LOST, _ID, continued, wrong=_discarded)


def _lock_documents(receipt: Receipt, now: str) -> Iterator[Step]:
    keys = {storable(publication.version.key) for publication in receipt.publications}
    keys |= {storable(version.key) for version in receipt.patched}
    keys |= {storable(key) for key, _ in receipt.deleted}
    # Rows may join a version that another run published meanwhile: it must not be replaced meanwhile.
    joined = {version.document_id for version in receipt.begun}.union(receipt.continued)
    places: list[tuple[str | None, str | None]]
    if places := [*((id_, None) for id_ in sorted(joined)), *((None, key) for key in sorted(keys))]:
        yield Step("lock", _LOCK_DOCUMENTS, _BOTH, places, "documents")
    if receipt.publications:  # a key without a row has nothing to lock
        yield Step("claim", "{all}", DOCUMENTS.columns, _documents(receipt, now), "documents")


def _lock_pending(receipt: Receipt) -> Iterator[Step]:
    versions: dict[str, str | None]
    versions = {p.version.document_id: storable(p.version.key) for p in receipt.publications}
    versions |= {version.document_id: storable(version.key) for version in receipt.patched}
    nameless: dict[str, str | None] = dict.fromkeys((*receipt.continued, *receipt.discarded))
    if places := sorted((nameless | versions).items(), key=lambda place: place[0]):
        yield Step("lock", _LOCK_PENDING, _BOTH, places, "pending")


def _documents(receipt: Receipt, now: str) -> list[tuple[Any, ...]]:
    rows = [(*version_row(p.version), p.rejected, receipt.run_id, now) for p in receipt.publications]
    return sorted(rows, key=lambda row: str(row[0]))


def _counts(receipt: Receipt, held: Mapping[str, int]) -> Iterator[Step]:
    """Yield the guards that count the rows of the versions published."""
    columns: tuple[Column, ...] = (*_PLACE, ("expected", "integer"))
    whole: list[tuple[str, str, int]] = []
    others: list[tuple[str, str, int]] = []
    for publication in receipt.publications:
        version, rows = publication.version, publication.rows
        known = whole if held.get(version.document_id) == rows else others
        known.append((storable(version.key), version.document_id, rows))
    if others:
        yield Step("count", _COUNTED, columns, others, wrong=_incomplete)
    if whole:
        yield Step("count", _COUNTED, columns, whole, wrong=_incomplete, needs="documents")
        yield Step("count", _COUNTED_PENDING, columns, whole, wrong=_incomplete, needs="pending")


def _ids(ids: Iterable[str]) -> list[tuple[str]]:
    return [(id_,) for id_ in sorted(set(ids))]


def _incomplete(key: str, document_id: str, expected: int) -> Exception:
    return IncompleteDocument(
        f"{key}: {expected} rows belong to the version {document_id}, and not just these are stored; "
        "run again, and it will be loaded anew",
        document_id,
    )


def _discarded(document_id: str) -> Exception:
    return IncompleteDocument(
        f"the document version {document_id} was discarded by another run meanwhile; run again to load it",
        document_id,
    )
