"""What a target holds of each collection, and deleting one."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.contracts.receipts import Collection, Receipt
from batchwright.engine.removing import REMOVE_AT_ONCE
from batchwright.errors import SinkError
from batchwright.operations.target import Target


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """How things stand in a collection.

    Attributes:
        name: The collection.
        origin: Where its documents come from.
        published: How many documents are visible.
        records: Their records, without those set aside.
        pending: Document versions that were begun and are not finished.
        rejects: Records and documents that were set aside.
    """

    name: str
    origin: str
    published: int = 0
    records: int = 0
    pending: int = 0
    rejects: int = 0


def held(target: Target, collection: Collection) -> CollectionStatus:
    """Count what a target holds of a collection."""
    ledger, name = target.ledger, collection.name
    published = records = 0
    for known in target.documents(name):
        published += 1
        records += known.version.records - known.rejected
    pending = len(ledger.pending(name))
    return CollectionStatus(name, collection.origin, published, records, pending, ledger.reject_count(name))


def delete(target: Target, name: str) -> CollectionStatus:
    """Remove all documents of a collection, what was begun, its rejects, and then the collection itself.

    What was removed stays so if it breaks off; again, it goes on from there. Runs stay on record.

    Returns:
        What was there.

    Raises:
        ConfigError: There is none of this name.
        CollectionBusy: A run has it.
        SinkError: The sink failed, or somebody writes into the collection meanwhile.
    """
    collection = target.collection_named(name)
    with target.holding(name):
        found = held(target, collection)
        _delete(target, name)
    return found


def _delete(target: Target, name: str) -> None:
    ledger = target.ledger
    while page := ledger.documents(name, limit=REMOVE_AT_ONCE):
        places = tuple((known.version.key, known.version.document_id) for known in page)
        _order(target, name, deleted=places)
        if ledger.documents(name, limit=1) == page[:1]:
            raise _written(name)
    pending = [version.document_id for version in ledger.pending(name)]
    for start in range(0, len(pending), REMOVE_AT_ONCE):
        _order(target, name, discarded=tuple(pending[start : start + REMOVE_AT_ONCE]))
    while refused := ledger.refused(name, limit=REMOVE_AT_ONCE):
        _order(target, name, discarded=tuple(version.document_id for version in refused))
    while rejects := ledger.rejects(name, limit=REMOVE_AT_ONCE):
        _order(target, name, resolved=tuple(reject.id for reject in rejects))
    if not ledger.drop_collection(name):
        raise _written(name)


def _order(
    target: Target,
    name: str,
    *,
    deleted: tuple[tuple[str, str], ...] = (),
    discarded: tuple[str, ...] = (),
    resolved: tuple[str, ...] = (),
) -> None:
    session = target.session
    token = session.tokens[name]
    session.control.order(
        Receipt(
            session.new_batch_id(),
            session.run_id,
            name,
            deleted=deleted,
            discarded=discarded,
            resolved=resolved,
            token=token,
        )
    )


def _written(name: str) -> SinkError:
    return SinkError(f"somebody writes into the collection {name}; end that, and delete it again")
