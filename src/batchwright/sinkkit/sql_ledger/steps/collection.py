"""The row of a collection: who may write to it, and when it comes and goes."""

from __future__ import annotations

from collections.abc import Iterator

from batchwright.contracts.lease import Owner
from batchwright.contracts.receipts import Collection, Receipt
from batchwright.errors import CollectionBusy, LeaseLost
from batchwright.sinkkit.rejects import storable
from batchwright.sinkkit.sql_ledger.steps.step import Kind, Step
from batchwright.sinkkit.sql_ledger.tables import COLLECTIONS, Column

_NAME: tuple[Column, ...] = (("collection", "text"),)
_LEASE: tuple[Column, ...] = (*_NAME, ("token", "text"), ("run_id", "text"))
_CLAIMED = "lease"

_LOCK = "SELECT c.name FROM {collections} AS c WHERE c.name {in_collection}"
_LOCK_ALL = "SELECT c.name FROM {collections} AS c ORDER BY c.name"
_NOT_OURS = """
    SELECT r.collection, r.token, r.run_id, c.run_id AS holder, c.owner, c.since
    FROM {rows} LEFT JOIN {collections} AS c ON c.name = r.collection
    WHERE (r.token IS NULL) <> (c.token IS NULL) OR r.token <> c.token"""
_MISSING = """
    SELECT r.* FROM {rows} WHERE (SELECT c.name FROM {collections} AS c WHERE c.name = r.name) IS NULL"""
_DROP = """
    DELETE FROM {collections} WHERE name {in_collection}
    AND NOT EXISTS (SELECT 1 FROM {documents} AS d WHERE d.collection = {collections}.name)
    AND NOT EXISTS (SELECT 1 FROM {pending} AS p WHERE p.collection = {collections}.name)
    AND NOT EXISTS (SELECT 1 FROM {rejects} AS j WHERE j.collection = {collections}.name)"""
_DROP_ITEMS = """
    DELETE FROM {items} WHERE collection {in_collection}
    AND NOT EXISTS (SELECT 1 FROM {collections} AS c WHERE c.name = {items}.collection)"""
_DROP_HEARTBEAT = """
    DELETE FROM {heartbeats} WHERE collection {in_collection}
    AND NOT EXISTS (SELECT 1 FROM {collections} AS c WHERE c.name = {heartbeats}.collection)"""


def entering(collection: Collection) -> Step:
    """Return what stores a collection where there is none of its name.

    Two writes may find it missing: the second waits for the first, and finds its row.
    """
    row = (storable(collection.name), storable(collection.origin), None, None, None, None, None)
    return Step("claim", _MISSING, COLLECTIONS.columns, [row], "collections")


def dropping(name: str, *, locks: bool = True) -> Iterator[Step]:
    """Yield what forgets a collection that has neither documents, pending versions nor rejects."""
    rows = [(storable(name),)]
    if locks:
        yield Step("exclusive", _LOCK, _NAME, rows)
    yield Step("execute", _DROP, _NAME, rows)
    yield Step("execute", _DROP_ITEMS, _NAME, rows)
    yield Step("execute", _DROP_HEARTBEAT, _NAME, rows)


def opening(receipt: Receipt, *, locks: bool) -> Iterator[Step]:
    """Yield what begins a write: it locks the collection, and tells whether the receipt's run may write."""
    if locks and receipt.orphaned:  # nobody else may write meanwhile: nothing says whose these rows are
        yield Step("exclusive", _LOCK_ALL, (), [()])
    elif locks and receipt.collection:
        # A cursor is kept in the row: two who share it and both want to change it would wait for ever.
        kind: Kind = "share" if receipt.cursor is None else "exclusive"
        yield Step(kind, _LOCK, _NAME, [(storable(receipt.collection),)], given=_CLAIMED)
    if receipt.collection:
        if receipt.token is None:  # a run has a lease of it, so it is there
            yield entering(Collection(receipt.collection))
        yield _holding(receipt.collection, receipt.token, receipt.run_id)


def fencing(collection: str, token: str | None, run_id: str, *, locks: bool) -> Iterator[Step]:
    """Yield what makes sure that a run still has the lease of a collection, until the transaction ends.

    Without a token: that nobody has it.
    """
    if locks:
        yield Step("share", _LOCK, _NAME, [(storable(collection),)])
    yield _holding(collection, token, run_id)


def _holding(collection: str, token: str | None, run_id: str) -> Step:
    """Return the guard that tells whether a run has the lease of a collection, or a program finds it free."""
    return Step(
        "guard", _NOT_OURS, _LEASE, [(storable(collection), token, run_id)], wrong=_leased, given=_CLAIMED
    )


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
