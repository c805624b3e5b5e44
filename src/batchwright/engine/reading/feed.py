"""Feeding the writers: what is found is held against what is published, and what is new handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from batchwright.config import BatchConfig
from batchwright.contracts.events import DocumentFinished, Event, StopRequested
from batchwright.contracts.partition import Findings, Partition
from batchwright.contracts.receipts import OWN_RECORDS, DocumentVersion, KnownDocument, Reject
from batchwright.contracts.stop import Stop
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.control import Control
from batchwright.engine.delivery.parts import Unreadable, Work
from batchwright.engine.delivery.writer import account_for
from batchwright.engine.reading.changes import Pair, closed_folder, pair
from batchwright.engine.reading.prepare import Prepared
from batchwright.engine.reading.preparing import prepare_all, reader_count
from batchwright.engine.tally import Tally
from batchwright.model import chunk_id, document_id
from batchwright.secrets import mask

UNREADABLE = "batchwright.errors.DocumentError"
"""The error of a reject that stands for a document."""


class Feed:
    """The documents of one partition, on their way to the writers. Make it, `take_over`, `feed` once.

    What a program inserted itself is left alone.
    """

    def __init__(
        self,
        config: BatchConfig,
        *,
        run_id: str,
        emit: Callable[[Event], None],
        stop: Stop,
        tally: Tally,
        on_earlier: Callable[[list[str]], None],
    ) -> None:
        self._config = config
        self._run_id = run_id
        self._emit = emit
        self._stop = stop
        self._tally = tally
        self._on_earlier = on_earlier
        self._found = self._published = 0
        self._gone: list[tuple[str, str]] = []
        self._begun: dict[str, list[str]] = {}

    def take_over(self, partition: Partition, pending: Sequence[DocumentVersion]) -> None:
        """Note the versions in the partition that earlier runs began."""
        for version in pending:
            if version.settings != OWN_RECORDS and _within(partition, version.source_file):
                self._begun.setdefault(version.source_file, []).append(version.document_id)

    def feed(self, partition: Partition, buffer: Buffer, control: Control) -> None:
        """Read, chunk and hand on what is new.

        Raises:
            OutageTooLong: The ledger could not be asked for longer than is allowed.
            RunInterrupted: The run was stopped while the ledger was away.
        """
        closed = list(partition.closed)
        pairs = pair(partition.found, published(control, partition.after, partition.until))
        readers = reader_count(self._config, partition.size)
        for both, prepared in prepare_all(pairs, self._config, readers):
            if self._stop.event.is_set():
                self._emit(StopRequested(self._stop.reason))
                break
            self._found += both.found is not None
            if both.known is not None and both.known.version.settings != OWN_RECORDS:
                self._published += 1
                self._keep_published(both.known.version)
            if both.found is None or prepared is None:
                self._note_missing(both, closed)
                continue
            self._tally.seen(documents=1, size=prepared.size)
            if prepared.version is None:
                closed += closed_folder(both.found)  # what is published from it isn't gone
                buffer.put(self._unreadable(prepared))
            elif prepared.chunks is None:
                self._leave_alone(prepared.version, both.known, partition, control)
            else:
                self._hand_on(buffer, both, prepared, partition)

    def findings(self) -> Findings:
        """Return what came to light."""
        begun = [version for versions in self._begun.values() for version in versions]
        return Findings(self._found, self._published, self._gone, begun)

    def _note_missing(self, both: Pair, closed_folders: Sequence[str]) -> None:
        known = both.known
        if known is None or known.version.settings == OWN_RECORDS:
            return
        self._tally.seen(documents=1)
        version = known.version
        if any(version.source_file.startswith(folder) for folder in closed_folders):
            self._tally.document("failed")
            reason = "its folder can't be read; the version stored before stays"
            self._emit(DocumentFinished(version.source_file, "failed", version.chunks, 0, reason))
            return
        self._gone.append((version.source_file, version.document_id))
        self._tally.document("deleted")
        self._emit(DocumentFinished(version.source_file, "deleted", version.chunks, version.size))

    def _leave_alone(
        self, version: DocumentVersion, known: KnownDocument | None, partition: Partition, control: Control
    ) -> None:
        """Account for a document that is stored as it is."""
        rejected = known.rejected if known else 0
        before = partition.before
        change = "unchanged"
        if before is not None and before.get(version.source_file) != version.document_id:
            # an attempt at this partition that was cut off has published it, and could not tell
            change = _change(version, known, partition)
            self._on_earlier(_stored_chunks(version, rejected, control))
        self._tally.seen(records=version.chunks)
        self._tally.records("unchanged" if change == "unchanged" else "written", version.chunks - rejected)
        self._tally.records("rejected", rejected)  # still: nobody has mended and replayed them
        self._tally.document(change)
        self._emit(
            DocumentFinished(version.source_file, change, version.chunks, version.size, rejected=rejected)
        )

    def _hand_on(self, buffer: Buffer, both: Pair, prepared: Prepared, partition: Partition) -> None:
        version, chunks = prepared.version, prepared.chunks or []
        if version is None:
            return
        older = self._begun.pop(version.source_file, [])
        if both.known:
            older.append(both.known.version.document_id)
        work = Work(
            version,
            chunks,
            _change(version, both.known, partition),
            tuple(dict.fromkeys(id_ for id_ in older if id_ != version.document_id)),
            resumed=version.document_id in older,
        )
        self._tally.seen(records=len(chunks))
        self._tally.add("cleaned", prepared.cleaned)
        if not buffer.put(work):
            account_for(work, self._tally)

    def _unreadable(self, prepared: Prepared) -> Unreadable:
        self._tally.document("failed")
        reason = mask(prepared.reason)
        self._emit(DocumentFinished(prepared.source_file, "failed", 0, prepared.size, reason))
        return Unreadable(
            Reject(
                id=document_id("document", prepared.source_file),
                run_id=self._run_id,
                source_file=prepared.source_file,
                document_id="",
                position=-1,
                error=UNREADABLE,
                message=reason,
                sqlstate=None,
                attempts=1,
                decided_by="engine",
                created_at=datetime.now(UTC).isoformat(),
            )
        )

    def _keep_published(self, version: DocumentVersion) -> None:
        """Take a version out of those to be discarded: one that was begun may have been published after all.

        So it is where the commit of a run that was killed came through late, and where a program stored a
        chunk of its own again (`BatchProcessor.insert_chunks`).
        """
        versions = self._begun.get(version.source_file, [])
        if version.document_id in versions:
            versions.remove(version.document_id)


def published(control: Control, after: str = "", until: str | None = None) -> Iterator[KnownDocument]:
    """Yield the published documents behind `after` up to `until`, sorted by source_file."""
    while page := _page(control, after):
        for known in page:
            if until is not None and known.version.source_file > until:
                return
            yield known
        after = page[-1].version.source_file


def _page(control: Control, after: str) -> list[KnownDocument]:
    return control.ask(lambda ledger: ledger.documents(after))


def _change(version: DocumentVersion, known: KnownDocument | None, partition: Partition) -> str:
    """Return what publishing the version is to the run: what an earlier attempt did is the run's own."""
    there = known is not None if partition.before is None else version.source_file in partition.before
    return "changed" if there else "added"


def _within(partition: Partition, source_file: str) -> bool:
    return source_file > partition.after and (partition.until is None or source_file <= partition.until)


def _stored_chunks(version: DocumentVersion, rejected: int, control: Control) -> list[str]:
    """Return the ids of the chunks of a published version that are stored."""
    ids = [chunk_id(version.document_id, index) for index in range(version.chunks)]
    if not rejected:
        return ids
    question = lambda ledger: ledger.rejects(ids=ids, limit=len(ids))  # noqa: E731 - the question itself
    missing = {reject.id for reject in control.ask(question)}
    return [id_ for id_ in ids if id_ not in missing]
