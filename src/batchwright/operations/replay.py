"""Replaying rejects: storing records that were set aside, once what was wrong is mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from itertools import count
from uuid import uuid4

from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.failure import dotted_name
from batchwright.contracts.receipts import DocumentVersion, KnownDocument, Publication, Receipt, Reject
from batchwright.documents import Tokenizer
from batchwright.documents.cleaning import Cleaner
from batchwright.engine.delivery.errand import Errand
from batchwright.engine.delivery.retry import Attempted
from batchwright.errors import IncompleteDocument
from batchwright.model import Batch, ErrorRecoveryAction, ProcessedChunk
from batchwright.operations.mended import Mended
from batchwright.operations.target import Target
from batchwright.secrets import describe


class Fate(Enum):
    """What became of a reject.

    STORED: Its record is in the sink, and it is a reject no more.
    GONE: It was no reject any more: stored before, or dropped.
    LEFT: It stays among the rejects.
    FAILED: The sink failed; it stays, and what would have come after it was not tried.
    """

    STORED = "stored"
    GONE = "gone"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Replayed:
    """A reject, what became of it, and why."""

    id: str
    source_file: str
    position: int
    fate: Fate
    reason: str = ""


class Replayer:
    """Stores records that were set aside, each in a transaction that takes it out of the rejects.

    A record is stored only while its document version is the published one, and the document's count of
    rejects goes down with it. Repeating a replay, also after a crash in its midst, stores nothing twice.

    Args:
        target: Where.
        errand: How it is written.
        config: The settings: `unstorable` applies to what is stored.
    """

    def __init__(self, target: Target, errand: Errand, config: BatchConfig) -> None:
        self._target = target
        self._errand = errand
        self._config = config
        self._run_id = str(uuid4())
        self._sequence = count()

    def replay(self, rejects: Iterable[Reject]) -> Iterator[Replayed]:
        """Store the records as they are, one after the other; end after one that fails for good."""
        for reject in rejects:
            result = self._replay(reject, reject.payload)
            yield result
            if result.fate is Fate.FAILED:
                return

    def replay_mended(self, records: Iterable[Mended]) -> Iterator[Replayed]:
        """Store what a person made of the records; end after one that fails for good."""
        for mended in records:
            found = self._target.ledger.rejects(ids=[mended.id], limit=1)
            if not found:
                reason = "it is among the rejects no more"
                source = mended.payload.source_file if mended.payload else ""
                position = mended.payload.chunk_index if mended.payload else -1
                yield Replayed(mended.id, source, position, Fate.GONE, reason)
                continue
            result = self._replay(found[0], mended.payload)
            yield result
            if result.fate is Fate.FAILED:
                return

    def _replay(self, reject: Reject, payload: ProcessedChunk | None) -> Replayed:
        if payload is None or reject.payload is None or reject.position < 0:
            return _told(reject, Fate.LEFT, "a whole document: mend the file and run again")
        if changed := [name for name in _IDENTITY if getattr(payload, name) != getattr(reject.payload, name)]:
            return _told(reject, Fate.LEFT, f"{', '.join(changed)} can't be changed; mend the rest")
        known = self._target.ledger.document(reject.source_file)
        if known is None or known.version.document_id != reject.document_id:
            return _told(reject, Fate.LEFT, self._why_stale(reject))
        chunk = self._ready(payload, reject.payload)
        result = self._write(reject, chunk, known)
        if isinstance(result.error, IncompleteDocument):
            again = self._target.ledger.document(reject.source_file)
            if again is not None and again != known and again.version == known.version:
                result = self._write(reject, chunk, again)  # another replay came in between
        if result.error is None:
            return _told(reject, Fate.STORED)
        message = self._message(result.error)
        if isinstance(result.error, IncompleteDocument):
            return _told(reject, Fate.LEFT, f"{message}; restore it first: batchwright verify --repair")
        if result.decision is None or result.decision.action is not ErrorRecoveryAction.SKIP:
            return _told(reject, Fate.FAILED, message)
        return self._set_aside_again(reject, chunk, result)

    def _write(self, reject: Reject, chunk: ProcessedChunk, known: KnownDocument) -> Attempted[None]:
        version = known.version
        publication = Publication(
            version,
            rejected=max(0, known.rejected - 1),
            stored_before=version.chunks - known.rejected,
            supersedes=self._begun(version.source_file, version.document_id),
        )
        receipt = Receipt(
            self._next_id(), self._run_id, records=1, publications=(publication,), resolved=(reject.id,)
        )
        return self._errand.write(Batch([chunk], 0), receipt)

    def _set_aside_again(self, reject: Reject, chunk: ProcessedChunk, result: Attempted[None]) -> Replayed:
        assert result.error is not None  # noqa: S101 - it was skipped for an error
        message = self._message(result.error)
        updated = replace(
            reject,
            error=dotted_name(result.error),
            message=message,
            sqlstate=getattr(result.error, "sqlstate", None),
            attempts=reject.attempts + result.retries + 1,
            decided_by=result.decision.decided_by if result.decision else "engine",
            created_at=datetime.now(UTC).isoformat(),
            payload=chunk,
        )
        noted = self._errand.write(Batch([], 0), Receipt(self._next_id(), self._run_id, rejects=(updated,)))
        if noted.error is not None:
            return _told(reject, Fate.FAILED, self._message(noted.error))
        return _told(reject, Fate.LEFT, message)

    def _ready(self, payload: ProcessedChunk, original: ProcessedChunk) -> ProcessedChunk:
        """Return the record as it is to be stored: clean, and its hash and figures those of its text."""
        chunk = replace(payload, chunk_hash="")
        if self._config.unstorable != "reject":
            chunk = Cleaner(escape=self._config.unstorable == "escape").clean_chunk(chunk)
        if chunk.chunk_text == original.chunk_text:
            return chunk
        try:
            tokens = self._tokenizer.count(chunk.chunk_text)
        except ValueError:  # a lone surrogate: whether that can be stored is for the sink to say
            tokens = chunk.chunk_token_count
        return replace(chunk, chunk_token_count=tokens, span_start=None, span_end=None)

    def _why_stale(self, reject: Reject) -> str:
        if reject.document_id in {version.document_id for version in self._pending}:
            return "its document is not published yet: finish the run first, by running it again"
        return "stale: its document has changed since, or is gone; drop it"

    def _begun(self, source_file: str, document_id: str) -> tuple[str, ...]:
        """Return newer versions that were begun: publishing forgets them, so their rows must go as well."""
        return tuple(
            version.document_id
            for version in self._pending
            if version.source_file == source_file and version.document_id != document_id
        )

    @cached_property
    def _pending(self) -> list[DocumentVersion]:
        return self._target.ledger.pending()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._config.encoding)

    def _next_id(self) -> str:
        return f"{self._run_id}/replay/{next(self._sequence)}"

    def _message(self, error: BaseException) -> str:
        return describe(error, secrets_of(self._config))


_IDENTITY = ("id", "source_file", "chunk_index", "total_chunks")


def _told(reject: Reject, fate: Fate, reason: str = "") -> Replayed:
    return Replayed(reject.id, reject.source_file, reject.position, fate, reason)
