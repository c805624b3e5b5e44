"""The first pass over rows: all of them are read, sorted by key on disk, and their types found."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from batchwright.config.source_url import path_of
from batchwright.contracts.events import Event
from batchwright.contracts.reader import RowReader
from batchwright.contracts.receipts import ItemVersion
from batchwright.contracts.records import RecordType
from batchwright.contracts.source import Fetched
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.prepare import reason_of
from batchwright.engine.rows.declared_shape import DeclaredShape
from batchwright.engine.rows.hashed import Hashing, stream_hash
from batchwright.engine.rows.item_calls import ItemCalls, OwnCalls, asked, rows_of
from batchwright.engine.rows.row_intake import RowIntake
from batchwright.engine.rows.row_shapes import RowShapes
from batchwright.engine.rows.shape import Shape
from batchwright.engine.rows.spool import RowSpool
from batchwright.engine.rows.stored import Stored
from batchwright.errors import ConfigError, DeadlineExceeded, DocumentError, RunInterrupted, SourceError
from batchwright.items import Item
from batchwright.plugins.foreign import Foreign, is_own
from batchwright.plurals import counted

logger = logging.getLogger("batchwright")

ROWS_JUDGED, SHARE_OF_BAD = 1_000, 0.1
"""From so many rows on, a larger share of bad lines means a wrong format, if `max_rejects` is not set."""


@dataclass(slots=True)
class Scan:
    """The rows of an input.

    Attributes:
        shape: What makes records of them.
        record_type: What they are.
        spool: They, sorted by key.
        rows: How many there are, with the lines that are none.
        size: Their bytes, about.
        items: Keys of the items, by number.
        dropped: Numbers of attempts to read an item that were given up.
        fingerprints: Of the items that were read whole, by number, where they have one.
        unclean: Numbers of the items with lines that are no rows.
        kept: Items that are as they were, and were not read row by row: by key, whether they were not even
            fetched.
        settings: Of how each item was read, by number.
        unread: Why an item can't be read (any further), by key.
        notes: What is worth knowing of the types.
        cursor: The highest cursor of the rows; None where they have none.
        formats: How the rows of the items that were read are written, as far as that could have been
            otherwise, and of how many items; empty where nobody asked.
    """

    shape: Shape
    record_type: RecordType
    spool: RowSpool
    rows: int
    size: int
    items: list[str]
    dropped: set[int]
    fingerprints: dict[int, str]
    unclean: set[int]
    kept: dict[str, bool]
    settings: dict[int, str]
    unread: dict[str, str]
    notes: list[str]
    cursor: str | None
    formats: Counter[str]


class Scanner:
    """Reads all rows of an input.

    Args:
        fetcher: Fetches the items of what is loaded.
        stopped: Tells whether the run is to end.
        emit: Takes the events that say how far it is.
        table: The relation that the settings name; empty where it is named after what it holds.
        cutting: All that decides how a text is cut into chunks, where that is wanted.
        describes: Whether to look at how rows are written, which opens each item once more.

    Attributes:
        name: What the record type is called.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        stopped: Callable[[], bool],
        emit: Callable[[Event], None],
        *,
        table: str,
        cutting: str,
        describes: bool,
    ) -> None:
        self._input, self._fetcher = fetcher.input, fetcher
        self._config = fetcher.input.config
        self._cutting, self._describes, self._stopped = cutting, describes, stopped
        self._formats: dict[str, str] = {}
        self._shapes = RowShapes(fetcher.input, table)
        self.name = self._shapes.name
        self._intake = RowIntake(stopped, emit)
        self._there = Stored()
        self._shape: Shape | None = None
        self._fingerprints: dict[int, str] = {}
        self._kept: dict[str, bool] = {}
        self._signatures: dict[int, str] = {}
        self._unread: dict[str, str] = {}
        self._cursor: str | None = None
        self._first_item = ""

    def scan(self, items: Iterable[Item], there: Stored) -> Scan:
        """Read the items.

        Args:
            items: All of them.
            there: What the target holds.

        Raises:
            ConfigError: A setting doesn't fit the rows, two files differ, or there is nothing to read.
            SourceError: Too many lines are no rows.
            RunInterrupted: The run is to end.
        """
        self._there, stored = there, there.record_type
        declared = self._input.record_type
        if declared is not None:
            self._shape = self._shapes.declared(declared)
        for item in items:
            if item.deleted:
                continue
            if stored is not None and self._is_as_it_was(item, there.items.get(item.key), stored):
                self._kept[item.key] = bool(item.fingerprint)
                continue
            try:
                if item.error is not None:
                    raise DocumentError(item.key, item.error)
                self._fetcher.patiently(item, lambda item=item: self._read(item))  # type: ignore[misc]
            except FileNotFoundError:
                self._unread[item.key] = "it is gone since it was listed"
            except DocumentError as error:
                self._unread[item.key] = error.reason
        if self._shape is None and self._kept and stored is not None:
            self._shape = DeclaredShape(stored)  # nothing was read, and nothing is to be
        intake = self._intake
        if self._shape is None or (not intake.rows and stored is None and declared is None):
            raise ConfigError(self._nothing())
        self._check_share()
        if intake.rows and intake.bad == intake.rows and stored is None and declared is None:
            raise SourceError(
                f"there is no row in {counted(intake.rows, 'line')}; the first: {intake.first_bad}"
            )
        record_type = self._shape.finish()
        return Scan(
            shape=self._shape,
            record_type=record_type,
            spool=intake.spool,
            rows=intake.rows,
            size=intake.size,
            items=intake.items,
            dropped=intake.dropped,
            fingerprints=self._fingerprints,
            unclean=intake.unclean,
            kept=self._kept,
            settings={n: self._settings(read, record_type) for n, read in self._signatures.items()},
            unread=self._unread,
            notes=self._shape.notes(),
            cursor=self._cursor,
            formats=Counter(self._formats.values()),
        )

    def _is_as_it_was(self, item: Item, known: ItemVersion | None, stored: RecordType) -> bool:
        """Tell whether an item need not be read, by its fingerprint."""
        reader = None if known is None else self._input.readers.reader_of(item)
        if known is None or reader is None or known.settings != self._settings(reader.signature, stored):
            return False
        if item.fingerprint or not self._is_hashed:
            return bool(item.fingerprint) and item.fingerprint == known.fingerprint
        calls = self._calls(item)
        try:
            fetched = calls.call(lambda: self._input.source.fetch(item))
            if fetched.fingerprint or not callable(opened := fetched.open):
                return False
            if calls.call(lambda: stream_hash(opened)) != known.fingerprint:
                return False
            self._describe(item, reader, fetched, calls)  # type: ignore[arg-type]  # only readers of rows have settings
            return True
        except (OSError, DocumentError):
            return False  # reading it says so
        finally:
            calls.close()

    @property
    def _is_hashed(self) -> bool:
        """Whether items without a fingerprint are told apart by their bytes; a model's code may change."""
        return self._input.source.is_local and self._shapes.model is None

    def _settings(self, signature: str, record_type: RecordType) -> str:
        """Return all that decides what is made of the rows of an item."""
        config = self._config
        said = [record_type.as_json(), config.on_duplicate, config.unstorable, config.record or ""]
        said += [config.on_new_field, repr(sorted(config.types.items()))]
        said += [name or "" for name in (config.key, config.text, config.heading)]
        if config.chunk is not None:
            said += [config.chunk, self._cutting]
        return f"{signature}/{sha256(repr(said).encode()).hexdigest()[:16]}"

    # --- one item -------------------------------------------------------------------------------------

    def _read(self, item: Item) -> bool:
        """Read an item from its beginning; what an earlier attempt read of it is dropped."""
        number = self._intake.begin(item.key)
        calls = self._calls(item)
        try:
            with Foreign(self._who(item)):
                self._read_rows(item, number, calls)
        except (ConfigError, RunInterrupted, MemoryError):
            raise
        except DocumentError as error:  # rows that were read before count
            raise DocumentError(item.key, error.reason) from error
        except Exception as error:
            self._intake.drop(number)
            if isinstance(error, OSError) and not self._would_hang_again(error):
                raise
            logger.debug("%r can't be read", item.key, exc_info=True)
            raise DocumentError(item.key, reason_of(error)) from error
        finally:
            calls.close()
        return True

    def _would_hang_again(self, error: Exception) -> bool:
        """Tell whether what hung is a reader, or a query: the server may still be at work on that."""
        again = self._input.is_local or self._input.record_type is not None
        return again and isinstance(error, DeadlineExceeded)

    def _read_rows(self, item: Item, number: int, calls: ItemCalls | OwnCalls) -> None:
        fetched = calls.call(lambda: self._input.source.fetch(item))
        declared = self._input.record_type
        if declared is not None:
            records = fetched.open
            if callable(records) or not isinstance(records, Iterable):
                raise DocumentError(item.key, f"{self._input.who} returned no records for it")
            shape = self._shape_for(item, lambda: self._shapes.declared(declared))
            self._intake.take(shape, number, enumerate(calls.rows(lambda: records), 1))
            cursor = calls.call(fetched.cursor) if fetched.cursor else None
            self._cursor = max(filter(None, (self._cursor, cursor)), default=None)
            return
        reader, opened = self._input.readers.reader_of(item), fetched.open
        if not isinstance(reader, RowReader) or not callable(opened):
            raise DocumentError(item.key, "there is no reader of rows for it")
        sample = calls.call(lambda: asked(opened(), item, reader.sample))
        shape = self._shape_for(item, lambda: self._shapes.of(reader, sample, self._there))
        self._check_alike(item, reader, sample, shape)
        self._describe(item, reader, fetched, calls)
        fingerprint = fetched.fingerprint or item.fingerprint
        stream = calls.call(opened)
        hashing = Hashing(stream) if self._is_hashed and not fingerprint else None
        stream = hashing.stream if hashing else stream
        self._intake.take(shape, number, calls.rows(lambda: rows_of(stream, item, reader)))
        if fingerprint := hashing.hash if hashing else fingerprint:
            self._fingerprints[number], self._signatures[number] = fingerprint, reader.signature

    def _calls(self, item: Item) -> ItemCalls | OwnCalls:
        """Return what calls the source and the reader of an item: directly where both are our own."""
        if self._input.is_local and is_own(type(self._input.readers.reader_of(item))):
            return OwnCalls()
        return ItemCalls(self._who(item), self._input.config.batch_timeout, self._stopped)

    def _describe(
        self, item: Item, reader: RowReader[Any], fetched: Fetched, calls: ItemCalls | OwnCalls
    ) -> None:
        """Note how the rows of an item are written, where that is asked for."""
        opened, described = fetched.open, partial(reader.described, item=item)
        if self._describes and callable(opened) and type(reader).described is not RowReader.described:
            self._formats[item.key] = calls.call(lambda: asked(opened(), item, described))

    def _shape_for(self, item: Item, make: Callable[[], Shape]) -> Shape:
        if self._shape is None:
            self._shape, self._first_item = make(), item.key
        return self._shape

    def _check_alike(self, item: Item, reader: RowReader[Any], sample: RecordType, shape: Shape) -> None:
        """See that a file has the columns of those before."""
        if not (reader.empty_is_null or reader.typed) or self._first_item == item.key or self._shapes.model:
            return
        if {*sample.names} != {*shape.columns}:
            differing = {*sample.names} ^ {*shape.columns}
            raise ConfigError(
                f"{self._first_item} and {item.key} hold different rows: only one of them has "
                f"{', '.join(sorted(differing)[:5])}; load them one by one, each into its table"
            )

    # --- when something is wrong --------------------------------------------------------------------------

    def _check_share(self) -> None:
        """See that not so many lines are bad that the whole format must be another.

        Raises:
            SourceError: They are.
        """
        limit = self._config.max_rejects
        if limit is not None and not 0 < limit < 1:
            return  # a number of rejects is for the run to count
        share = SHARE_OF_BAD if limit is None else limit
        rows, bad = self._intake.rows, self._intake.bad
        if rows >= ROWS_JUDGED and bad > share * rows:
            raise SourceError(
                f"{bad:,} of {rows:,} rows can't be read, more than max_rejects ({share:g}) "
                f"allows: is it another format? Nothing was loaded. The first is {self._intake.first_bad}"
            )

    def _nothing(self) -> str:
        for key, reason in self._unread.items():
            return f"{key} can't be read: {reason}"
        if self._intake.items:
            return f"there are no rows in {self._config.source_shown}; what was loaded before stays"
        path = path_of(self._config.source_url)
        if path is not None and path.is_file() and path.suffix.lower() != ".zip":  # which holds files
            endings = ", ".join(sorted(pattern[1:] for pattern in self._input.readers.row_patterns))
            more = "" if ".parquet" in endings else "; batchwright-tables adds Parquet and Arrow"
            return f"no reader of rows takes {self._config.source_shown}: they take {endings}{more}"
        return (
            f"there are no files of rows in {self._config.source_shown}; name a file, or say which are to be "
            "read: --pattern '*.csv'"
        )

    def _who(self, item: Item) -> str:
        """Whose code reads an item, in messages."""
        reader = self._input.readers.reader_of(item)
        is_foreign = reader is not None and not is_own(type(reader))
        return f"the reader {reader.name!r}" if reader and is_foreign else self._input.who
