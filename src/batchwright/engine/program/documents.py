"""What a program brings to `load`, as documents with their keys, before anything is decided about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import DocumentVersion
from batchwright.contracts.record_json import content_hash
from batchwright.contracts.record_rows import Rows, size_of
from batchwright.contracts.records import RecordType
from batchwright.documents.cleaning import characters_cleaned
from batchwright.engine.cleaning import cleaned
from batchwright.engine.reading.content import content_hash_of, hash_of
from batchwright.engine.reading.prepare import Chunking, Prepared
from batchwright.model import Document, ProcessedChunk, document_id, record_id
from batchwright.plugins.manager import PluginManager
from batchwright.sinkkit.rejects import storable

CHUNKED = "chunks"
"""The settings of documents that a program has chunked itself."""


class Brought(NamedTuple):
    """A document that a program brought: a tuple, since a million may come.

    Attributes:
        position: Of its first record, among all that the call brought, from 0.
        key: Names it, as ledgers have it (`storable`); empty where that isn't known.
        content_hash: Of all that is stored of it.
        settings: How its records are made.
        size: Bytes, about.
        prepare: Makes its records.
        reason: Why it can't be loaded, else empty.
        row: The values of its only record, if they are stored as they are.
    """

    position: int
    key: str
    content_hash: str = ""
    settings: str = ""
    size: int = 0
    prepare: Callable[[], Prepared] = lambda: Prepared("")
    reason: str = ""
    row: tuple[Any, ...] | None = None

    def is_version(self, version: DocumentVersion) -> bool:
        """Tell whether a version of the document is this one."""
        return version.is_of(self.content_hash, self.settings)


class OwnDocuments:
    """Tells documents by what a program brings.

    One is a `Document`, all chunks of one that come one after the other, or a record of another type.

    Args:
        config: The settings, by which documents are chunked.
        manager: The plugins, which prepare them.
        record_type: What is stored.
        collection: The collection of all of them.
    """

    def __init__(
        self, config: BatchConfig, manager: PluginManager, record_type: RecordType, collection: str
    ) -> None:
        self._config = config
        self._manager = manager
        self._rows = Rows(record_type)
        self._collection = collection
        self._made: Chunking | None = None

    def of(self, records: Iterable[Any]) -> Iterator[Brought]:
        """Yield the documents, in the order in which they came."""
        if self._rows.record_type.is_chunk:
            return self._chunked(records)
        return (self._of_record(record, position) for position, record in enumerate(records))

    def _of_record(self, record: object, position: int) -> Brought:
        rows = self._rows
        try:
            values = rows.values(record)
            key = storable(rows.key(values))
        except (ValueError, TypeError) as error:
            return Brought(position, "", reason=str(error))
        kind = rows.record_type
        unstorable = self._config.unstorable
        settings = kind.name if unstorable == "reject" else f"{kind.name}/{unstorable}"
        digest = content_hash(kind, values)

        def prepare() -> Prepared:
            identity = document_id(self._collection, key, digest, settings)
            storable, changed = cleaned(kind, values, self._config)
            row = rows.row(record_id(identity, 0), storable)
            version = DocumentVersion(key, identity, digest, settings, row.size, 1, "program")
            left_out = [characters_cleaned(changed)] if changed else []
            return Prepared(key, row.size, version, records=[row], left_out=left_out)

        row = values if unstorable == "reject" else None
        return Brought(position, key, digest, settings, size_of(values), prepare, row=row)

    def _chunked(self, records: Iterable[Any]) -> Iterator[Brought]:
        chunks: list[ProcessedChunk] = []
        position = -1
        for position, record in enumerate(records):
            of_another = not isinstance(record, ProcessedChunk) or (
                bool(chunks) and record.source_file != chunks[0].source_file
            )
            if chunks and of_another:
                yield self._of_chunks(chunks, position - len(chunks))
                chunks = []
            if isinstance(record, ProcessedChunk):
                chunks.append(record)
            elif isinstance(record, Document):
                yield self._of_document(record, position)
            else:
                reason = f"{type(record).__name__} is neither Document nor ProcessedChunk, as others are"
                yield Brought(position, "", reason=reason)
        if chunks:
            yield self._of_chunks(chunks, position + 1 - len(chunks))

    def _of_document(self, document: Document, position: int) -> Brought:
        if not document.source_file:
            return Brought(position, "", reason="it has no source_file, which is its key")
        chunking = self._chunking
        digest, size = content_hash_of(document)
        return Brought(
            position,
            storable(document.source_file),
            digest,
            chunking.settings,
            size,
            lambda: chunking.cut(document, digest, size, chunking.settings, "program"),
        )

    def _of_chunks(self, chunks: list[ProcessedChunk], position: int) -> Brought:
        key, total = storable(chunks[0].source_file), chunks[0].total_chunks
        if not key:
            return Brought(
                position, "", reason="it has no source_file, which names the document it belongs to"
            )
        chunks.sort(key=lambda chunk: chunk.chunk_index)
        if [(chunk.chunk_index, chunk.total_chunks) for chunk in chunks] != [
            (n, total) for n in range(total)
        ]:
            reason = (
                f"not all of its {total} chunks came one after the other, each once; bring them so, or parts "
                f"of a document by insert_chunks"
            )
            return Brought(position, key, reason=reason)
        digest = sha256("".join(map(hash_of, chunks)).encode()).hexdigest()
        size = sum(chunk.size for chunk in chunks)

        def prepare() -> Prepared:
            identity = document_id(self._collection, key, digest, CHUNKED)
            version = DocumentVersion(key, identity, digest, CHUNKED, size, total, "program")
            records = [replace(chunk, id=record_id(identity, chunk.chunk_index)) for chunk in chunks]
            return Prepared(key, size, version, records=records)

        return Brought(position, key, digest, CHUNKED, size, prepare)

    @property
    def _chunking(self) -> Chunking:
        """What chunks documents, made when there is one."""
        if self._made is None:
            self._made = Chunking(self._config, self._manager, self._collection)
        return self._made
