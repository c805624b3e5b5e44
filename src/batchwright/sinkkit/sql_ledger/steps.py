"""What a receipt does to the tables of a ledger, as a list of plain steps in SQL.

A write first locks what its receipt is about: the row of its collection, shared; the documents' rows of the
keys that it publishes or deletes; and the pending rows of the versions that it begins, continues, completes
or discards. Then it acts on what the ledger says under these locks. Each statement sees what was committed
before it began, so nothing is decided on an older state. Where something is not as it should be, a guard ends
the transaction.

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

from batchwright.contracts.lease import Owner
from batchwright.contracts.receipts import Collection, DocumentVersion, Receipt
from batchwright.errors import CollectionBusy, IncompleteDocument, LeaseLost
from batchwright.sinkkit.rejects import reject_row, storable
from batchwright.sinkkit.sql_ledger.tables import (
    COLLECTIONS,
    DOCUMENT,
    DOCUMENTS,
    PENDING,
    RECEIPTS,
    REJECTS,
    VERSION,
    Column,
    key_hash,
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
            same, of a collection, with others. exclusive: the same, without others. claim: a query whose
            rows go into `table` where their key is not there yet; a row that is there stays as it is, and is
            locked. insert: a query whose rows go into `table`. upsert: the same, perhaps over others.
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
_PLACE: tuple[Column, ...] = (*DOCUMENT, *_ID)
_BOTH: tuple[Column, ...] = (*_ID, *DOCUMENT)
_OWN: tuple[Column, ...] = (*_ID, DOCUMENT[0])

_SHARED = "SELECT c.name FROM {collections} AS c WHERE c.name {in_name}"
_NOT_OURS = """
    SELECT r.collection, r.token, r.run_id, c.run_id AS holder, c.owner, c.since
    FROM {rows} LEFT JOIN {collections} AS c ON c.name = r.collection
    WHERE (r.token IS NULL) <> (c.token IS NULL) OR r.token <> c.token"""
_ALL_COLLECTIONS = "SELECT c.name FROM {collections} AS c ORDER BY c.name"
_MISSING = """
    SELECT r.* FROM {rows} WHERE (SELECT c.name FROM {collections} AS c WHERE c.name = r.name) IS NULL"""
_DROP = """
    DELETE FROM {collections} WHERE name {in_name}
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.collection = {collections}.name)
    AND NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.collection = {collections}.name)
    AND NOT EXISTS (SELECT 1 FROM {rejects} AS j WHERE j.collection = {collections}.name)"""
_DROP_HEARTBEAT = """
    DELETE FROM {heartbeats} WHERE collection {in_name}
    AND NOT EXISTS (SELECT 1 FROM {collections} AS c WHERE c.name = {heartbeats}.collection)"""
_LOCK_DOCUMENTS = """
    SELECT d.key_hash FROM {documents} AS d
    WHERE d.document_id {in_document_id} OR (d.collection {in_collection} AND d.key_hash {in_key_hash})
    ORDER BY d.key_hash"""
_BEGIN = """
    SELECT r.* FROM {rows}
    WHERE (SELECT d.document_id FROM {documents} AS d WHERE d.document_id = r.document_id) IS NULL"""
_LOCK_PENDING = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.document_id {in_document_id}
    OR (p.collection {in_collection} AND p.key_hash {in_key_hash} AND p.brought_by = 'program')
    ORDER BY p.document_id"""
_LOST = """
    SELECT r.document_id FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = r.document_id)
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.document_id = r.document_id)"""

_REPLACED = """
    SELECT d.document_id FROM {documents} AS d
    WHERE d.collection {in_collection} AND d.key_hash {in_key_hash} AND NOT d.document_id {in_document_id}"""
_OUTDATED = """
    DELETE FROM {rejects}
    WHERE collection {in_collection} AND key_hash {in_key_hash} AND (document_id IS NULL OR (
        NOT document_id {in_document_id}
        AND (
            SELECT p.document_id FROM {pending} AS p
            WHERE p.document_id = {rejects}.document_id AND p.brought_by = 'run'
        ) IS NULL
    ))"""
# What a program began under the same key, and did not finish, goes with the key's next version.
_LEFT = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.collection {in_collection} AND p.key_hash {in_key_hash} AND NOT p.document_id {in_document_id}
    AND p.brought_by = 'program'"""

_DISCARDED = """
    SELECT p.document_id FROM {pending} AS p
    WHERE p.document_id {in_document_id} AND p.collection {in_collection}
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.document_id = p.document_id)"""
_FORGET_DISCARDED = f"DELETE FROM {{rejects}} WHERE document_id IN ({_DISCARDED})"
_FINISHED = """
    DELETE FROM {pending} WHERE document_id {in_document_id}
    OR (collection {in_collection} AND key_hash {in_key_hash} AND brought_by = 'program')"""
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

_UNKNOWN = _LOST
_FORGET_UNKNOWN = f"DELETE FROM {{rejects}} WHERE document_id IN ({_LOST})"

_COUNTED = "SELECT r.key, r.document_id, r.expected FROM {rows} WHERE r.expected <> {count}"
# CASE, so that only what is pending is counted.
_COUNTED_PENDING = """
    SELECT r.key, r.document_id, r.expected FROM {rows} WHERE CASE
    WHEN EXISTS (SELECT 1 FROM {pending} AS p WHERE p.document_id = r.document_id) THEN r.expected <> {count}
    ELSE false END"""

_IS_WHOLE = """
    {count} + (SELECT count(*) FROM {rejects} AS j WHERE j.document_id = r.document_id) >= r.chunks"""
_WHOLE = f"""
    SELECT {", ".join(f"r.{name}" for name, _ in (*DOCUMENT, *VERSION))}, r.chunks - {{count}} AS rejected,
        r.run_id, r.published_at
    FROM {{rows}} WHERE {_IS_WHOLE}"""
_WHOLE_REPLACED = f"""
    SELECT d.document_id FROM {{rows}} JOIN {{documents}} AS d
    ON d.collection = r.collection AND d.key_hash = r.key_hash
    WHERE d.document_id <> r.document_id AND {_IS_WHOLE}"""
_WHOLE_LEFT = f"""
    SELECT p.document_id FROM {{rows}} JOIN {{pending}} AS p
    ON p.collection = r.collection AND p.key_hash = r.key_hash
    WHERE p.document_id <> r.document_id AND p.brought_by = 'program' AND {_IS_WHOLE}
    AND EXISTS (SELECT 1 FROM {{pending}} AS own WHERE own.document_id = r.document_id)"""  # not visible yet
_WHOLE_LEFT_PENDING = f"DELETE FROM {{pending}} WHERE document_id IN ({_WHOLE_LEFT})"
_WHOLE_OUTDATED = """
    DELETE FROM {rejects} WHERE id IN (
        SELECT j.id FROM {rows} JOIN {rejects} AS j
        ON j.key_hash = r.key_hash AND j.collection = r.collection
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

_NAME: tuple[Column, ...] = (("name", "text"),)
_LEASE: tuple[Column, ...] = (("collection", "text"), ("token", "text"), ("run_id", "text"))


def entering(collection: Collection) -> Step:
    """Return what stores a collection where there is none of its name.

    Two writes may find it missing: the second waits for the first, and finds its row.
    """
    row = (storable(collection.name), storable(collection.origin), None, None, None, None)
    return Step("claim", _MISSING, COLLECTIONS.columns, [row], "collections")


def dropping(name: str, *, locks: bool = True) -> Iterator[Step]:
    """Yield what forgets a collection that has neither documents, pending versions nor rejects."""
    rows = [(storable(name),)]
    if locks:
        yield Step("exclusive", _SHARED, _NAME, rows)
    yield Step("execute", _DROP, _NAME, rows)
    yield Step("execute", _DROP_HEARTBEAT, _NAME, rows)


def before_rows(receipt: Receipt, now: str, *, locks: bool = True) -> Iterator[Step]:
    """Yield what comes before the rows of the batch: the receipt, locks, guards, and what goes.

    Args:
        receipt: What is to be done.
        now: The time (ISO 8601, UTC).
        locks: Whether several transactions write at the same time; if not, there is nothing to lock.
    """
    if locks and receipt.orphaned:  # nobody else may write meanwhile: nothing says whose these rows are
        yield Step("exclusive", _ALL_COLLECTIONS, (), [()])
    elif locks and receipt.collection:
        yield Step("share", _SHARED, _NAME, [(storable(receipt.collection),)])
    if receipt.collection:
        if receipt.token is None:  # a run has a lease of it, so it is there
            yield entering(Collection(receipt.collection))
        claimed = (storable(receipt.collection), receipt.token, receipt.run_id)
        yield Step("guard", _NOT_OURS, _LEASE, [claimed], wrong=_leased)
    row = (receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records, now)
    yield Step("insert", "{all}", RECEIPTS.columns, [row], "receipts")
    yield from _claims(receipt, now, locks=locks)
    places = sorted((*_document(receipt, p.version.key), p.version.document_id) for p in receipt.publications)
    if places:
        yield Step("remove", _REPLACED, _PLACE, places, needs="documents")
        yield Step("remove", _LEFT, _PLACE, places, needs="pending")
    if discarded := [(id_, storable(receipt.collection)) for id_ in sorted(set(receipt.discarded))]:
        yield Step("remove", _DISCARDED, _OWN, discarded)
        yield Step("execute", _FORGET_DISCARDED, _OWN, discarded)
        yield Step("execute", _NOT_PENDING, _OWN, discarded)
    if deleted := sorted({(*_document(receipt, key), version) for key, version in receipt.deleted}):
        yield Step("remove", _DELETED, _PLACE, deleted)
        yield Step("execute", _FORGET_DELETED, _PLACE, deleted)
        coming = {place[:2] for place in places}  # their rows were claimed
        if gone := [place for place in deleted if place[:2] not in coming]:
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
        places = sorted((version.document_id, *_document(receipt, version.key)) for version in versions)
        yield Step("execute", _FINISHED, _BOTH, places, needs="pending")
        yield Step("execute", _OUTDATED, _PLACE, [(*document, id_) for id_, *document in places])
    if receipt.rejects:
        last = {reject.id: reject for reject in receipt.rejects}  # a statement can't touch a row twice
        kept = [(*reject_row(one), key_hash(storable(one.key))) for _, one in sorted(last.items())]
        yield Step("upsert", "{all}", REJECTS.columns, kept, "rejects")
    if receipt.patched:
        rows = [(*_version(receipt, version), receipt.run_id, now) for version in receipt.patched]
        rows.sort(key=_by_document)
        columns = (*DOCUMENT, *VERSION, *DOCUMENTS.columns[-2:])
        if locks:
            yield Step("claim", _WHOLE, columns, rows, "documents")
        yield Step("remove", _WHOLE_REPLACED, columns, rows)
        yield Step("remove", _WHOLE_LEFT, columns, rows)
        yield Step("execute", _WHOLE_LEFT_PENDING, columns, rows)
        yield Step("overwrite", _WHOLE, columns, rows, "documents")
        yield Step("execute", _WHOLE_NOT_PENDING, columns, rows)
        yield Step("execute", _WHOLE_OUTDATED, columns, rows)


def _document(receipt: Receipt, key: str) -> tuple[str, str]:
    """Return the values of the columns `DOCUMENT`."""
    return storable(receipt.collection), key_hash(storable(key))


def _by_document(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what rows that begin with the columns `DOCUMENT` are sorted by: the order of all locks."""
    return row[: len(DOCUMENT)]


def _version(receipt: Receipt, version: DocumentVersion) -> tuple[Any, ...]:
    """Return the values of the columns `DOCUMENT` and `VERSION`."""
    return (
        *_document(receipt, version.key),
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

    Documents are locked by the hash of their key, then versions by id.
    """
    own = {publication.version.document_id for publication in receipt.publications}
    if both := _ids(own.intersection(receipt.continued)):  # once they are claimed they count as published
        yield Step("guard", _LOST, _ID, both, wrong=_discarded)
    if locks:
        yield from _lock_documents(receipt, now)
    versions = sorted((*receipt.begun, *receipt.patched), key=lambda version: version.document_id)
    if begun := [(*_version(receipt, version), receipt.run_id) for version in versions]:
        yield Step("claim", _BEGIN, PENDING.columns, begun, "pending")
    if locks:
        yield from _lock_pending(receipt)
    if continued := _ids(set(receipt.continued) - own):
        yield Step("guard", _LOST, _ID, continued, wrong=_discarded)


def _lock_documents(receipt: Receipt, now: str) -> Iterator[Step]:
    keys = {version.key for version in (*(p.version for p in receipt.publications), *receipt.patched)}
    keys |= {key for key, _ in receipt.deleted}
    documents = sorted({_document(receipt, key) for key in keys})
    # Rows may join a version that another run published meanwhile: it must not be replaced meanwhile.
    joined = {version.document_id for version in receipt.begun}.union(receipt.continued)
    places: list[tuple[str | None, ...]]
    places = [*((id_, None, None) for id_ in sorted(joined)), *((None, *place) for place in documents)]
    if places:
        yield Step("lock", _LOCK_DOCUMENTS, _BOTH, places, "documents")
    if receipt.publications:  # a key without a row has nothing to lock
        yield Step("claim", "{all}", DOCUMENTS.columns, _documents(receipt, now), "documents")


def _lock_pending(receipt: Receipt) -> Iterator[Step]:
    named = (*(publication.version for publication in receipt.publications), *receipt.patched)
    places: dict[str, tuple[str | None, ...]]
    places = dict.fromkeys((*receipt.continued, *receipt.discarded), (None, None))
    places |= {version.document_id: _document(receipt, version.key) for version in named}
    if places:
        rows = [(id_, *document) for id_, document in sorted(places.items())]
        yield Step("lock", _LOCK_PENDING, _BOTH, rows, "pending")


def _documents(receipt: Receipt, now: str) -> list[tuple[Any, ...]]:
    rows = [(*_version(receipt, p.version), p.rejected, receipt.run_id, now) for p in receipt.publications]
    return sorted(rows, key=_by_document)


def _counts(receipt: Receipt, held: Mapping[str, int]) -> Iterator[Step]:
    """Yield the guards that count the rows of the versions published."""
    columns: tuple[Column, ...] = (("key", "text"), *_ID, ("expected", "integer"))
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


def _leased(
    collection: str,
    token: str | None,
    run_id: str,
    holder: str | None,
    owner: str | None,
    since: str | None,
) -> Exception:
    """Return why a write is refused: a run wrote without its lease, or a program beside one."""
    if token is not None:
        return LeaseLost(collection, replaced_by="" if holder in (None, run_id) else str(holder))
    return CollectionBusy(
        collection,
        run_id=holder or "",
        held_by=str(Owner.from_json(owner)) if owner else "",
        since=since or "",
    )


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
