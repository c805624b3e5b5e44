"""The source: where records come from. Subclass `Source`, implement `list` and `fetch`, register the class.

A source says where, a `Reader` what: a source hands on bytes, and knows nothing of what is in them. One whose
items are records already, such as the rows of a query, says their type.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from batchwright.config.source_url import name_of, path_of
from batchwright.contracts.plugin import Plugin, PluginOptions
from batchwright.contracts.records import RecordType
from batchwright.documents.selection import Selection
from batchwright.errors import ConfigError
from batchwright.items import Item
from batchwright.model import Document
from batchwright.values import dataclass


class SourceOptions(PluginOptions):
    """Options of a source; subclass it for more.

    Values come from the source's section in the configuration (``[sources.NAME]``) and from those parameters
    of the URL's query that are named like a field; the URL is passed on without the latter.
    """

    url: SecretStr
    """What to load. It may hold a password."""

    @property
    def path(self) -> Path | None:
        """The local path of a file URL; None for the URL of something else.

        Raises:
            ConfigError: It names another machine.
        """
        try:
            return path_of(self.url.get_secret_value())
        except ValueError as error:
            raise ConfigError(f"source: {error}") from None


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How fast items may be fetched.

    Attributes:
        at_once: Fetches at the same time, at most. Above 1 `fetch` is called by several threads.
        requests_a_minute: Fetches begun in a minute, at most; None for no limit.
    """

    at_once: int = 16
    requests_a_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """An item, fetched.

    Attributes:
        open: Returns the bytes as a stream, which the caller closes; may be called again. Or what needs no
            reader: a document, or records of the source's `record_type`, with `BadLine` for what is none, and
            `DeletedRow` for what is marked as deleted.
        fingerprint: Of what was fetched, where that is known now; it is what the ledger keeps. Empty for the
            item's.
        cursor: Returns the highest cursor of the records, once they are read to their end, or None where none
            has one. None for documents and files, whose items have theirs.
    """

    open: Callable[[], BinaryIO] | Document | Iterable[Any]
    fingerprint: str = ""
    cursor: Callable[[], str | None] | None = None


Options = TypeVar("Options", bound=SourceOptions)


class Source(Plugin[Options]):
    """Says where records come from. Cheap to make, and connected to nothing; can be pickled.

    Executors' workers and reading processes make a source of their own, with the same options.

    Attributes:
        schemes: URL schemes that pick it: ``batchwright run SCHEME://…``.
        complete: Whether `list` yields all there is: then what isn't listed is gone. Else nothing is ever
            taken for gone but items that are `deleted` and rows that are a `DeletedRow`, and pruning is
            refused. Options may decide it.
        selects: Whether `list` yields only what `selection` takes. Else the engine leaves out the rest.
        sorted: Whether `list` yields keys in the order of their code points. Else they are sorted on disk.
            Options may decide it.
        limits: How fast items may be fetched.
        is_local: Whether opening an item costs no more than opening a file. A file of rows without a
            fingerprint is then read once more to tell by its hash whether it is as it was.
        selection: What the settings select by key. The engine sets it before `list`. A source that looks at
            it can spare work, such as listing a folder that is excluded.
    """

    schemes: ClassVar[tuple[str, ...]]
    options_type: ClassVar[type[SourceOptions]] = SourceOptions
    complete: bool = True
    selects: ClassVar[bool] = False
    sorted: bool = True
    limits: SourceLimits = SourceLimits()
    is_local: ClassVar[bool] = False
    selection: Selection = Selection()

    @abstractmethod
    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the items, each key once, streamed: there may be millions.

        Args:
            after: Only items with a key behind this one, in code point order.
            until: Only items up to this key; None for all.
            since: Only items whose `cursor` is this or higher, and those without one; None for all.

        Raises:
            Exception: Listing failed, at any point. What wasn't listed then is not taken for gone.
        """

    @abstractmethod
    def fetch(self, item: Item) -> Fetched:
        """Return what an item holds. Several threads may call it at the same time, and processes.

        Raises:
            DocumentError: This item can't be fetched, and trying again won't help.
            FileNotFoundError: It is gone since it was listed.
            Exception: Any other; the classifiers decide what it means, with the phase ``read``.
        """

    def item(self, key: str) -> Item | None:
        """Return the item with this key, or None. By default it is looked for in a short part of the list."""
        found = (item for item in self.list(after=key[:-1], until=key) if item.key == key)
        return next(found, None)

    @property
    def record_type(self) -> RecordType | None:
        """The type of the records that `fetch` returns; None for a source of documents or files.

        An item is then whatever they are read by, such as a query: often there is one.
        """
        return None

    def cursor(self, item: Item) -> str | None:
        """Return where the item stands in the order in which items change, such as when it was updated.

        Cursors are compared as texts. None for an item without one, which is listed every time. The
        highest is kept when a listing came to its end, and is what `since` gets next time; that of records
        is said by what was `Fetched`.
        """
        return None

    def origin(self) -> str:
        """Return what tells this input from another, without secrets: by default scheme, host and path."""
        parts = urlsplit(self.options.url.get_secret_value())
        host = parts.hostname or ""
        if parts.port is not None:
            host = f"{host}:{parts.port}"
        return f"{parts.scheme}://{host}{parts.path}"

    def collection_name(self) -> str | None:
        """Return the name of the collection that it is loaded into, where none is given.

        By default the last part of the URL's path, or its host. None where one has to be given.
        """
        return name_of(self.options.url.get_secret_value()) or None

    def probe(self) -> None:
        """Check cheaply that the source answers; raise if not. By default the first item is listed."""
        next(iter(self.list()), None)

    def close(self) -> None:
        """Release every resource. May be called more than once."""


AnySource = Source[Any]
"""Any source, whatever its options."""
