"""Verify: compare what the ledger says the sink holds with what it really holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain

from batchwright.contracts.receipts import KnownDocument
from batchwright.contracts.sink import Holding
from batchwright.operations.relation import Relation
from batchwright.operations.target import OpenTarget
from batchwright.operations.vectors import orphans_of, vectors_of


class Fault(Enum):
    """What may be wrong.

    LOST: Nothing is left of a published document.
    INCOMPLETE: Rows of a published document are missing.
    DAMAGED: Rows have a text that isn't the one of their hash.
    SURPLUS: There are more rows of a document than it has.
    ORPHANED: Rows belong to no version that the ledger knows.
    """

    LOST = "lost"
    INCOMPLETE = "incomplete"
    DAMAGED = "damaged"
    SURPLUS = "surplus"
    ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        fault: What.
        document_id: The version.
        collection: The collection of the document, None for orphans.
        known: The published document, None for orphans.
        expected: Rows there should be.
        rows: Rows there are.
        damaged: How many of them are damaged.
        relation: The published relation that it is in; None where the target has one only, without a name.
    """

    fault: Fault
    document_id: str
    collection: str | None
    known: KnownDocument | None
    expected: int
    rows: int
    damaged: int = 0
    relation: str | None = None

    @property
    def key(self) -> str:
        """The document, empty for orphans."""
        return self.known.version.key if self.known else ""


class Verification:
    """One comparison. What a run publishes meanwhile is no fault; rows it removes may be reported as orphans.

    Attributes:
        documents: Published documents looked at so far.
        rows: Rows there are of them.
        without_vector: Rows without a vector of the model in use, and without a lasting reason: the next run
            with the embedder makes them.
        unused_vectors: Vectors that no row uses; they go once they were unused for as long as they are kept.
    """

    def __init__(self, target: OpenTarget) -> None:
        self._target = target
        self.documents = 0
        self.rows = 0
        self.without_vector = 0
        self.unused_vectors = 0

    def __iter__(self) -> Iterator[Finding]:
        """Yield what is wrong, by relation: documents by collection and key, then orphans.

        Memory does not grow with the sink.

        Raises:
            SinkError: The sink can't say what it holds, or its files are damaged.
        """
        for relation in self._target.about():
            for finding in self._of(relation):
                yield replace(finding, relation=relation.name)
            for held in vectors_of(relation):
                self.without_vector += held.lacking + held.outage if held.is_used else 0
            self.unused_vectors += orphans_of(relation)

    def _of(self, relation: Relation) -> Iterator[Finding]:
        ledger = relation.ledger
        with closing(_Held()) as held:
            relation.inspect(lambda store: store.check_storage())
            relation.inspect(lambda store: held.fill(store.holdings()))
            # Before the documents: a version that is published meanwhile is in one of the two.
            names = [collection.name for collection in relation.collections()]
            for version in chain.from_iterable(map(ledger.pending, names)):
                held.take(version.document_id)
            for version in chain.from_iterable(map(relation.refused, names)):
                held.take(version.document_id)
            for name in names:
                yield from self._of_collection(relation, name, held)
            if relation.collection is not None:  # rows that are left may be another collection's
                return
            for holding in held.rest():
                rows, damaged = holding.rows, holding.damaged
                yield Finding(Fault.ORPHANED, holding.document_id, None, None, 0, rows, damaged)

    def _of_collection(self, relation: Relation, name: str, held: _Held) -> Iterator[Finding]:
        for known in relation.documents(name):
            holding = held.take(known.version.document_id)
            self.documents += 1
            self.rows += holding.rows
            finding = _judged(name, known, holding)
            if finding is not None and not _has_come_right(relation, finding):
                yield finding


def _has_come_right(relation: Relation, finding: Finding) -> bool:
    """Look again: rows that were counted before the document was published may be there now."""
    if finding.fault is Fault.SURPLUS:
        return False
    sound = relation.inspect(lambda store: store.sound(finding.document_id))
    return len(sound) == finding.expected > 0


def _judged(collection: str, known: KnownDocument, holding: Holding) -> Finding | None:
    expected = known.version.records - known.rejected
    if holding.rows > expected:
        fault = Fault.SURPLUS
    elif holding.rows < expected:
        fault = Fault.INCOMPLETE if holding.rows else Fault.LOST
    elif holding.damaged:
        fault = Fault.DAMAGED
    else:
        return None
    return Finding(fault, holding.document_id, collection, known, expected, holding.rows, holding.damaged)


class _Held:
    """Holdings by document version, in a temporary file that SQLite deletes."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._table.execute(
            "CREATE TABLE held (id TEXT PRIMARY KEY, rows INTEGER, damaged INTEGER) WITHOUT ROWID"
        )

    def fill(self, holdings: Iterable[Holding]) -> None:
        """Take all of them in, or none where reading them fails."""
        with self._table:
            self._table.execute("BEGIN")
            self._table.executemany(
                "INSERT INTO held VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
                "SET rows = rows + excluded.rows, damaged = damaged + excluded.damaged",
                ((holding.document_id, holding.rows, holding.damaged) for holding in holdings),
            )

    def take(self, document_id: str) -> Holding:
        """Return what is held of a version, and take it out."""
        row = self._table.execute("SELECT rows, damaged FROM held WHERE id = ?", (document_id,)).fetchone()
        self._table.execute("DELETE FROM held WHERE id = ?", (document_id,))
        return Holding(document_id, *row) if row else Holding(document_id, 0)

    def rest(self) -> Iterator[Holding]:
        """Yield what nobody took."""
        for row in self._table.execute("SELECT id, rows, damaged FROM held ORDER BY id"):
            yield Holding(*row)

    def close(self) -> None:
        self._table.close()
