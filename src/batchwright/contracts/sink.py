"""The sink: where batches go. Subclass `Sink`, implement `write`, register the class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.errors import SinkError
from batchwright.model import Batch, ProcessedChunk


class SinkOptions(BaseModel):
    """Options of a sink; subclass it for more.

    Values come from the sink's section in the configuration (``[sink.NAME]``) and from those parameters
    of the target's query string that are named like a field; the URL is handed on without the latter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr
    """The target, which may hold a password."""


@dataclass(frozen=True, slots=True)
class SinkLimits:
    """What one write may hold, and how many may happen at once.

    Attributes:
        rows: Records a write, at most.
        preferred: Records a write that suit the sink, where neither user nor plugin says otherwise.
        bytes: Bytes of text a write, at most; None for no limit.
        writers: Writers at the same time, at most, each with an instance of its own.
    """

    rows: int = 5_000
    preferred: int = 32
    bytes: int | None = 32 * 1024 * 1024
    writers: int = 1


@dataclass(frozen=True, slots=True)
class Holding:
    """What a sink holds of a document version.

    Attributes:
        document_id: The version.
        rows: How many rows.
        damaged: How many of them have a text that isn't the one of their chunk_hash.
    """

    document_id: str
    rows: int
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One result of a search: a published chunk.

    Attributes:
        id: The chunk's id.
        source_file: Its document.
        context_header: Its place in the document.
        excerpt: Some words around the match; matches are between ``«`` and ``»``.
        score: Higher is better; comparable within one answer only.
    """

    id: str
    source_file: str
    context_header: str
    excerpt: str
    score: float


Options = TypeVar("Options", bound=SinkOptions)


class Sink(ABC, Generic[Options]):
    """Stores batches. One instance is used by one thread at a time; `cancel` alone may come from another.

    Attributes:
        name: Names the sink in settings and messages.
        schemes: URL schemes that pick it: ``--to SCHEME://…``.
        options_type: The model that validates its options.
        limits: What a write may hold.
    """

    name: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]]
    options_type: ClassVar[type[SinkOptions]] = SinkOptions
    limits: SinkLimits = SinkLimits()

    def __init__(self, options: Options) -> None:
        """Keep the options. Connect to nothing: that is `open`'s business."""
        self.options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connect, and create what the sink needs where it is missing.

        Raises:
            ConfigError: The URL or an option is wrong, which ends a command with exit code 2.
            SinkError: With what is wrong and what to do; never with a password in it.
        """

    def close(self) -> None:
        """Let go of every resource. May come more than once, and after a failed `open`."""

    @abstractmethod
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store all of the batch and the receipt, or nothing; writing it twice stores it once.

        In this order, in one transaction where the sink has them: store the rows; remove the rows of the
        versions in `receipt.obsolete`; check each publication with `stored_before` > 0; record the receipt.
        The batch may be empty (a receipt that only publishes or removes); with an empty `batch_id` as well it
        is a probe, and stores nothing. After an exception the sink must be usable again, reconnecting by
        itself if that is what it takes.

        Raises:
            BadRecords: Names the records that can't be stored, before any is.
            BatchTooLarge: A smaller batch might do.
            IncompleteDocument: A publication lacks rows.
            Exception: Any other; the classifiers decide what it means.
        """

    @property
    def ledger(self) -> Ledger | None:
        """The sink's own ledger, recorded in the same transaction; None makes the engine keep one beside."""
        return None

    def probe(self) -> None:
        """Check cheaply that the sink answers; raise if not.

        By default an empty batch with an empty receipt is written, which must store nothing.
        """
        self.write(Batch([], 0), Receipt("", ""))

    def cancel(self) -> None:
        """Make a `write` under way in another thread end soon, with an exception. Never blocks long."""

    def exists(self) -> bool:
        """Tell whether the sink was set up before; creates nothing, and works whether or not it is open."""
        return True

    def holdings(self) -> Iterator[Holding]:
        """Yield what the sink really holds of every document version, published or not, by document_id.

        Raises:
            SinkError: The sink can't tell.
        """
        raise SinkError(f"the sink {self.name!r} can't tell what it holds")

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their chunk_hash.

        A repair writes the others anew; by default that is all of them.
        """
        return frozenset()

    def search(self, text: str, limit: int = 10) -> Sequence[SearchHit]:
        """Search the published chunks, best first.

        Raises:
            SinkError: The sink can't search.
        """
        raise SinkError(f"the sink {self.name!r} can't search; load into one that can (sqlite, postgresql)")


AnySink = Sink[Any]
