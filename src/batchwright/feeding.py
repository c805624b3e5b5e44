"""Feeding the writers: what is found is held against what is published, and what is new handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from batchwright.config import BatchConfig
from batchwright.delivery.control import Control
from batchwright.delivery.work import Unreadable, Work
from batchwright.delivery.writers import Buffer, account_for
from batchwright.documents import Found, discover
from batchwright.events import DocumentFinished, Event, StopRequested
from batchwright.intake import Pair, Prepared, pair
from batchwright.ledger import OWN_RECORDS, DocumentVersion, KnownDocument, Reject
from batchwright.model import document_id
from batchwright.reading import prepare_all, reader_count
from batchwright.secrets import mask
from batchwright.stop import Stop
from batchwright.tally import Tally

UNREADABLE = "batchwright.errors.DocumentError"
"""The error of a reject that stands for a document."""


class Feed:
    """The documents of one run, on their way to the writers. What a program inserted itself is left alone.

    Attributes:
        documents_total: Documents found when they were counted.
        bytes_total: Their bytes.
        gone: Published documents that are no longer in the input.
        published: Published documents, gone or not.
        begun: Ids of versions that earlier runs began and nobody goes on with, by source_file.
    """

    def __init__(
        self, config: BatchConfig, *, run_id: str, emit: Callable[[Event], None], stop: Stop, tally: Tally
    ) -> None:
        self._config = config
        self._run_id = run_id
        self._emit = emit
        self._stop = stop
        self._tally = tally
        self._documents_found = 0
        self.documents_total = self.bytes_total = self.published = 0
        self.gone: list[KnownDocument] = []
        self.begun: dict[str, list[str]] = {}

    def count(self) -> None:
        """Count the documents, and their bytes."""
        for found in self._discover():
            self.documents_total += 1
            self.bytes_total += found.size

    def take_over(self, pending: Sequence[DocumentVersion]) -> None:
        """Note the versions that earlier runs began."""
        for version in pending:
            if version.settings != OWN_RECORDS:
                self.begun.setdefault(version.source_file, []).append(version.document_id)

    def feed(self, buffer: Buffer, control: Control) -> None:
        """Read, chunk and hand on what is new.

        Raises:
            OutageTooLong: The ledger could not be asked for longer than is allowed.
            RunInterrupted: The run was stopped while the ledger was away.
        """
        closed_folders: list[str] = []
        pairs = pair(self._discover(), _published(control))
        readers = reader_count(self._config, self.bytes_total)
        for both, prepared in prepare_all(pairs, self._config, readers):
            if self._stop.event.is_set():
                self._emit(StopRequested(self._stop.reason))
                self.leave_unread()
                break
            self._documents_found += both.found is not None
            if both.known is not None and both.known.version.settings != OWN_RECORDS:
                self.published += 1
                self._keep_published(both.known.version)
            if both.found is None or prepared is None:
                self._note_missing(both, closed_folders)
                continue
            self._tally.seen(documents=1, size=prepared.size)
            if prepared.version is None:
                if both.found.error:  # perhaps a folder: what is published from it isn't gone
                    closed_folders.append("" if prepared.source_file == "." else f"{prepared.source_file}/")
                buffer.put(self._unreadable(prepared))
            elif prepared.chunks is None:
                self._leave_alone(prepared.version, both.known.rejected if both.known else 0)
            else:
                self._hand_on(buffer, both, prepared)

    def leave_unread(self) -> None:
        """Account for the documents that were counted, but not reached before the run was asked to stop."""
        rest = max(0, self.documents_total - self._documents_found)
        self._tally.seen(documents=rest)
        self._tally.document("not_attempted", rest)

    def records_expected(self) -> int:
        """Return how many records the run will write, as far as can be told."""
        account = self._tally.account()
        seen = account.records_seen - account.records.unchanged
        if not account.bytes_read or account.bytes_read >= self.bytes_total:
            return seen
        return max(seen, round(seen * self.bytes_total / account.bytes_read))

    def _discover(self) -> Iterator[Found]:
        config = self._config
        return discover(
            config.input_dir,
            patterns=config.patterns,
            exclude=config.exclude,
            hidden=config.hidden,
            follow_symlinks=config.follow_symlinks,
        )

    def _note_missing(self, both: Pair, closed_folders: list[str]) -> None:
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
        self.gone.append(known)
        self._tally.document("deleted")
        self._emit(DocumentFinished(version.source_file, "deleted", version.chunks, version.size))

    def _leave_alone(self, version: DocumentVersion, rejected: int) -> None:
        self._tally.seen(records=version.chunks)
        self._tally.records("unchanged", version.chunks - rejected)
        self._tally.records("rejected", rejected)  # still: nobody has mended and replayed them
        self._tally.document("unchanged")
        self._emit(DocumentFinished(version.source_file, "unchanged", version.chunks, version.size))

    def _hand_on(self, buffer: Buffer, both: Pair, prepared: Prepared) -> None:
        version, chunks = prepared.version, prepared.chunks or []
        if version is None:
            return
        older = self.begun.pop(version.source_file, [])
        if both.known:
            older.append(both.known.version.document_id)
        work = Work(
            version,
            chunks,
            "changed" if both.known else "added",
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
        versions = self.begun.get(version.source_file, [])
        if version.document_id in versions:
            versions.remove(version.document_id)


def _published(control: Control) -> Iterator[KnownDocument]:
    after = ""
    while page := _page(control, after):
        yield from page
        after = page[-1].version.source_file


def _page(control: Control, after: str) -> list[KnownDocument]:
    return control.ask(lambda ledger: ledger.documents(after))
