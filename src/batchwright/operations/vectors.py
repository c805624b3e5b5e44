"""The vectors of a relation: of which model, and which rows have none."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from batchwright.contracts.sink import Store
from batchwright.operations.relation import Relation


@dataclass(frozen=True, slots=True)
class VectorStatus:
    """The vectors of a model in a relation.

    Attributes:
        model: The model's name.
        dimensions: Numbers a vector.
        is_used: Whether searches use them; else the next model's are being made.
        vectors: How many there are.
        embedded: Published rows that have one.
        lacking: Rows that have none yet: the next run with the embedder makes them.
        no_text: Rows without a text.
        refused: Rows whose text the model refused.
        outage: Rows that were published while the model was down; the next run makes their vectors, too.
        relation: The relation; None where the target has one only, without a name.
    """

    model: str
    dimensions: int
    is_used: bool
    vectors: int
    embedded: int
    lacking: int
    no_text: int
    refused: int
    outage: int
    relation: str | None = None


def vectors_of(relation: Relation) -> list[VectorStatus]:
    """Return how things stand with each model of which there are vectors, the one in use first."""

    def held(store: Store) -> list[VectorStatus]:
        vectors = store.vectors
        if vectors is None:
            return []
        return [
            VectorStatus(
                stored.model.name,
                stored.model.dimensions,
                stored.is_used,
                vectors.size(stored.model),
                relation=relation.name,
                **asdict(vectors.counts(stored.model, relation.collection)),
            )
            for stored in vectors.models()
        ]

    with relation.lock:
        return relation.session.control.read(held)


def orphans_of(relation: Relation) -> int:
    """Return how many vectors no row uses; they go when they were unused for as long as they are kept."""
    with relation.lock:
        return relation.session.control.read(
            lambda store: 0 if store.vectors is None else store.vectors.orphans()
        )
