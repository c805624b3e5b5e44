"""Replay rejects: store records that were set aside, once their cause is fixed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import count
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import KnownDocument, Reject
from batchwright.contracts.record_json import record_of
from batchwright.contracts.records import Placed
from batchwright.documents import Tokenizer
from batchwright.documents.cleaning import Cleaner
from batchwright.documents.recounting import PLACE, recounted
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.parts import Part, Segment, Work
from batchwright.errors import CollectionBusy, IncompleteDocument
from batchwright.model import ProcessedChunk
from batchwright.operations.connections import understandable
from batchwright.operations.corrected import Corrected
from batchwright.operations.relation import Relation
from batchwright.operations.target import Target


class Fate(Enum):
    """What became of a reject.

    STORED: Its record is in the sink, and it is no longer a reject.
    GONE: It was no longer a reject: stored before, or dropped.
    LEFT: It stays among the rejects.
    FAILED: The sink failed; it stays, and the rejects after it were not tried.
    """

    STORED = "stored"
    GONE = "gone"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Replayed:
    """A reject, what became of it, and why."""

    id: str
    key: str
    position: int | None
    fate: Fate
    reason: str = ""


def replay(target: Target, config: BatchConfig, rejects: Iterable[Reject | Corrected]) -> Iterator[Replayed]:
    """Store rejects as they are or corrected, each in the relation that it is in; end after one that fails.

    Raises:
        ConfigError: Several relations, of several record types, have rejects.
        CollectionBusy: A run has the collection.
    """
    if len(target.relations) > 1:
        with_rejects = (relation for relation in target.about() if relation.ledger.rejects(limit=1))
        target.of_one_type("rejects replay", with_rejects)
    replayers: dict[Relation, Replayer] = {}
    for reject in rejects:
        relation = _place_of(reject, target)
        if relation is None:
            yield _gone(reject.id)
            continue
        replayer = replayers.setdefault(relation, Replayer(relation, config))
        with understandable(config), relation.lock:
            if isinstance(reject, Reject):
                [result] = replayer.replay([reject])
            else:
                [result] = replayer.replay_corrected([reject])
        yield result
        if result.fate is Fate.FAILED:
            return


def _place_of(reject: Reject | Corrected, target: Target) -> Relation | None:
    """Return the relation that has the reject; None where none has it any more."""
    if reject.relation is not None or len(target.relations) == 1:
        return target.named(reject.relation)
    found = [relation for relation in target.each() if relation.ledger.rejects(ids=[reject.id], limit=1)]
    return target.named(found[0].name if len(found) == 1 else None) if found else None


def _gone(reject_id: str) -> Replayed:
    return Replayed(reject_id, "", None, Fate.GONE, "it is no longer among the rejects")


class Replayer:
    """Stores records that were set aside, each in a transaction that takes it out of the rejects.

    A record is stored only while its document version is the published one, and then the document's count
    of rejects decreases. Repeating a replay, also after a crash during it, stores nothing twice.

    Args:
        relation: Where.
        config: The settings: `unstorable` applies to what is stored.
    """

    def __init__(self, relation: Relation, config: BatchConfig) -> None:
        self._relation = relation
        self._config = config
        self._indices = count()

    def replay(self, rejects: Iterable[Reject]) -> Iterator[Replayed]:
        """Store the records as they are, one after the other; end after one that fails for good."""
        for reject in rejects:
            result = self._replay(reject, reject.payload)
            yield result
            if result.fate is Fate.FAILED:
                return

    def replay_corrected(self, records: Iterable[Corrected]) -> Iterator[Replayed]:
        """Store the records as a person changed them; end after one that fails for good."""
        for corrected in records:
            found = self._relation.ledger.rejects(ids=[corrected.id], limit=1)
            if not found:
                yield _gone(corrected.id)
                continue
            result = self._replay(found[0], corrected.payload)
            yield result
            if result.fate is Fate.FAILED:
                return

    def _replay(self, reject: Reject, payload: Mapping[str, Any] | None) -> Replayed:
        if payload is None or reject.payload is None:
            return _told(reject, Fate.LEFT, "a whole document: fix the file and run again")
        record_type = self._relation.session.record_type
        place = PLACE if record_type.is_chunk else (record_type.key,)
        if changed := [name for name in place if payload.get(name) != reject.payload.get(name)]:
            return _told(reject, Fate.LEFT, f"{', '.join(changed)} can't be changed; change the rest only")
        known = self._published(reject)
        if known is None:
            return _told(reject, Fate.LEFT, self._why_stale(reject))
        try:
            record = self._ready(record_of(record_type, reject.id, payload), reject)
        except ValueError as error:
            return _told(reject, Fate.LEFT, str(error))
        replayed = self._store(reject, record, known)
        if replayed is None:
            again = self._published(reject)
            if again is not None and again != known:  # another replay came in between
                replayed = self._store(reject, record, again)
        message = "rows of its document are missing; restore it first: batchwright verify --repair"
        return replayed or _told(reject, Fate.LEFT, message)

    def _store(self, reject: Reject, record: Placed, known: KnownDocument) -> Replayed | None:
        """Store the record, or set it aside again; None where the document lacks other rows."""
        session = self._relation.session
        work = Work(
            known.version,
            [record],
            is_published=True,
            attempts=reject.attempts,
            run_id=reject.run_id,
            rejected=max(0, known.rejected - 1),
        )
        deliverer = Deliverer(session, session.control, reject.collection)
        index = next(self._indices)
        deliverer.deliver(Part.of([Segment(work, 0, 1)]), index)
        set_aside = deliverer.waiting  # why it can't be stored, still
        if deliverer.failure is None:
            deliverer.settle(index)
        failure = deliverer.failure
        if failure is not None and failure.error is not None:
            if isinstance(failure.error, CollectionBusy):
                raise failure.error
            if isinstance(failure.error, IncompleteDocument):
                return None
            return _told(reject, Fate.FAILED, session.describe(failure.error))
        return _told(reject, Fate.LEFT, set_aside[0].message) if set_aside else _told(reject, Fate.STORED)

    def _published(self, reject: Reject) -> KnownDocument | None:
        """Return the reject's document, as long as the version it belongs to is the published one."""
        known = self._relation.ledger.document(reject.collection, reject.key)
        return known if known and known.version.document_id == reject.document_id else None

    def _ready(self, record: Placed, reject: Reject) -> Placed:
        """Return the record as it is to be stored: a chunk clean, and its figures those of its text."""
        if not isinstance(record, ProcessedChunk):
            return record
        if self._config.unstorable != "reject":
            record = Cleaner(escape=self._config.unstorable == "escape").clean_chunk(record)
        if reject.payload is not None and record.chunk_text == reject.payload["chunk_text"]:
            return record
        return recounted(record, self._tokenizer)

    def _why_stale(self, reject: Reject) -> str:
        pending = self._relation.ledger.pending(reject.collection)
        if reject.document_id in {version.document_id for version in pending}:
            return "its document is not published yet: finish the run first, by running it again"
        return "stale: its document has changed since, or is gone; drop it"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._config.encoding)


def _told(reject: Reject, fate: Fate, reason: str = "") -> Replayed:
    return Replayed(reject.id, reject.key, reject.position, fate, reason)
