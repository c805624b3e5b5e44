"""What there is to do: the documents found, beside those that the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from batchwright.config import BatchConfig
from batchwright.documents import Chunker, Found, MarkdownReader, discover
from batchwright.documents.cleaning import Cleaner
from batchwright.errors import DocumentError
from batchwright.ledger import DocumentVersion, KnownDocument
from batchwright.model import ProcessedChunk, document_id


def discovered(config: BatchConfig) -> Iterator[Found]:
    """Yield the documents of the input directory, sorted by source_file in code point order."""
    return discover(
        config.input_dir.absolute(),  # workers may have another working directory
        patterns=config.patterns,
        exclude=config.exclude,
        hidden=config.hidden,
        follow_symlinks=config.follow_symlinks,
    )


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


def closed_folder(found: Found) -> list[str]:
    """Return what could not be looked at as a folder, with a slash at the end: it may be one."""
    if not found.error:
        return []
    return ["" if found.source_file == "." else f"{found.source_file}/"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made of a document found.

    Attributes:
        source_file: Which.
        size: Bytes read.
        version: Its version; None where it can't be read.
        chunks: Its chunks; None where the version is the one published.
        cleaned: Characters stripped or escaped, since databases can't hold them.
        reason: Why it can't be read, else empty.
    """

    source_file: str
    size: int = 0
    version: DocumentVersion | None = None
    chunks: list[ProcessedChunk] | None = None
    cleaned: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preparer:
    """Reads and chunks documents.

    Attributes:
        reader: Reads them.
        chunker: Chunks them.
        unstorable: What to do about characters that databases can't hold: reject, strip or escape.
    """

    reader: MarkdownReader
    chunker: Chunker
    unstorable: str = "reject"

    @property
    def settings(self) -> str:
        """Everything that changes the chunks of a document, as a short string."""
        signature = self.chunker.signature
        return signature if self.unstorable == "reject" else f"{signature}/{self.unstorable}"

    def prepare(self, found: Found, known: DocumentVersion | None) -> Prepared:
        """Read a document and, unless `known` is the same, chunk it."""
        settings = self.settings
        try:
            raw = self.reader.load(found)
            if known and known.content_hash == raw.content_hash and known.settings == settings:
                return Prepared(found.source_file, len(raw.data), known)
            document = self.reader.parse(raw)
        except DocumentError as error:
            return Prepared(found.source_file, reason=error.reason)
        cleaned = 0
        if self.unstorable != "reject":
            document, cleaned = Cleaner(escape=self.unstorable == "escape").clean(document)
        identity = document_id(document.source_file, document.content_hash, settings)
        chunks = self.chunker.chunk(document, identity)
        if cleaned:  # the text is not what stands in the file, so there is no span to give
            chunks = [replace(chunk, span_start=None, span_end=None) for chunk in chunks]
        version = DocumentVersion(
            document.source_file, identity, document.content_hash, settings, document.size, len(chunks)
        )
        return Prepared(found.source_file, document.size, version, chunks, cleaned)
