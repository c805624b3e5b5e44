"""The sink: where batches go. Subclass `Sink` and `Store`, implement `open` and `write`, register the sink.

A `Sink` is cheap: it knows its options and connects to nothing. `Sink.open` returns a `Store`, which does the
work. A store that can do more than write inherits a capability: `Inspectable`, or `search.Searchable`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import SecretStr

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.plugin import Plugin, PluginOptions
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.vectors import Vectors
from batchwright.model import Batch
from batchwright.values import dataclass


class SinkOptions(PluginOptions):
    """Options of a sink; subclass it for more.

    Values come from the sink's section in the configuration (``[sink.NAME]``) and from those parameters
    of the target's query string that are named like a field; the URL is passed on without the latter.
    """

    url: SecretStr
    """The target, which may hold a password."""


@dataclass(frozen=True, slots=True)
class SinkLimits:
    """What one write may hold, and how many may happen at once.

    Attributes:
        rows: Records a write, at most.
        preferred: Records a write that suit the sink, where neither user nor plugin says otherwise; of
            records that are no chunks at least 1,000, as far as `rows` allows.
        bytes: Bytes of text a write, at most; None for no limit.
        writers: Writers at the same time, at most, each with a store of its own.
    """

    rows: int = 5_000
    preferred: int = 32
    bytes: int | None = 32 * 1024 * 1024
    writers: int = 1


class Store(ABC):
    """An open sink. One thread at a time uses it; `cancel` alone may come from another.

    A store that lost its connection raises ConnectionError and is not used again: the engine closes it and
    opens another.
    """

    record_type: RecordType = CHUNK
    """What it holds rows of."""

    @abstractmethod
    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        """Store all of the batch and carry out the receipt, or change nothing; twice has the effect of once.

        A record of the batch has an `id`, whatever it is; `record_type.values` returns its values.

        A store with a ledger of its own does all of it in one transaction: it locks what the receipt is
        about, then acts on what the ledger says under these locks (`sinkkit.sql_ledger` does this for SQL).
        One without stores the rows, removes the rows of `receipt.removed`, and counts the rows of each
        publication. The batch may be empty: then the receipt only publishes, removes or sets aside. After
        an exception other than ConnectionError the store must be usable again.

        Raises:
            BadRecords: Names the records that can't be stored, before any is.
            BatchTooLarge: A smaller batch might do.
            IncompleteDocument: A publication lacks rows, or a version that is continued was discarded.
            ConnectionError: The connection is lost.
            Exception: Any other; the classifiers decide what it means.
        """

    def announce(self, records: Sequence[Any]) -> None:  # noqa: B027 - not every store has a use for it
        """Take note of what comes after the next write, to prepare it while that one waits for a server.

        The batches after it probably hold these records, in this order. They may never come, or after others;
        nothing of them is to be stored. By default it is ignored.
        """

    @property
    def ledger(self) -> Ledger | None:
        """The store's own ledger, recorded in the same transaction; None makes the engine keep one beside."""
        return None

    @property
    def vectors(self) -> Vectors | None:
        """The vectors of its rows; None for a store that keeps none."""
        return None

    def probe(self) -> None:
        """Check cheaply that the store answers; raise if not.

        By default it writes an empty batch, of which a store without a ledger of its own keeps nothing.
        """
        self.write(Batch([], 0), Receipt("probe", "probe", ""))

    def cancel(self) -> None:  # noqa: B027 - not every store can
        """Make a call under way in another thread end soon, with an exception. Never blocks long."""

    def close(self) -> None:  # noqa: B027 - not every store has something to close
        """Release every resource. May be called more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Holding:
    """What a store holds of a document version.

    Attributes:
        document_id: The version.
        rows: How many rows.
        damaged: How many of them have a text that isn't the one of their hash.
    """

    document_id: str
    rows: int
    damaged: int = 0


class Inspectable(ABC):
    """A capability of a store: it can say what it really holds, whatever the ledger says."""

    @abstractmethod
    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, published or not, by document_id."""

    @abstractmethod
    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their hash.

        A repair writes the others anew.
        """

    def check_storage(self) -> None:  # noqa: B027 - a capability of its own, that not every database has
        """Have the database check its own files, where it can; a check of rows doesn't see all of them.

        Raises:
            SinkError: They are damaged; with what was found.
        """


Options = TypeVar("Options", bound=SinkOptions)


class Sink(Plugin[Options]):
    """Says where batches go. Cheap to make, and connected to nothing.

    Attributes:
        schemes: URL schemes that pick it: ``--to SCHEME://…``.
        limits: What a write may hold.
        searchable: Whether its stores are Searchable, said without opening one.
        widens: Whether `open` widens the columns of a target that is there, with the values in them: from
            integer to decimal, and to a decimal with more digits (`sinkkit.record_changes` says which). Where
            it doesn't, a value that doesn't fit the column is rejected.
        keeps_vectors: Whether its stores have `vectors`, said without opening one.
        batch_timeout: Seconds that the engine gives a batch with its retries, for servers that can be told to
            give up a client in the middle of a write; None for no limit. The engine sets it before `open`.
    """

    schemes: ClassVar[tuple[str, ...]]
    searchable: ClassVar[bool] = False
    widens: ClassVar[bool] = False
    keeps_vectors: ClassVar[bool] = False
    options_type: ClassVar[type[SinkOptions]] = SinkOptions
    limits: SinkLimits = SinkLimits()
    batch_timeout: float | None = 120.0

    @abstractmethod
    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        """Connect, and return the open store.

        Args:
            record_type: What it is to hold; None for what the target was made for, or else chunks.
            create: Whether to create what is missing. Without it a target that lacks something is an error.

        Raises:
            ConfigError: The URL or an option is wrong, which ends a command with exit code 2.
            SinkError: With what is wrong and what to do; never with a password in it.
            ConnectionError: The target can't be reached now.
        """

    def exists(self) -> bool:
        """Tell whether the target was set up before; creates nothing."""
        return True

    @property
    def relation(self) -> str | None:
        """The published relation that `open` opens where no record type is asked for.

        None where a target has one relation only, which needs no name.
        """
        return None

    def relations(self) -> Sequence[Self]:
        """Return a sink for each relation of the target that has a ledger, by name; creates nothing.

        The commands that read look at all of them. Override it together with `relation` where a target
        can hold several; where the options name one, it is the only one. By default it is this sink, where
        its target exists.

        Raises:
            SinkError, ConnectionError: As `exists`.
        """
        return [self] if self.exists() else []

    def identity(self) -> str:
        """Return a name of the target, the same wherever it is asked for.

        By default it is the URL without its password; where that names no host, but a path (``x:///kb`` is
        relative, ``x:////kb`` absolute), the scheme and the resolved path.
        """
        from batchwright.secrets import masked_url  # few sinks need it

        url = self.options.url.get_secret_value()
        scheme, _, path = url.partition(":///")
        if path and "://" not in scheme:
            return f"{scheme}:///{Path(path.partition('?')[0]).resolve()}"
        return masked_url(url)


AnySink = Sink[Any]
