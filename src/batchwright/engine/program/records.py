"""Storing records that a program brings itself, on the same way as those of a run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count, islice
from uuid import uuid4

from batchwright.contracts.account import Account
from batchwright.contracts.events import DocumentsRead
from batchwright.contracts.receipts import DocumentVersion
from batchwright.contracts.records import CHUNK
from batchwright.engine.delivery.deliverer import Deliverer
from batchwright.engine.delivery.parts import Part, Segment
from batchwright.engine.delivery.work import Unreadable, Work
from batchwright.engine.reading.published import begun_by_programs
from batchwright.engine.removing import at_once, remove
from batchwright.engine.result import RunResult
from batchwright.engine.session import Session, takes_only
from batchwright.errors import SinkError
from batchwright.model import ProcessedChunk, document_id, record_id
from batchwright.sinkkit.rejects import storable


class OwnRecords:
    """Stores and deletes in a session that it opens at the first call. What is stored, the ledger knows.

    For any thread; calls take turns. A process that was forked opens a session of its own.

    Args:
        make_session: Returns a session, not yet open.
        collection: The collection that they belong to.
    """

    def __init__(self, make_session: Callable[[], Session], collection: str) -> None:
        self._collection = collection
        self._make_session = make_session
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._process = os.getpid()
        self._inherited: list[Session] = []
        self._indices = count()
        self._uses_vectors = False

    def insert(self, chunks: Sequence[ProcessedChunk]) -> RunResult:
        """Store the chunks in one transaction, but for those that the sink can't hold; return the account.

        It counts records only. Which call makes a document whole is decided in the transaction: others may
        bring the rest of it at the same time.

        Raises:
            ValueError: A chunk doesn't say which document it belongs to, or how many chunks that has, or two
                say different numbers for one document.
            Exception: What the sink raises; nothing is stored then.
        """
        works = _works(chunks, self._collection)
        if not works:
            return RunResult(str(uuid4()), "done", Account())
        with self._turn() as session:
            tally = session.dispatcher.begin()
            records = [chunk for work in works for chunk in work.records]
            size = sum(chunk.size for chunk in records)
            session.dispatcher.emit(DocumentsRead(0, len(records), size))
            deliverer = Deliverer(session, session.control, self._collection)
            self._embed(session, works, deliverer)
            segments = [Segment(work, 0, len(work.records)) for work in works]
            index = next(self._indices)
            deliverer.deliver(Part.of(segments), index)
            if deliverer.failure is None:
                deliverer.settle(index)
            failure = deliverer.failure
            if failure is not None:
                raise failure.error or SinkError("the records could not be stored")
            self._use_vectors(session)
            account = tally.account()
            account.check()
            return RunResult(session.run_id, "done", account)

    def _embed(self, session: Session, works: Sequence[Work], deliverer: Deliverer) -> None:
        """Give the records their vectors; those that are refused wait for the write."""
        if session.embedding is not None:
            from batchwright.engine.embedding.works import embed_works  # few need it

            session.dispatcher.emit(session.embedding.started())
            if rejects := embed_works(session, self._collection, works):
                deliverer.carry(Unreadable(rejects))

    def _use_vectors(self, session: Session) -> None:
        """Have searches use the first vectors; later models take the place of one at the end of a run."""
        if session.embedding is not None and not self._uses_vectors:
            from batchwright.engine.embedding.fill import use  # few need it

            self._uses_vectors = use(session)

    def delete(
        self,
        keys: Iterable[str],
        collection: str = "",
        type_name: str = CHUNK.name,
        *,
        purge: bool = False,
    ) -> int:
        """Remove the documents with these keys, and what was begun or refused; return how many there were.

        Args:
            keys: Which.
            collection: Theirs; empty for ours.
            type_name: What their records are.
            purge: Whether vectors that no row uses any more, and their rejects, go with them.

        Raises:
            ConfigError: The target holds other records.
            SinkError: The sink failed.
        """
        collection = collection or self._collection
        rest, deleted = iter(keys), 0
        with self._turn() as session:
            if session.record_type.name != type_name:
                raise takes_only(session.target, session.record_type.name, type_name)
            begun = begun_by_programs(session.control, collection)
            while page := list(islice(rest, at_once(session))):
                deleted += _delete(session, collection, page, begun, purge=purge)
        return deleted

    def close(self) -> None:
        """Close the session. May come more than once."""
        if self._process != os.getpid():  # its connections are another process's
            return
        with self._lock:
            session, self._session = self._session, None
            if session is not None:
                with suppress(Exception):
                    session.close()

    @contextmanager
    def _turn(self) -> Iterator[Session]:
        """Wait for one's turn with the session."""
        if self._process != os.getpid():
            self._leave_to_parent()
        with self._lock:
            if self._session is None:
                self._session = self._make_session().open()
            yield self._session

    def _leave_to_parent(self) -> None:
        """Begin anew in a forked process: the connections, and perhaps the lock, are the parent's.

        The session is kept, since letting go of it would close them.
        """
        if self._session is not None:
            self._inherited.append(self._session)
        self._session, self._lock, self._process = None, threading.Lock(), os.getpid()


def _delete(
    session: Session,
    collection: str,
    keys: Sequence[str],
    begun: Iterable[DocumentVersion],
    *,
    purge: bool,
) -> int:
    """Remove the documents with these keys, and what was begun or refused; return how many there were."""
    ask = session.control.ask
    known = ask(lambda ledger: ledger.find(collection, keys), patiently=False)
    refused = ask(lambda ledger: ledger.refused(collection, keys), patiently=False)
    deleted = tuple((one.version.key, one.version.document_id) for one in known)
    named = set(map(storable, keys))
    left = (*(version for version in begun if version.key in named), *refused)
    if deleted or left:
        discarded = tuple(version.document_id for version in left)
        remove(session, collection, deleted=deleted, discarded=discarded, purge=purge)
    return len(deleted)


def owned(chunk: ProcessedChunk, collection: str) -> ProcessedChunk:
    """Return a chunk with the id that it has in a collection: no other collection has a row with it."""
    version = document_id(collection, chunk.source_file, chunk.document_id)
    return replace(chunk, id=record_id(version, chunk.chunk_index))


def _works(chunks: Sequence[ProcessedChunk], collection: str) -> list[Work]:
    """Return the chunks by document, in their order, with the ids that they have in the collection."""
    grouped: dict[str, list[ProcessedChunk]] = {}
    totals: dict[str, int] = {}
    for position, chunk in enumerate(chunks):
        if not chunk.source_file:
            raise ValueError(f"record {position} has no source_file; name the document it belongs to")
        if not 0 <= chunk.chunk_index < chunk.total_chunks:
            raise ValueError(
                f"record {position} ({chunk.source_file}) has the chunk_index {chunk.chunk_index} of "
                f"{chunk.total_chunks} total_chunks; say how many chunks the document has"
            )
        total = totals.setdefault(chunk.source_file, chunk.total_chunks)
        if chunk.total_chunks != total:
            raise ValueError(
                f"record {position} ({chunk.source_file}) says {chunk.total_chunks} total_chunks, "
                f"one before it {total}; store one version of a document at a time"
            )
        own = owned(chunk, collection)
        grouped.setdefault(own.document_id, []).append(own)
    return [
        Work(
            DocumentVersion(
                storable(records[-1].source_file), version, "", "", 0, records[-1].total_chunks, "program"
            ),
            records,
            is_patch=True,
        )
        for version, records in grouped.items()
    ]
