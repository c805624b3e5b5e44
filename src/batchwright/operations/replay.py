"""Replay rejects: store records that were set aside, once their cause is fixed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import count
from typing import Any, Literal

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import DocumentVersion, Reject, RejectFilter
from batchwright.contracts.record_rows import Rows
from batchwright.contracts.rows import Placed, Row
from batchwright.contracts.vectors import TEXT_REFUSED
from batchwright.documents import Tokenizer
from batchwright.documents.cleaning import Cleaner
from batchwright.engine.cleaning import cleaned
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.parts import Part, Segment
from batchwright.engine.delivery.work import Work
from batchwright.engine.embedding.works import embed_works
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.errors import CollectionBusy, EmbedderError, IncompleteDocument, SinkError
from batchwright.model import ProcessedChunk
from batchwright.operations.connections import understandable
from batchwright.operations.corrected import Corrected
from batchwright.operations.embedding import embed_refused
from batchwright.operations.mended import PLACE, mended, recounted
from batchwright.operations.relation import Relation
from batchwright.operations.target import OpenTarget


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


@dataclass(frozen=True, slots=True)
class _Standing:
    """How things stand with a version, and how many of its records are set aside."""

    version: DocumentVersion
    state: Literal["published", "refused", "begun"]
    rejected: int


def replay(
    target: OpenTarget, config: BatchConfig, rejects: Iterable[Reject | Corrected]
) -> Iterator[Replayed]:
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
            result = replayer.replay(reject)
        yield result
        if result.fate is Fate.FAILED:
            return


def _place_of(reject: Reject | Corrected, target: OpenTarget) -> Relation | None:
    """Return the relation that has the reject; None where none has it any more."""
    if reject.relation is not None or len(target.relations) == 1:
        return target.named(reject.relation)
    found = [
        relation
        for relation in target.each()
        if relation.ledger.rejects(RejectFilter(ids=[reject.id]), limit=1)
    ]
    return target.named(found[0].name if len(found) == 1 else None) if found else None


def _gone(reject_id: str) -> Replayed:
    return Replayed(reject_id, "", None, Fate.GONE, "it is no longer among the rejects")


class Replayer:
    """Stores records that were set aside, each in a transaction that takes it out of the rejects.

    A record is stored only while its document version is the published one, and then the document's count
    of rejects decreases; or while no record of it could be stored, and then it becomes visible; or while a
    program has not brought all of it. Repeating a replay, also after a crash, stores nothing twice.

    Args:
        relation: Where.
        config: The settings: `unstorable` applies to what is stored.
    """

    def __init__(self, relation: Relation, config: BatchConfig) -> None:
        self._relation = relation
        self._config = config
        self._indices = count()

    def replay(self, reject: Reject | Corrected) -> Replayed:
        """Store the record as it is, or as a person changed it."""
        if isinstance(reject, Reject):
            return self._replay(reject, reject.payload)
        found = self._relation.ledger.rejects(RejectFilter(ids=[reject.id]), limit=1)
        return self._replay(found[0], reject.payload) if found else _gone(reject.id)

    def _replay(self, reject: Reject, payload: Mapping[str, Any] | None) -> Replayed:
        if payload is None or reject.payload is None:
            return _replayed(reject, Fate.LEFT, "a whole document: fix the file and run again")
        record_type = self._relation.session.record_type
        place = PLACE if record_type.is_chunk else tuple(filter(None, [record_type.key]))
        if changed := [name for name in place if _text(payload.get(name)) != _text(reject.payload.get(name))]:
            return _replayed(
                reject, Fate.LEFT, f"{', '.join(changed)} can't be changed; change the rest only"
            )
        there = self._standing(reject)
        if there is None:
            return _replayed(reject, Fate.LEFT, self._why_stale(reject))
        if reject.error == TEXT_REFUSED and there.state == "published":
            return self._embed(reject, payload)
        try:
            record = self._ready(mended(record_type, reject.id, payload), reject)
        except ValueError as error:
            return _replayed(reject, Fate.LEFT, str(error))
        replayed = self._store(reject, record, there)
        if replayed is None:
            again = self._standing(reject)
            if again is None:
                return _replayed(reject, Fate.LEFT, self._why_stale(reject))
            if again != there:  # another replay came in between
                replayed = self._store(reject, record, again)
        message = "rows of its document are missing; restore it first: batchwright verify --repair"
        return replayed or _replayed(reject, Fate.LEFT, message)

    def _embed(self, reject: Reject, payload: Mapping[str, Any]) -> Replayed:
        """Have the text of a record embedded that is stored already."""
        session = self._relation.session
        try:
            why = embed_refused(session, reject, payload)
        except CollectionBusy:
            raise
        except (EmbedderError, OutageTooLong, SinkError) as error:
            return _replayed(reject, Fate.FAILED, session.describe(error))
        return _replayed(reject, Fate.LEFT, why) if why else _replayed(reject, Fate.STORED)

    def _store(self, reject: Reject, record: Placed, there: _Standing) -> Replayed | None:
        """Store the record, or set it aside again; None where its document has changed."""
        session = self._relation.session
        work = Work(
            there.version,
            [record],
            is_published=there.state == "published",
            was_refused=there.state == "refused",
            is_patch=there.state == "begun",
            attempts=reject.attempts,
            run_id=reject.run_id,
            rejected=max(0, there.rejected - 1),
        )
        try:
            if refused := embed_works(session, reject.collection, [work]):
                return _replayed(reject, Fate.LEFT, refused[0].message)
        except (EmbedderError, OutageTooLong) as error:
            return _replayed(reject, Fate.FAILED, session.describe(error))
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
            return _replayed(reject, Fate.FAILED, session.describe(failure.error))
        return (
            _replayed(reject, Fate.LEFT, set_aside[0].message)
            if set_aside
            else _replayed(reject, Fate.STORED)
        )

    def _standing(self, reject: Reject) -> _Standing | None:
        """Return how things stand with the version that the reject belongs to; None where it is outdated."""
        ledger, collection = self._relation.ledger, reject.collection
        known = ledger.document(collection, reject.key)
        if known is not None and known.version.document_id == reject.document_id:
            return _Standing(known.version, "published", known.rejected)
        for version in ledger.refused(collection, [reject.key]):
            if version.document_id == reject.document_id:
                return _Standing(version, "refused", version.records)
        for version in ledger.pending(collection):
            # what a load or a run began is for it to finish
            if version.document_id == reject.document_id and not version.content_hash:
                return _Standing(version, "begun", 0)
        return None

    def _ready(self, record: Placed, reject: Reject) -> Placed:
        """Return the record as it is to be stored: clean, and a chunk's figures those of its text."""
        if isinstance(record, Row):
            record_type = self._relation.session.record_type
            values, _ = cleaned(record_type, record.values, self._config)
            return Rows(record_type).row(record.id, values)
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


def _text(value: Any) -> str | None:
    """Return a value as a file of texts has it: a key may be a number in one, and a text in the other."""
    return None if value is None else str(value)


def _replayed(reject: Reject, fate: Fate, reason: str = "") -> Replayed:
    return Replayed(reject.id, reject.key, reject.position, fate, reason)
