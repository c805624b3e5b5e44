"""How things stand in a target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import nlargest
from itertools import chain

from batchwright.contracts.receipts import Run
from batchwright.operations.collections import CollectionStatus, held
from batchwright.operations.relation import Relation
from batchwright.operations.target import OpenTarget
from batchwright.operations.vectors import VectorStatus, vectors_of


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand in a target.

    Attributes:
        collections: Each of the collections, by relation and name.
        last_run: The run that began last; None where there was none.
        vectors: How things stand with the vectors of each model, by relation, the one in use first.
    """

    collections: tuple[CollectionStatus, ...]
    last_run: Run | None
    vectors: tuple[VectorStatus, ...] = ()

    @property
    def published(self) -> int:
        """Documents that are visible."""
        return sum(one.published for one in self.collections)

    @property
    def records(self) -> int:
        """Records of them that are stored."""
        return sum(one.records for one in self.collections)

    @property
    def pending(self) -> int:
        """Document versions that were begun and are not whole yet."""
        return sum(one.pending for one in self.collections)

    @property
    def rejects(self) -> int:
        """Records and documents that were set aside."""
        return sum(one.rejects for one in self.collections)


def status(target: OpenTarget) -> Status:
    """Return how things stand; documents are counted one by one.

    Raises:
        ConfigError: There is no collection of the name that the settings give.
        SinkError: The target can't be reached.
    """
    each: list[CollectionStatus] = []
    last: list[Run] = []
    vectors: list[VectorStatus] = []
    for relation in target.about():  # one pass: of many relations few stay open
        each += [held(relation, collection) for collection in relation.collections()]
        last = _latest([*last, *_runs(relation, relation.collection, 1)], 1)
        vectors += vectors_of(relation)
    return Status(tuple(each), last[0] if last else None, tuple(vectors))


def runs(target: OpenTarget, collection: str | None = None, *, limit: int) -> list[Run]:
    """Return the latest runs, newest first: into one collection, or into all that the command is about.

    Raises:
        ConfigError: The collection is in several relations.
        SinkError: The target can't be reached.
    """
    relations = target.about_past(collection)
    found = (_runs(relation, collection or relation.collection, limit) for relation in relations)
    return _latest(chain.from_iterable(found), limit)


def _runs(relation: Relation, collection: str | None, limit: int) -> list[Run]:
    found = relation.ledger.runs(collection, limit=limit)
    return [replace(run, relation=relation.name) for run in found]


def _latest(runs: Iterable[Run], limit: int) -> list[Run]:
    return nlargest(limit, runs, key=lambda run: (run.started_at, run.run_id))
