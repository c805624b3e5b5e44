"""Storing chunks that a program brings itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from uuid import uuid4

from batchwright.contracts.receipts import OWN_RECORDS, DocumentVersion, Publication, Receipt
from batchwright.contracts.sink import AnySink
from batchwright.model import Batch, ProcessedChunk


class Inserter:
    """Writes chunks into a sink that it opens at the first call, and publishes documents that are whole."""

    def __init__(self, make: Callable[[], AnySink]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._sink: AnySink | None = None
        self._stored: dict[str, dict[int, int]] = {}
        self._run_id = str(uuid4())
        self._sequence = count()

    def insert(self, chunks: Sequence[ProcessedChunk]) -> int:
        """Store the chunks, all or none; return how many.

        Raises:
            ValueError: A chunk doesn't say which document it belongs to, or how many chunks that has.
        """
        if not chunks:
            return 0
        for position, chunk in enumerate(chunks):
            if not chunk.source_file:
                raise ValueError(f"record {position} has no source_file; name the document it belongs to")
            if not 0 <= chunk.chunk_index < chunk.total_chunks:
                raise ValueError(
                    f"record {position} ({chunk.source_file}) has the chunk_index {chunk.chunk_index} of "
                    f"{chunk.total_chunks} total_chunks; say how many chunks the document has"
                )
        with self._lock:
            sink = self._open()
            opened, publications, stored = self._progress_of(chunks)
            receipt = Receipt(
                f"{self._run_id}/{next(self._sequence)}",
                self._run_id,
                records=len(chunks),
                opened=tuple(opened),
                publications=tuple(publications),
            )
            sink.write(Batch(list(chunks), 0), receipt)
            self._stored.update(stored)
        return len(chunks)

    def close(self) -> None:
        """Close the sink. May come more than once."""
        with self._lock:
            if self._sink is not None:
                with suppress(Exception):
                    self._sink.close()
                self._sink = None

    def _open(self) -> AnySink:
        if self._sink is None:
            sink = self._make()
            sink.open()
            self._sink = sink
        return self._sink

    def _progress_of(
        self, chunks: Sequence[ProcessedChunk]
    ) -> tuple[list[DocumentVersion], list[Publication], dict[str, dict[int, int]]]:
        """Return what is opened and what becomes whole by these chunks, and which chunks are there then."""
        stored = {c.document_id: dict(self._stored.get(c.document_id, {})) for c in chunks}
        last = {}
        for chunk in chunks:
            stored[chunk.document_id][chunk.chunk_index] = len(chunk.chunk_text)
            last[chunk.document_id] = chunk
        opened, publications = [], []
        for identity, chunk in last.items():
            sizes = stored[identity]
            version = DocumentVersion(
                chunk.source_file, identity, "", OWN_RECORDS, sum(sizes.values()), chunk.total_chunks
            )
            if len(sizes) >= chunk.total_chunks:
                before = self._stored.get(identity, {})
                publications.append(Publication(version, stored_before=len(before)))
            else:
                opened.append(version)
        return opened, publications, stored
