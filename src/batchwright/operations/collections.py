"""What a target holds of each collection, and deleting one."""

from __future__ import annotations

from dataclasses import dataclass

from batchwright.contracts.receipts import Collection, RejectFilter
from batchwright.contracts.sink import Store
from batchwright.engine.removing import at_once, remove
from batchwright.errors import SinkError
from batchwright.operations.relation import Relation


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """How things stand in a collection.

    Attributes:
        name: The collection.
        relation: The published relation that it is in; None where the target has one only, without a name.
        origin: Where its documents come from.
        published: How many documents are visible.
        records: Their records, without those set aside.
        pending: Document versions that were begun and are not finished.
        rejects: Records and documents that were set aside.
    """

    name: str
    relation: str | None
    origin: str
    published: int = 0
    records: int = 0
    pending: int = 0
    rejects: int = 0


def held(relation: Relation, collection: Collection) -> CollectionStatus:
    """Count what a relation holds of a collection."""
    ledger, name = relation.ledger, collection.name
    found = ledger.by_item(name)
    return CollectionStatus(
        name,
        relation.name,
        collection.origin,
        published=sum(of.documents for of in found),
        records=sum(of.records - of.rejected for of in found),
        pending=len(ledger.pending(name)),
        rejects=ledger.reject_count(name),
    )


def delete(relation: Relation, name: str, *, purge: bool = False) -> CollectionStatus:
    """Remove all documents of a collection, what was begun, its rejects, and then the collection itself.

    What was removed stays so if it breaks off; again, it goes on from there. Runs stay on record. Where this
    was the last collection without vectors of a new model, searches use that from now on.

    Args:
        relation: Where.
        name: Which.
        purge: Whether vectors that no row uses any more go in the same transactions.

    Returns:
        What was there.

    Raises:
        ConfigError: There is none of this name.
        CollectionBusy: A run has it.
        SinkError: The sink failed, or somebody writes into the collection meanwhile.
    """
    collection = relation.collection_named(name)
    with relation.holding(name):
        found = held(relation, collection)
        _delete(relation, name, purge=purge)
        _use_new_model(relation)
    return found


def _use_new_model(relation: Relation) -> None:
    """Have searches use a model that only waited for the collection that is gone."""

    def use(store: Store) -> None:
        models = store.vectors.models() if store.vectors is not None else []
        for one in models:
            if store.vectors is not None and not one.is_used and any(other.is_used for other in models):
                store.vectors.use(one.model)

    relation.session.control.read(use, lasting=True)


def _delete(relation: Relation, name: str, *, purge: bool) -> None:
    ledger, most = relation.ledger, at_once(relation.session)
    while page := ledger.documents(name, limit=most):
        places = tuple((known.version.key, known.version.document_id) for known in page)
        remove(relation.session, name, deleted=places, purge=purge)
        if ledger.documents(name, limit=1) == page[:1]:
            raise _written(name)
    pending = [version.document_id for version in ledger.pending(name)]
    for start in range(0, len(pending), most):
        page_of_begun = tuple(pending[start : start + most])
        remove(relation.session, name, discarded=page_of_begun, purge=purge)
    while refused := ledger.refused(name, limit=most):
        remove(relation.session, name, discarded=tuple(version.document_id for version in refused))
    while rejects := ledger.rejects(RejectFilter(name), limit=most):
        remove(relation.session, name, resolved=tuple(reject.id for reject in rejects))
    if not ledger.drop_collection(name):
        raise _written(name)


def _written(name: str) -> SinkError:
    return SinkError(f"somebody writes into the collection {name}; end that, and delete it again")
