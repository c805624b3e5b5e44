"""Repairing what `verify` found: restoring exactly the rows that are missing or damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from uuid import uuid4

from batchwright.batching import batch_of
from batchwright.config import BatchConfig, secrets_of
from batchwright.contracts.failure import dotted_name
from batchwright.contracts.receipts import (
    OWN_RECORDS,
    DocumentVersion,
    KnownDocument,
    Publication,
    Receipt,
    Reject,
)
from batchwright.documents import Found
from batchwright.engine.delivery.errand import Errand
from batchwright.engine.delivery.parts import Assembler, Work
from batchwright.engine.reading.prepare import Preparer, preparer_of
from batchwright.errors import IncompleteDocument, SinkError
from batchwright.model import Batch, ErrorRecoveryAction, ProcessedChunk
from batchwright.operations.target import Target
from batchwright.operations.verify import Fault, Finding
from batchwright.secrets import describe

ROWS_AT_ONCE = 1_000


class Repairer:
    """Restores documents from the input directory, and removes rows that belong to nothing.

    A document is restored only from the very content that it was loaded from, with the same settings, so
    that the rows are the same. Rows that are sound stay as they are, records that were rejected stay away.

    Args:
        target: Where.
        errand: How it is written.
        config: The settings that the documents were loaded with; `input_dir` is where they are.
    """

    def __init__(self, target: Target, errand: Errand, config: BatchConfig) -> None:
        self._target = target
        self._errand = errand
        self._config = config
        self._run_id = str(uuid4())
        self._sequence = count()

    def repair(self, finding: Finding) -> str:
        """Repair what was found; return why it could not be, or an empty string.

        Raises:
            SinkError: The sink failed.
        """
        if finding.fault is Fault.ORPHANED:
            self._write([], discarded=(finding.document_id,))
            return ""
        known = finding.known
        if known is None or finding.fault is Fault.SURPLUS:
            return "rows were added by hand: remove them by hand, or change the document and run again"
        prepared = self._preparer.prepare(
            Found(finding.source_file, self._config.input_dir / finding.source_file), None
        )
        if prepared.version is None or prepared.chunks is None:
            return f"it can't be read again: {prepared.reason}"
        if reason := self._difference(known.version, prepared.version):
            return reason
        return self._restore(known, prepared.chunks)

    def _difference(self, known: DocumentVersion, now: DocumentVersion) -> str:
        if known.settings == OWN_RECORDS:
            return "a program stored it, not a run: have the program store it again"
        if known.content_hash != now.content_hash:
            return "the file has changed since; run again to load it as it is now"
        if known.settings != now.settings:
            return (
                f"it was loaded with other settings ({known.settings}, now {now.settings}); "
                "give the ones it was loaded with, or run again"
            )
        return ""

    def _restore(self, known: KnownDocument, chunks: Sequence[ProcessedChunk]) -> str:
        version = known.version
        sound = self._target.sink.sound(version.document_id)
        rejected = {reject.id for reject in self._rejects_of(version)}
        wanted = [chunk for chunk in chunks if chunk.id not in sound and chunk.id not in rejected]
        limits = self._target.sink.limits
        assembler = Assembler()
        assembler.add(Work(version, wanted))
        refused: list[Reject] = []
        while assembler:
            part = assembler.cut(min(limits.rows, ROWS_AT_ONCE), limits.bytes)
            refused += self._store(part.chunks())
        rows = len(sound & {chunk.id for chunk in chunks}) + len(wanted) - len(refused)
        publication = Publication(
            version,
            rejected=version.chunks - rows,
            stored_before=rows,
            supersedes=tuple(
                begun.document_id
                for begun in self._target.ledger.pending()
                if begun.source_file == version.source_file and begun.document_id != version.document_id
            ),
        )
        try:
            self._write([], publications=(publication,), rejects=tuple(refused))
        except IncompleteDocument as error:
            return str(error)
        if refused:
            return f"{len(refused)} records can't be stored; they are among the rejects: {refused[0].message}"
        return ""

    def _store(self, chunks: list[ProcessedChunk]) -> list[Reject]:
        """Store the records, halving them where one is at fault; return those that can't be stored."""
        if not chunks:
            return []
        receipt = Receipt(self._next_id(), self._run_id, records=len(chunks))
        result = self._errand.write(batch_of(chunks, 0, 0), receipt)
        if result.error is None:
            return []
        if result.decision is None or result.decision.action is not ErrorRecoveryAction.SKIP:
            raise SinkError(self._message(result.error)) from result.error
        if len(chunks) > 1:
            middle = len(chunks) // 2
            return self._store(chunks[:middle]) + self._store(chunks[middle:])
        [chunk] = chunks
        return [
            Reject(
                id=chunk.id,
                run_id=self._run_id,
                source_file=chunk.source_file,
                document_id=chunk.document_id,
                position=chunk.chunk_index,
                error=dotted_name(result.error),
                message=self._message(result.error),
                sqlstate=getattr(result.error, "sqlstate", None),
                attempts=result.retries + 1,
                decided_by=result.decision.decided_by,
                created_at=datetime.now(UTC).isoformat(),
                payload=chunk,
            )
        ]

    def _write(
        self,
        chunks: list[ProcessedChunk],
        *,
        publications: tuple[Publication, ...] = (),
        discarded: tuple[str, ...] = (),
        rejects: tuple[Reject, ...] = (),
    ) -> None:
        receipt = Receipt(
            self._next_id(),
            self._run_id,
            records=len(chunks),
            publications=publications,
            discarded=discarded,
            rejects=rejects,
        )
        result = self._errand.write(Batch(chunks, 0), receipt)
        if isinstance(result.error, IncompleteDocument):
            raise result.error
        if result.error is not None:
            raise SinkError(self._message(result.error)) from result.error

    def _rejects_of(self, version: DocumentVersion) -> Iterator[Reject]:
        after = ""
        while page := self._target.ledger.rejects(source_file=version.source_file, after=after, limit=200):
            yield from (reject for reject in page if reject.document_id == version.document_id)
            after = page[-1].id

    @cached_property
    def _preparer(self) -> Preparer:
        return preparer_of(self._config)

    def _next_id(self) -> str:
        return f"{self._run_id}/repair/{next(self._sequence)}"

    def _message(self, error: BaseException) -> str:
        return describe(error, secrets_of(self._config))
