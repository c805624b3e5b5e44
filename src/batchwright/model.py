"""The values of a run: documents, chunks, batches, and what became of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, fields
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from batchwright.values import dataclass

Record = TypeVar("Record")

DATE_FIELDS = (
    "date",
    "created",
    "created_at",
    "published",
    "published_at",
    "publish_date",
    "publishdate",
    "pubdate",
)
"""Names of the field that is a document's date; the first that holds one counts."""


def _check_counts(of: object, *names: str) -> None:
    """Raise ValueError where one of these attributes is below 0."""
    for name in names:
        if getattr(of, name) < 0:
            raise ValueError(f"{type(of).__name__}.{name} is {getattr(of, name)}; it must be at least 0")


class ErrorRecoveryAction(Enum):
    """What to do about a failure.

    RETRY: the error is transient; wait and write the same batch again.
    SKIP: a record is at fault; set it aside and go on.
    FAIL: neither waiting nor leaving records out will help; stop.
    """

    RETRY = "retry"
    SKIP = "skip"
    FAIL = "fail"


class Omission(NamedTuple):
    """Something that was left out, since it can't be read or isn't wanted.

    Attributes:
        reason: Why, as the account counts it: ``link not followed``, ``no reader: .png``.
        what: A path relative to the input directory, or what it is about in a document.
        amount: For how many it stands, such as characters.
    """

    reason: str
    what: str
    amount: int = 1


class LeftOut(NamedTuple):
    """What `prepare_document` returns of a document that is not to be loaded.

    Attributes:
        reason: Why, in a few words, as the account counts it: ``draft``.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """One source file, read and decoded.

    Attributes:
        source_file: Path relative to the input directory, in posix form.
        text: The body: what follows a byte order mark and the front matter, line ends untouched.
        content_hash: SHA-256 of the file's bytes, in hex; of what a reader returns the engine fills it in.
        size: Length of the file in bytes; likewise.
        body_start: Where the body begins in the file, in bytes.
        front_matter: The raw front matter with its fences, empty where there is none.
        title: From the front matter, else the first top-level heading, else the file's stem.
        category: From the front matter, else the first folder of `source_file`, else None.
        document_date: From the front matter, else None.
        metadata: All fields of the front matter as JSON values, and `title`.
        gaps: Where the file has data that `text` has not: the position in `text`, and how many bytes.
        left_out: What of the file is left out.
        pages: Where in `text` each page begins, the first one first; a page without text where the next one
            does. Empty where there are no pages.

    Raises:
        TypeError: One of these is of another type.
    """

    source_file: str
    text: str
    content_hash: str = ""
    size: int = 0
    body_start: int = 0
    front_matter: str = ""
    title: str = ""
    category: str | None = None
    document_date: date | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    gaps: tuple[tuple[int, int], ...] = ()
    left_out: tuple[Omission, ...] = ()
    pages: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the types, since readers and other plugins make documents."""
        for name, types, said in _DOCUMENT:
            if not isinstance(getattr(self, name), types):
                raise TypeError(f"Document.{name} is {getattr(self, name)!r:.100}; it must be {said}")
        if isinstance(self.document_date, datetime):
            raise TypeError(f"Document.document_date is {self.document_date!r}; it must be a date alone")
        for omission in self.left_out:
            if not isinstance(omission, Omission):
                raise TypeError(f"Document.left_out holds {omission!r:.100}; it must hold Omissions")


_DOCUMENT: tuple[tuple[str, Any, str], ...] = (
    *((name, str, "a text") for name in ("source_file", "text", "content_hash", "front_matter", "title")),
    *((name, int, "a whole number") for name in ("size", "body_start")),
    ("category", (str, type(None)), "a text or None"),
    ("document_date", (date, type(None)), "a date or None"),
    ("metadata", Mapping, "a mapping"),
    *((name, tuple, "a tuple") for name in ("gaps", "left_out", "pages")),
)
"""The types of a document's attributes, and how they are called."""


_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def document_id(*identity: str) -> str:
    """Return the id of a document version: a UUID (version 8, RFC 9562) whose last 32 bits are zero.

    The same parts give the same id, on any machine. A record's id is its document's with the record's
    position in those last 32 bits, so that one index on the id finds a record, and by range all records
    of a document version in their order.
    """
    return document_ids(["\0".join(identity)])[0]


def document_ids(identities: Iterable[str]) -> list[str]:
    """Return the ids of many, each of its parts with NUL between them. It is the id of record 0, too."""
    texts = [hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest() for identity in identities]
    return [
        f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{_VARIANTS[text[16]]}{text[17:20]}-{text[20:24]}00000000"
        for text in texts
    ]


def record_id(document: str, position: int) -> str:
    """Return the id of the record at `position` of the document version with the id `document`."""
    return f"{document[:28]}{position:08x}"


def version_of(record: str) -> str:
    """Return the id of the document version that the record with the id `record` belongs to."""
    return f"{record[:28]}00000000"


def position_of(record: str) -> int:
    """Return the position in its document of the record with the id `record`, from 0."""
    return int(record[28:], 16)


@dataclass(frozen=True, slots=True)
class ProcessedChunk:
    """A piece of a document, ready to be stored.

    Attributes:
        chunk_text: The text; without overlap, exactly the bytes `span_start:span_end` of the file.
        chunk_hash: SHA-256 of `chunk_text` in UTF-8, in hex; computed where it is left empty.
        context_header: Where the chunk stands, as in ``guide.md > Install > Linux``.
        source_file: Path of the document relative to the input directory, in posix form.
        source_category: The document's category, or None.
        document_date: The document's date, or None.
        chunk_index: Position in the document, from 0.
        total_chunks: How many chunks the document has.
        chunk_token_count: Tokens in `chunk_text`, exactly, in the configured encoding.
        metadata: Fields of the front matter (title, author, tags …) as JSON values.
        id: A UUID; derived from `source_file` and `total_chunks` where it is left empty.
        span_start: Offset in the file where the chunk begins (overlap left out), in bytes, or None.
        span_end: Offset in the file just behind the chunk, in bytes, or None.
        line: Line of the file in which the chunk begins, from 1, or None.
        page: Page of the document on which the chunk begins, from 1, or None.
    """

    chunk_text: str
    chunk_hash: str = ""
    context_header: str = ""
    source_file: str = ""
    source_category: str | None = None
    document_date: date | None = None
    chunk_index: int = 0
    total_chunks: int = 1
    chunk_token_count: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    span_start: int | None = None
    span_end: int | None = None
    line: int | None = None
    page: int | None = None

    def __post_init__(self) -> None:
        if not self.chunk_hash:
            digest = hashlib.sha256(self.chunk_text.encode("utf-8", "surrogatepass")).hexdigest()
            object.__setattr__(self, "chunk_hash", digest)
        if not self.id:
            version = document_id("records", self.source_file, str(self.total_chunks))
            object.__setattr__(self, "id", record_id(version, self.chunk_index))

    @property
    def document_id(self) -> str:
        """The id of the document version this chunk belongs to."""
        return version_of(self.id)

    @property
    def size(self) -> int:
        """Bytes of the text, about, without encoding it again where its span is known."""
        if self.span_start is not None and self.span_end is not None:
            # data that is left out of the text lies in its span; no character has more than 4 bytes
            span, most = self.span_end - self.span_start, 4 * len(self.chunk_text)
            return span if span < most else most  # asked of every record: half the price of min()
        return len(self.chunk_text.encode("utf-8", "surrogatepass"))


class _Draft:
    """What `processed_chunk` fills: a frozen dataclass sets its fields six times as slowly."""

    __slots__ = tuple(field.name for field in fields(ProcessedChunk))

    def __init__(
        self,
        chunk_text: str,
        chunk_hash: str,
        context_header: str,
        source_file: str,
        source_category: str | None,
        document_date: date | None,
        chunk_index: int,
        total_chunks: int,
        chunk_token_count: int,
        metadata: Mapping[str, Any],
        id: str,  # noqa: A002 - the field's name
        span_start: int | None,
        span_end: int | None,
        line: int | None,
        page: int | None,
    ) -> None:
        self.chunk_text = chunk_text
        self.chunk_hash = chunk_hash
        self.context_header = context_header
        self.source_file = source_file
        self.source_category = source_category
        self.document_date = document_date
        self.chunk_index = chunk_index
        self.total_chunks = total_chunks
        self.chunk_token_count = chunk_token_count
        self.metadata = metadata
        self.id = id
        self.span_start = span_start
        self.span_end = span_end
        self.line = line
        self.page = page
        self.__class__ = ProcessedChunk  # type: ignore[assignment]  # they have the same slots


if TYPE_CHECKING:
    processed_chunk = ProcessedChunk
else:
    # Takes all fields, by position, and trusts them: neither the hash nor the id is computed.
    processed_chunk = _Draft


@dataclass(slots=True)
class Batch(Generic[Record]):
    """What one write takes.

    Attributes:
        documents: The records, in order; for a directory of Markdown its chunks.
        batch_index: Position among the batches of a run, from 0.
        metadata: created_at (ISO 8601), document_count, start_index and end_index (inclusive) where
            `create_batches` or the engine made the batch.

    Raises:
        ValueError: The documents are not a sequence, or the index is negative.
    """

    documents: Sequence[Record]
    batch_index: int
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = type(self.documents)
        if kind is not list and (issubclass(kind, str | bytes) or not issubclass(kind, Sequence)):
            raise ValueError(
                f"Batch.documents is of type {kind.__name__}; it must be a list or another sequence"
            )
        if self.batch_index < 0:
            raise ValueError(f"Batch.batch_index is {self.batch_index}; it must be at least 0")


@dataclass(slots=True)
class BatchProgress:
    """How far a run is.

    Attributes:
        batches_completed: Batches that are finished, written or failed.
        batches_total: Batches in all as far as is known; an estimate until the last document is read.
        documents_processed: Records stored so far.
        errors: One message a failure, oldest first.
        start_time: When processing began (aware, UTC), or None before that.
        current_batch_index: The batch completed last.

    Raises:
        ValueError: A count or the index is negative.
    """

    batches_completed: int = 0
    batches_total: int = 0
    documents_processed: int = 0
    errors: list[str] = field(default_factory=list)
    start_time: datetime | None = None
    current_batch_index: int = 0

    def __post_init__(self) -> None:
        _check_counts(
            self, "batches_completed", "batches_total", "documents_processed", "current_batch_index"
        )

    @property
    def percent_complete(self) -> float:
        """Share of the batches that are completed, 0.0 to 100.0; 0.0 while the total is 0."""
        if self.batches_total <= 0:
            return 0.0
        return min(100.0, 100.0 * self.batches_completed / self.batches_total)

    @property
    def has_errors(self) -> bool:
        """Whether any failure was noted."""
        return bool(self.errors)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one batch.

    Attributes:
        success: Whether the batch was processed.
        retry_count: Retries spent, not counting the first attempt.
        error: The last error's message, None after success.
        documents_processed: Records processed: what the processor returned, 0 after failure.
        batch_index: Which batch this was.

    Raises:
        ValueError: A count or the index is negative; there is an error after success, or none after failure;
            records count as processed after failure.
    """

    success: bool
    retry_count: int = 0
    error: str | None = None
    documents_processed: int = 0
    batch_index: int = 0

    def __post_init__(self) -> None:
        _check_counts(self, "retry_count", "documents_processed", "batch_index")
        if self.success and self.error is not None:
            raise ValueError(f"BatchResult is a success with an error: {self.error}")
        if not self.success and self.error is None:
            raise ValueError("BatchResult is a failure without an error; say what went wrong")
        if not self.success and self.documents_processed:
            raise ValueError(
                f"BatchResult is a failure with {self.documents_processed} documents processed; a batch that "
                f"fails counts none"
            )
