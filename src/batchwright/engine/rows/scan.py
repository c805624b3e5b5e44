"""The first pass over rows: all of them are read, sorted by key on disk, and their types found."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from operator import itemgetter
from typing import Any

from pydantic import BaseModel

from batchwright.contracts.events import Event, RowsRead
from batchwright.contracts.reader import BadLine, DeletedRow, RowReader
from batchwright.contracts.receipts import ItemVersion
from batchwright.contracts.record_classes import snake_case
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.source import Fetched
from batchwright.documents.compression import decompressed
from batchwright.engine.reading.fetching import Fetcher
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.prepare import reason_of
from batchwright.engine.rows.chunked_shape import ChunkedShape, PlainRows
from batchwright.engine.rows.declared_shape import DeclaredShape, model_of
from batchwright.engine.rows.found_shape import ROWS_A_PAGE, FoundShape
from batchwright.engine.rows.hashed import Hashing, hash_of
from batchwright.engine.rows.shape import NotARow, Shape
from batchwright.engine.rows.spool import DELETED, SIZE, RowSpool, encoded, packed
from batchwright.engine.rows.stored import Stored
from batchwright.errors import ConfigError, DocumentError, RunInterrupted, SourceError
from batchwright.items import Item
from batchwright.plugins.foreign import Foreign, is_own

logger = logging.getLogger("batchwright")

NAMELESS = b""
"""The key of lines that are no rows and of which no key is known. No row has it."""

NO_ROW = bytes(32)
"""In place of a hash: of a line that is no row for sure."""

ROWS_JUDGED, SHARE_OF_BAD = 1_000, 0.1
"""From so many rows on, a larger share of bad lines means a wrong format, if `max_rejects` is not set."""

ROWS_A_BLOCK = 1_000
"""Rows without a key that are a document together: rows added at a file's end change the last one only."""

LINE_BYTES = 8
"""Of the number of a line, before the hash of a row without a key."""

ROWS_A_LOOK = 1_000
"""Rows after which a request to stop is looked for."""

SECONDS_BETWEEN_EVENTS = 1.0
"""Between two events that say how many rows were read."""


@dataclass(slots=True)
class Scan:
    """The rows of an input.

    Attributes:
        shape: What makes records of them.
        record_type: What they are.
        spool: They, sorted by key.
        rows: How many there are, with the lines that are none.
        bad: How many lines are none.
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
        first_bad: The first line that is no row, for messages.
        cursor: The highest cursor of the rows; None where they have none.
        formats: How the rows of the items that were read are written, as far as that could have been
            otherwise, and of how many items; empty where nobody asked.
    """

    shape: Shape
    record_type: RecordType
    spool: RowSpool
    rows: int = 0
    bad: int = 0
    size: int = 0
    items: list[str] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)
    fingerprints: dict[int, str] = field(default_factory=dict)
    unclean: set[int] = field(default_factory=set)
    kept: dict[str, bool] = field(default_factory=dict)
    settings: dict[int, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first_bad: str = ""
    cursor: str | None = None
    formats: Counter[str] = field(default_factory=Counter)


class Scanner:
    """Reads all rows of an input.

    Args:
        input: What is loaded.
        fetcher: Fetches items.
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
        input: Input,
        fetcher: Fetcher,
        stopped: Callable[[], bool],
        emit: Callable[[Event], None],
        *,
        table: str = "",
        cutting: str = "",
        describes: bool = False,
    ) -> None:
        self._input = input
        self._config = input.config
        self._fetcher = fetcher
        self._stopped = stopped
        self._emit = emit
        self._table, self._cutting = table, cutting
        self._told = time.monotonic()
        self._describes = describes
        self._formats: dict[str, str] = {}
        self._model = model_of(input.config)
        self.name = self._type_name()
        self._stored: RecordType | None = None
        self._widens = False
        self._shape: Shape | None = None
        self._spool = RowSpool()
        self._rows = self._bad = self._size = 0
        self._items: list[str] = []
        self._dropped: set[int] = set()
        self._fingerprints: dict[int, str] = {}
        self._unclean: set[int] = set()
        self._kept: dict[str, bool] = {}
        self._signatures: dict[int, str] = {}
        self._unread: dict[str, str] = {}
        self._first_bad = ""
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
        self._stored = stored = there.record_type
        self._widens = there.widens
        declared = self._input.source.record_type
        if declared is not None:
            self._shape = self._declared(self._named(declared))
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
            self._shape = DeclaredShape(stored, self._config)  # nothing was read, and nothing is to be
        if self._shape is None or (not self._rows and stored is None and declared is None):
            raise ConfigError(self._nothing())
        self._check_share()
        if self._bad == self._rows and self._rows and stored is None and declared is None:
            raise SourceError(f"none of {self._rows:,} lines is a row; the first: {self._first_bad}")
        record_type = self._shape.finish()
        return Scan(
            self._shape,
            record_type,
            self._spool,
            self._rows,
            self._bad,
            self._size,
            self._items,
            self._dropped,
            self._fingerprints,
            self._unclean,
            self._kept,
            {number: self._settings(read, record_type) for number, read in self._signatures.items()},
            self._unread,
            self._shape.notes(),
            self._first_bad,
            self._cursor,
            Counter(self._formats.values()),
        )

    def _is_as_it_was(self, item: Item, known: ItemVersion | None, stored: RecordType) -> bool:
        """Tell whether an item need not be read, by its fingerprint."""
        reader = None if known is None else self._input.readers.reader_of(item)
        if known is None or reader is None or known.settings != self._settings(reader.signature, stored):
            return False
        if item.fingerprint or not self._is_hashed:
            return bool(item.fingerprint) and item.fingerprint == known.fingerprint
        try:
            fetched = self._input.source.fetch(item)
            if fetched.fingerprint or not callable(fetched.open):
                return False
            with fetched.open() as stream:
                if hash_of(stream) != known.fingerprint:
                    return False
            self._describe(item, reader, fetched)  # type: ignore[arg-type]  # only readers of rows have settings
            return True
        except (OSError, DocumentError):
            return False  # reading it says so

    @property
    def _is_hashed(self) -> bool:
        """Whether items without a fingerprint are told apart by their bytes; a model's code may change."""
        return self._input.source.is_local and self._model is None

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
        number = len(self._items)
        self._items.append(item.key)
        before = self._rows, self._bad, self._size
        try:
            with Foreign(self._who(item)):
                self._read_rows(item, number)
        except (ConfigError, RunInterrupted, MemoryError):
            raise
        except DocumentError as error:  # rows that were read before count
            raise DocumentError(item.key, error.reason) from error
        except Exception as error:
            self._dropped.add(number)
            self._rows, self._bad, self._size = before
            if isinstance(error, OSError):
                raise
            logger.debug("%r can't be read", item.key, exc_info=True)
            raise DocumentError(item.key, reason_of(error)) from error
        return True

    def _read_rows(self, item: Item, number: int) -> None:
        fetched = self._input.source.fetch(item)
        declared = self._input.source.record_type
        if declared is not None:
            if callable(fetched.open) or not isinstance(fetched.open, Iterable):
                raise DocumentError(item.key, f"{self._input.who} returned no records for it")
            shape = self._shape_for(item, lambda: self._declared(self._named(declared)))
            self._take(shape, number, enumerate(fetched.open, 1))
            cursor = fetched.cursor() if fetched.cursor else None
            self._cursor = max(filter(None, (self._cursor, cursor)), default=None)
            return
        reader = self._input.readers.reader_of(item)
        if not isinstance(reader, RowReader) or not callable(fetched.open):
            raise DocumentError(item.key, "there is no reader of rows for it")
        with decompressed(fetched.open(), item.key) as stream:
            sample = reader.sample(stream)
        shape = self._shape_for(item, lambda: self._shape_of(reader, sample))
        self._check_alike(item, reader, sample, shape)
        self._describe(item, reader, fetched)
        fingerprint, opened = fetched.fingerprint or item.fingerprint, fetched.open()
        hashing = Hashing(opened) if self._is_hashed and not fingerprint else None
        with decompressed(hashing.stream if hashing else opened, item.key) as stream:
            self._take(shape, number, reader.rows(stream, item))
        if fingerprint := hashing.hash if hashing else fingerprint:
            self._fingerprints[number], self._signatures[number] = fingerprint, reader.signature

    def _describe(self, item: Item, reader: RowReader[Any], fetched: Fetched) -> None:
        """Note how the rows of an item are written, where that is asked for."""
        if self._describes and callable(fetched.open) and type(reader).described is not RowReader.described:
            with decompressed(fetched.open(), item.key) as stream:
                self._formats[item.key] = reader.described(stream, item)

    def _take(
        self, shape: Shape, number: int, rows: Iterable[tuple[int, Mapping[str, Any] | BadLine | DeletedRow]]
    ) -> None:
        count, block, item = 0, b"", self._items[number]
        is_keyed = not isinstance(shape, FoundShape) or shape.is_keyed
        page: list[Mapping[str, Any]] = []
        lines: list[int] = []
        try:
            for line, row in rows:
                if not is_keyed and not count % ROWS_A_BLOCK:
                    block = encoded(f"{item}:{count // ROWS_A_BLOCK:08}")
                count += 1
                if not count % ROWS_A_LOOK:
                    self._look(self._rows + count)
                if isinstance(row, BadLine):
                    self._note_bad(shape, number, line, row, block)
                elif block or isinstance(row, DeletedRow):
                    self._take_one(shape, number, line, row, block)
                else:
                    page.append(row)
                    lines.append(line)
                    if len(page) >= ROWS_A_PAGE:
                        self._take_page(shape, number, lines, page)
                        page, lines = [], []
        finally:
            if page:
                self._take_page(shape, number, lines, page)
        self._rows += count

    def _take_page(
        self, shape: Shape, number: int, lines: Sequence[int], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Take in rows that have keys, together if they are of one kind."""
        taken = shape.take_all(rows, lines)
        if taken is None:
            for line, row in zip(lines, rows, strict=True):
                self._take_one(shape, number, line, row)
            return
        spooled = [
            (encoded(key), digest, number, line, size, packed(values), "", "")
            for line, (key, digest, size, values) in zip(lines, taken, strict=True)
        ]
        size = sum(map(itemgetter(SIZE), spooled))
        self._size += size
        self._spool.add_all(spooled, size)

    def _take_one(
        self, shape: Shape, number: int, line: int, row: Mapping[str, Any] | DeletedRow, block: bytes = b""
    ) -> None:
        """Take in a row, or note why it is none."""
        is_deleted = isinstance(row, DeletedRow)
        named: Any = row.values if is_deleted else row
        try:
            if is_deleted and block:
                raise NotARow("it is marked as deleted, and has no key to tell which row is")
            key, digest, size, values = shape.take(named, line)
        except NotARow as error:
            self._note_bad(shape, number, line, BadLine(str(error), "", named), block)
            return
        self._size += size
        if block:
            name, digest = block, _placed(digest, line)
        else:
            name, digest = encoded(key), DELETED if is_deleted else digest
        self._spool.add_all([(name, digest, number, line, size, packed(values), "", "")], size)

    def _look(self, rows: int) -> None:
        """Say now and then how far it is. Raises RunInterrupted where the run is to end."""
        if self._stopped():
            raise RunInterrupted("the run was stopped while rows were read")
        if (now := time.monotonic()) - self._told >= SECONDS_BETWEEN_EVENTS:
            self._told = now
            self._emit(RowsRead(rows, self._size))

    def _note_bad(self, shape: Shape, number: int, line: int, bad: BadLine, block: bytes = b"") -> None:
        self._bad += 1
        self._unclean.add(number)
        self._first_bad = self._first_bad or f"{self._items[number]} line {line:,}: {bad.reason}"
        values = {name: value for name, value in (bad.values or {}).items() if value not in ("", None)}
        key = shape.key_of(values) if bad.may_be_row else ""
        said = f"{bad.reason}\0{bad.text}\0{sorted(values.items()) if not bad.text else ''}"
        digest = sha256(said.encode("utf-8", "surrogatepass")).digest()
        size = len(bad.text)
        self._size += size
        name = block or (encoded(key) if key else NAMELESS)
        digest = _placed(digest, line) if block else digest if bad.may_be_row else NO_ROW
        self._spool.add_all([(name, digest, number, line, size, packed(values), bad.reason, bad.text)], size)

    # --- what the rows are ------------------------------------------------------------------------------

    def _shape_for(self, item: Item, make: Callable[[], Shape]) -> Shape:
        if self._shape is None:
            self._shape, self._first_item = make(), item.key
        return self._shape

    def _shape_of(self, reader: RowReader[Any], sample: RecordType) -> Shape:
        config = self._config
        key = config.key
        if self._model is not None and (config.chunk is None or key is not None):
            roles = {"text": config.text, "heading": config.heading} if config.chunk is None else {}
            kind = RecordType.of(self._model, key=key, name=self._row_name(), **roles)
            return self._declared(kind, self._model, texts=reader.empty_is_null)
        if key is None and (reader.typed or config.chunk is not None):
            named = ", ".join(sample.names[:12])
            raise ConfigError(f"key: say which column names a row, as in --key {sample.key}; it has {named}")
        if key is not None and key not in sample.names and reader.empty_is_null:
            several = "; a key is one column" if {*key.split(",")} <= {*sample.names} else ""
            raise ConfigError(
                f"key: there is no column {key}{several}; the columns are {', '.join(sample.names)}"
            )
        if wrong := [name for name in config.types if name not in sample.names and reader.empty_is_null]:
            raise ConfigError(f"types: there is no column {wrong[0]}; there are {', '.join(sample.names)}")
        if reader.typed:
            return self._declared(self._named(sample))
        if config.chunk is not None and key is not None:
            return ChunkedShape(PlainRows(key, config, reader, sample.names), config.chunk, config)
        return FoundShape(self.name, key, config, reader, self._stored, sample.names, widens=self._widens)

    def _declared(
        self, kind: RecordType, model: type[BaseModel] | None = None, *, texts: bool = False
    ) -> Shape:
        """Return the shape of rows of which the types are said."""
        shape = DeclaredShape(kind, self._config, model, texts=texts)
        column = self._config.chunk
        return shape if column is None else ChunkedShape(shape, column, self._config)

    def _row_name(self) -> str:
        """Return what a row's type is called; of rows that are cut into chunks it is never stored."""
        return self.name if self._config.chunk is None else "rows"

    def _named(self, kind: RecordType) -> RecordType:
        """Return a record type under the name, and with the roles, that the settings give it."""
        config = self._config
        key = config.key or kind.key
        fields = tuple(replace(one, nullable=False) if one.name == key else one for one in kind.fields)
        if config.chunk is not None:
            return RecordType(self._row_name(), fields, key)
        return RecordType(self.name, fields, key, config.text or kind.text, config.heading or kind.heading)

    def _check_alike(self, item: Item, reader: RowReader[Any], sample: RecordType, shape: Shape) -> None:
        """See that a file has the columns of those before."""
        if not (reader.empty_is_null or reader.typed) or self._first_item == item.key or self._model:
            return
        if {*sample.names} != {*shape.columns}:
            differing = {*sample.names} ^ {*shape.columns}
            raise ConfigError(
                f"{self._first_item} and {item.key} hold different rows: only one of them has "
                f"{', '.join(sorted(differing)[:5])}; load them one by one, each into its table"
            )

    def _type_name(self) -> str:
        """Return what the record type is called: the model, else the table, the file or the folder."""
        if self._config.chunk is not None:
            return CHUNK.name
        if self._model is not None:
            return snake_case(self._model.__name__)
        own = self._input.source.collection_name() or self._config.collection or "rows"
        return relation_name(self._table or own)

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
        if self._rows >= ROWS_JUDGED and self._bad > share * self._rows:
            raise SourceError(
                f"{self._bad:,} of {self._rows:,} rows can't be read, more than max_rejects ({share:g}) "
                f"allows: is it another format? Nothing was loaded. The first is {self._first_bad}"
            )

    def _nothing(self) -> str:
        for key, reason in self._unread.items():
            return f"{key} can't be read: {reason}"
        if self._items:
            return f"there are no rows in {self._config.source_shown}; what was loaded before stays"
        return (
            f"there are no files of rows in {self._config.source_shown}; name a file, or say which are to be "
            "read: --pattern '*.csv'"
        )

    def _who(self, item: Item) -> str:
        """Whose code reads an item, in messages."""
        reader = self._input.readers.reader_of(item)
        is_foreign = reader is not None and not is_own(type(reader))
        return f"the reader {reader.name!r}" if reader and is_foreign else self._input.who


def _placed(digest: bytes, line: int) -> bytes:
    """Return the hash of a row with its line before it, so that the rows of a block sort by line."""
    return line.to_bytes(LINE_BYTES, "big") + digest


def relation_name(name: str) -> str:
    """Return the name of a relation after that of a file: ``2024 Orders`` is ``t_2024_orders``."""
    letters = "".join(letter if letter.isalnum() else "_" for letter in snake_case(name)).strip("_")
    while "__" in letters:
        letters = letters.replace("__", "_")
    return f"t_{letters}" if not letters or letters[0].isdigit() else letters
