"""Read and chunk a document, unless the version published is the same."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from typing import NamedTuple

from batchwright import documents
from batchwright.config import BatchConfig
from batchwright.contracts.reader import AnyReader, Reader
from batchwright.contracts.receipts import Bringer, DocumentVersion
from batchwright.contracts.rows import Placed
from batchwright.documents.left_out import VANISHED
from batchwright.documents.signature import signature_of
from batchwright.engine.reading.content import content_hash_of
from batchwright.engine.reading.fetching import NEVER, Outcome, Raw, fetch
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.pairs import Pair
from batchwright.errors import DeadlineExceeded, DocumentError, PluginError
from batchwright.items import Item
from batchwright.model import Document, LeftOut, Omission, document_id
from batchwright.plugins.foreign import Foreign, Helpers, is_own
from batchwright.plugins.manager import PluginManager
from batchwright.secrets import describe
from batchwright.visible import one_line

logger = logging.getLogger("batchwright")


class Prepared(NamedTuple):
    """What was made of an item.

    Attributes:
        key: Which.
        size: Bytes read.
        version: Its version; None where it can't be read, or is left out.
        is_known: Whether that is the version published.
        is_unfetched: Whether that is so by its fingerprint, and it was not fetched.
        is_refused: Whether that is a version which an earlier run refused.
        is_left_out: Whether it isn't to be loaded: it is gone since it was listed, or a plugin said so.
        fingerprint: Of what was read; may be empty.
        records: Its chunks; None where nobody needs them.
        left_out: What of it is left out.
        reason: Why it can't be read, else empty.
        is_deadly: Whether reading it killed the process.
    """

    key: str
    size: int = 0
    version: DocumentVersion | None = None
    is_known: bool = False
    is_unfetched: bool = False
    is_refused: bool = False
    is_left_out: bool = False
    fingerprint: str = ""
    records: Sequence[Placed] | None = None
    left_out: Sequence[Omission] = ()
    reason: str = ""
    is_deadly: bool = False


class Chunking:
    """Makes chunks of documents, after plugins have prepared them.

    Args:
        config: The settings.
        manager: The plugins.
        collection: The collection of the documents, part of the identity of each.

    Attributes:
        settings: Everything but the reader that decides what is made of a document, as a short string.
    """

    def __init__(self, config: BatchConfig, manager: PluginManager, collection: str) -> None:
        self._config = config
        self._collection = collection
        self._preparers = manager.preparers()
        self._helpers = Helpers()
        self._deadline = NEVER if config.batch_timeout is None else config.batch_timeout
        cutting = signature_of(
            config.encoding, config.chunk_max_tokens, config.chunk_overlap, count_header=config.count_header
        )
        unstorable = "" if config.unstorable == "reject" else config.unstorable
        foreign = (preparing.signature for preparing in self._preparers if not preparing.is_own)
        self.settings = "/".join(filter(None, [cutting, *foreign, unstorable]))

    @cached_property
    def _chunker(self) -> documents.Chunker:
        """What cuts documents: a run that finds nothing new doesn't even import it."""
        config = self._config
        return documents.Chunker(
            config.chunk_max_tokens,
            config.chunk_overlap,
            documents.Tokenizer(config.encoding),
            count_header=config.count_header,
        )

    def cut(
        self,
        document: Document,
        content_hash: str,
        size: int,
        settings: str,
        brought_by: Bringer = "run",
        fingerprint: str = "",
    ) -> Prepared:
        """Chunk a document.

        Args:
            document: The document.
            content_hash: SHA-256 of what it was made of.
            size: Bytes of that.
            settings: How it is read and chunked.
            brought_by: Who stores it.
            fingerprint: Of what it was made of; may be empty.
        """
        key = document.source_file
        prepared = self._prepared(document)
        del document  # its text may be another, and as large
        if isinstance(prepared, LeftOut):
            return Prepared(
                key, size, is_left_out=True, left_out=[Omission(one_line(prepared.reason)[:100], "")]
            )
        identity = document_id(self._collection, key, content_hash, settings)
        chunks = self._chunker.chunk(prepared, identity)
        records = len(chunks)
        version = DocumentVersion(
            key, identity, content_hash, settings, size, records, brought_by, fingerprint
        )
        return Prepared(
            key, size, version, fingerprint=fingerprint, records=chunks, left_out=prepared.left_out
        )

    def _prepared(self, document: Document) -> Document | LeftOut:
        for preparing in self._preparers:
            answer = preparing.ask(document, self._config, self._helpers, self._deadline)
            if isinstance(answer, LeftOut):
                return answer
            document = answer
        return document


class Preparer:
    """Makes chunks of items: fetches, reads and chunks them, unless they are as they were.

    Args:
        input: What is loaded.
        collection: The collection that it is loaded into.
    """

    def __init__(self, input: Input, collection: str) -> None:
        self.input = input
        self.collection = collection
        self._chunking = Chunking(input.config, input.manager, collection)
        self._settings: dict[str, str] = {}
        self._helpers = Helpers()
        timeout = input.config.batch_timeout
        self._deadline = NEVER if timeout is None else timeout

    def is_wanted(self, pair: Pair) -> bool:
        """Tell whether the item of a pair has to be fetched."""
        item = pair.found
        if item is None or item.deleted or item.error is not None:
            return False
        return not self._is_unfetched(item, pair.known.version if pair.known else None)

    def prepare_pair(self, pair: Pair, outcome: Outcome | None = None) -> Prepared | None:
        """Prepare the item found, if there is one that isn't deleted.

        Args:
            pair: What there is under the key.
            outcome: What was fetched, or why it couldn't be; None where that is not done yet.
        """
        if pair.found is None or pair.found.deleted:
            return None
        return self.prepare(pair.found, pair.known.version if pair.known else None, pair.refused, outcome)

    def prepare(
        self,
        item: Item,
        known: DocumentVersion | None,
        refused: DocumentVersion | None = None,
        outcome: Outcome | None = None,
        *,
        anew: bool = False,
    ) -> Prepared:
        """Read an item and chunk it, unless that was done before.

        Args:
            item: The item.
            known: The version that is published; one that is the same isn't chunked.
            refused: The version that was refused; likewise.
            outcome: What was fetched, or why it couldn't be; None where that is not done yet.
            anew: Whether to chunk the published version as well.

        Whatever goes wrong, but for a lack of memory, is a reason why this document can't be read.
        """
        if not item.key.isascii() and not _is_unicode(item.key):
            return Prepared(item.key, reason="its name is not valid Unicode; rename or exclude it")
        if not anew and outcome is None and self._is_unfetched(item, known):
            return Prepared(
                item.key, item.size, known, is_known=True, is_unfetched=True, fingerprint=item.fingerprint
            )
        try:
            if outcome is None:
                outcome = fetch(self.input, item)
            if isinstance(outcome, Exception):
                raise outcome
            return self._read(item, outcome, known, refused, anew=anew)
        except FileNotFoundError:
            return Prepared(item.key, is_left_out=True, left_out=[Omission(VANISHED, "")])
        except DocumentError as error:
            return Prepared(item.key, reason=error.reason)
        except MemoryError:
            raise
        except Exception as error:
            logger.debug("%r can't be read", item.key, exc_info=True)
            return Prepared(item.key, reason=reason_of(error))

    def _read(
        self,
        item: Item,
        raw: Raw,
        known: DocumentVersion | None,
        refused: DocumentVersion | None,
        *,
        anew: bool,
    ) -> Prepared:
        reader = None if raw.document is not None else self.input.readers.reader_of(item)
        settings = self._settings_with(reader)
        if raw.document is not None:
            content_hash, size = content_hash_of(raw.document)
        else:
            content_hash, size = sha256(raw.data).hexdigest(), len(raw.data)
        is_known = known is not None and known.is_of(content_hash, settings)
        if is_known and not anew:
            return Prepared(item.key, size, known, is_known=True, fingerprint=raw.fingerprint)
        if refused is not None and refused.is_of(content_hash, settings) and not is_known:
            return Prepared(item.key, size, refused, is_refused=True)
        # handed on without a name for it here: what replaces it may be as large
        prepared = self._chunking.cut(
            self._document(item, raw, reader), content_hash, size, settings, fingerprint=raw.fingerprint
        )
        return prepared._replace(is_known=is_known)

    def _document(self, item: Item, raw: Raw, reader: AnyReader | None) -> Document:
        data, document = raw.take()
        if document is None:
            document = self._read_by(reader, item, BytesIO(data))
        return document if document.source_file == item.key else replace(document, source_file=item.key)

    def _read_by(self, reader: AnyReader | None, item: Item, stream: BytesIO) -> Document:
        if not isinstance(reader, Reader):
            raise DocumentError(item.key, "there is no reader for it")
        if is_own(type(reader)):
            return reader.read(stream, item)
        who = f"the reader {reader.name!r}"
        document = self._helpers.bounded(who, lambda: reader.read(stream, item), self._deadline)
        if not isinstance(document, Document):
            raise DocumentError(item.key, f"{who} returned {type(document).__name__}, and no Document")
        return document

    def _is_unfetched(self, item: Item, known: DocumentVersion | None) -> bool:
        """Tell whether an item is as it was for the version published, by its fingerprint."""
        if known is None or not item.fingerprint or item.fingerprint != known.fingerprint:
            return False
        return known.settings == self._settings_with(self.input.readers.reader_of(item))

    def _settings_with(self, reader: AnyReader | None) -> str:
        """Return everything that decides what is made of an item that this reader reads."""
        name = "" if reader is None else reader.name
        if name not in self._settings:
            with Foreign(f"the reader {name!r}"):
                parts = [self._chunking.settings, "" if reader is None else reader.signature]
            self._settings[name] = "/".join(filter(None, parts))
        return self._settings[name]


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def reason_of(error: Exception) -> str:
    """Return why a document can't be loaded; an error without a message is named by its class."""
    name, message = type(error).__name__, describe(error).partition("\n")[0][:300]
    if isinstance(error, ValueError | PluginError | DeadlineExceeded) and message != name:
        return message
    return f"reading it raised {name}{f': {message}' if message != name else ''}; fix or exclude it"
