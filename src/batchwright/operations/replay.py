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
from batchwright.operations.corrected import Corrected
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


class Replayer:
    """Stores records that were set aside, each in a transaction that takes it out of the rejects.

    A record is stored only while its document version is the published one, and then the document's count
    of rejects decreases. Repeating a replay, also after a crash during it, stores nothing twice.

    Args:
        target: Where.
        config: The settings: `unstorable` applies to what is stored.
    """

    def __init__(self, target: Target, config: BatchConfig) -> None:
        self._target = target
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
            found = self._target.ledger.rejects(ids=[corrected.id], limit=1)
            if not found:
                reason = "it is no longer among the rejects"
                yield Replayed(corrected.id, "", None, Fate.GONE, reason)
                continue
            result = self._replay(found[0], corrected.payload)
            yield result
            if result.fate is Fate.FAILED:
                return

    def _replay(self, reject: Reject, payload: Mapping[str, Any] | None) -> Replayed:
        if payload is None or reject.payload is None:
            return _told(reject, Fate.LEFT, "a whole document: fix the file and run again")
        record_type = self._target.session.record_type
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
        session = self._target.session
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
        known = self._target.ledger.document(reject.collection, reject.key)
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
        pending = self._target.ledger.pending(reject.collection)
        if reject.document_id in {version.document_id for version in pending}:
            return "its document is not published yet: finish the run first, by running it again"
        return "stale: its document has changed since, or is gone; drop it"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._config.encoding)


def _told(reject: Reject, fate: Fate, reason: str = "") -> Replayed:
    return Replayed(reject.id, reject.key, reject.position, fate, reason)
