"""What there is to do: the documents found, beside those that the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batchwright.documents import Chunker, Found, MarkdownReader
from batchwright.errors import DocumentError
from batchwright.ledger import DocumentVersion, KnownDocument, Ledger
from batchwright.model import ProcessedChunk, document_id


@dataclass(frozen=True, slots=True)
class Pair:
    """A document found in the input, the one published under its name, or both."""

    found: Found | None
    known: KnownDocument | None


def pair(found: Iterable[Found], known: Iterable[KnownDocument]) -> Iterator[Pair]:
    """Merge two streams that are both sorted by source_file in code point order."""
    rest = iter(known)
    published = next(rest, None)
    for document in found:
        while published is not None and published.version.source_file < document.source_file:
            yield Pair(None, published)
            published = next(rest, None)
        if published is not None and published.version.source_file == document.source_file:
            yield Pair(document, published)
            published = next(rest, None)
        else:
            yield Pair(document, None)
    while published is not None:
        yield Pair(None, published)
        published = next(rest, None)


def published(ledger: Ledger) -> Iterator[KnownDocument]:
    """Yield the published documents, a page at a time."""
    after = ""
    while page := ledger.documents(after):
        yield from page
        after = page[-1].version.source_file


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made of a document found.

    Attributes:
        source_file: Which.
        size: Bytes read.
        version: Its version; None where it can't be read.
        chunks: Its chunks; None where the version is the one published.
        reason: Why it can't be read, else empty.
    """

    source_file: str
    size: int = 0
    version: DocumentVersion | None = None
    chunks: list[ProcessedChunk] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preparer:
    """Reads and chunks documents; holds no state, so that it can be copied to other processes."""

    reader: MarkdownReader
    chunker: Chunker

    def prepare(self, found: Found, known: DocumentVersion | None) -> Prepared:
        """Read a document and, unless `known` is the same, chunk it."""
        try:
            raw = self.reader.load(found)
            settings = self.chunker.signature
            if known and known.content_hash == raw.content_hash and known.settings == settings:
                return Prepared(found.source_file, len(raw.data), known)
            document = self.reader.parse(raw)
        except DocumentError as error:
            return Prepared(found.source_file, reason=error.reason)
        identity = document_id(document.source_file, document.content_hash, settings)
        chunks = self.chunker.chunk(document, identity)
        version = DocumentVersion(
            document.source_file, identity, document.content_hash, settings, document.size, len(chunks)
        )
        return Prepared(found.source_file, document.size, version, chunks)
