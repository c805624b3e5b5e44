"""Read and chunk a document, unless the version published is the same."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from batchwright.config import BatchConfig
from batchwright.contracts.receipts import Bringer, DocumentVersion, KnownDocument
from batchwright.contracts.records import Placed
from batchwright.documents import Chunker, Found, MarkdownReader, Tokenizer
from batchwright.documents.cleaning import Cleaner
from batchwright.engine.collection import collection_of
from batchwright.errors import DocumentError
from batchwright.model import Document, Omission, document_id

logger = logging.getLogger("batchwright")


@dataclass(frozen=True, slots=True)
class Pair:
    """What there is under one key; one of the three at least.

    Attributes:
        found: The document found in the input.
        known: What is published.
        refused: The version that an earlier run refused.
    """

    found: Found | None
    known: KnownDocument | None
    refused: DocumentVersion | None = None

    @property
    def key(self) -> str:
        """The key."""
        if self.found is not None:
            return self.found.source_file
        version = self.known.version if self.known is not None else self.refused
        return version.key if version is not None else ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made of a document found.

    Attributes:
        key: Which.
        size: Bytes read.
        version: Its version; None where it can't be read.
        is_known: Whether that is the version published.
        is_refused: Whether that is a version which an earlier run refused.
        records: Its chunks; None where nobody needs them.
        left_out: What of it is left out.
        cleaned: Characters stripped or escaped, since databases can't hold them.
        reason: Why it can't be read, else empty.
        is_deadly: Whether reading it killed the process.
    """

    key: str
    size: int = 0
    version: DocumentVersion | None = None
    is_known: bool = False
    is_refused: bool = False
    records: Sequence[Placed] | None = None
    left_out: Sequence[Omission] = ()
    cleaned: int = 0
    reason: str = ""
    is_deadly: bool = False


@dataclass(frozen=True, slots=True)
class Preparer:
    """Reads and chunks documents.

    Attributes:
        reader: Reads them.
        chunker: Chunks them.
        collection: The collection of the documents, part of the identity of each.
        unstorable: What to do about characters that databases can't hold: reject, strip or escape.
    """

    reader: MarkdownReader
    chunker: Chunker
    collection: str
    unstorable: str = "reject"

    @property
    def settings(self) -> str:
        """Everything that changes the chunks of a document, as a short string."""
        unstorable = "" if self.unstorable == "reject" else self.unstorable
        return "/".join(filter(None, [self.chunker.signature, self.reader.signature, unstorable]))

    def prepare(
        self,
        found: Found,
        known: DocumentVersion | None,
        refused: DocumentVersion | None = None,
        *,
        anew: bool = False,
    ) -> Prepared:
        """Read a document and chunk it, unless that was done before.

        Args:
            found: The document.
            known: The version that is published; one that is the same isn't chunked.
            refused: The version that was refused; likewise.
            anew: Whether to chunk the published version as well.

        Whatever goes wrong, but for a lack of memory, is a reason why this document can't be read.
        """
        settings = self.settings
        if not _is_unicode(found.source_file):
            return Prepared(found.source_file, reason="its name is not valid Unicode; rename or exclude it")
        try:
            raw = self.reader.load(found)
            is_known = known is not None and known.is_of(raw.content_hash, settings)
            if is_known and not anew:
                return Prepared(found.source_file, len(raw.data), known, is_known=True)
            if refused is not None and refused.is_of(raw.content_hash, settings) and not is_known:
                return Prepared(found.source_file, len(raw.data), refused, is_refused=True)
            return replace(self.cut(self.reader.parse(raw)), is_known=is_known)
        except DocumentError as error:
            return Prepared(found.source_file, reason=error.reason)
        except MemoryError:
            raise
        except Exception as error:
            logger.debug("%r can't be read", found.source_file, exc_info=True)
            return Prepared(found.source_file, reason=reason_of(error))

    def cut(self, document: Document, brought_by: Bringer = "run") -> Prepared:
        """Chunk a document."""
        cleaned, settings = 0, self.settings
        if self.unstorable != "reject":
            document, cleaned = Cleaner(escape=self.unstorable == "escape").clean(document)
        key, content_hash = document.source_file, document.content_hash
        identity = document_id(self.collection, key, content_hash, settings)
        chunks = self.chunker.chunk(document, identity)
        if cleaned:  # the text is not what stands in the file, so there is no span to give
            chunks = [replace(chunk, span_start=None, span_end=None) for chunk in chunks]
        version = DocumentVersion(
            key, identity, content_hash, settings, document.size, len(chunks), brought_by
        )
        return Prepared(
            key, document.size, version, records=chunks, left_out=document.left_out, cleaned=cleaned
        )

    def prepare_pair(self, pair: Pair) -> Prepared | None:
        """Prepare the document found, if there is one."""
        if pair.found is None:
            return None
        return self.prepare(pair.found, pair.known.version if pair.known else None, pair.refused)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def reason_of(error: Exception) -> str:
    """Return why a document can't be loaded; an error without a message is named by its class."""
    message = str(error).partition("\n")[0][:300]
    if isinstance(error, ValueError) and message:
        return message
    return f"reading it raised {type(error).__name__}{f': {message}' if message else ''}; fix or exclude it"


def preparer_of(config: BatchConfig) -> Preparer:
    """Return what reads and chunks documents as the settings say."""
    chunker = Chunker(
        config.chunk_max_tokens,
        config.chunk_overlap,
        Tokenizer(config.encoding),
        count_header=config.count_header,
    )
    reader = MarkdownReader(config.max_document_bytes, config.date_fields)
    return Preparer(reader, chunker, collection_of(config).name, config.unstorable)
