"""The reader: what is in the bytes of an item. Subclass `Reader` for documents, `RowReader` for rows.

A reader is pure: the same bytes give the same documents, on any machine, without asking anybody. It sees
streams, and does not know where they come from.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, BinaryIO, ClassVar, TypeVar

from batchwright.contracts.plugin import Plugin, PluginOptions
from batchwright.contracts.records import RecordType
from batchwright.items import Item
from batchwright.model import DATE_FIELDS, Document
from batchwright.values import dataclass


class ReaderOptions(PluginOptions):
    """Options of a reader, from its section ``[reader.NAME]`` in the settings; subclass it for more."""


Options = TypeVar("Options", bound=ReaderOptions)


class ItemReader(Plugin[Options]):
    """What `Reader` and `RowReader` have in common; subclass one of these.

    Attributes:
        suffixes: Endings of the keys that it reads, with the dot, in lower case: ``.html``. They match in any
            case, and behind them may stand that of a compression (``.html.gz``).
        media_types: Media types that it reads, for items whose ending says nothing.
        version: A number that changes whenever what it makes of the same bytes does: documents are then
            read anew.
        by_default: Whether its items are read in a folder where no pattern asks for them.
    """

    options_type: ClassVar[type[ReaderOptions]] = ReaderOptions
    suffixes: ClassVar[tuple[str, ...]]
    media_types: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int]
    by_default: ClassVar[bool] = True

    @property
    def signature(self) -> str:
        """All that decides what it makes of the same bytes, in short: its name, version and options.

        Options that are as they are by default are left out.
        """
        changed = self.options.model_dump_json(exclude_defaults=True)
        return f"{self.name}{self.version}" + (changed if changed != "{}" else "")


class Reader(ItemReader[Options]):
    """Turns an item's bytes into a document.

    Attributes:
        date_fields: Names of the field that is a document's date, in any case, the first that holds one
            counts. The engine sets it.
    """

    date_fields: tuple[str, ...] = DATE_FIELDS

    @property
    def signature(self) -> str:
        """As of any reader; with the `date_fields`, where they are not the usual ones."""
        if self.date_fields == DATE_FIELDS:
            return super().signature
        return super().signature + sha256("\n".join(self.date_fields).encode()).hexdigest()[:8]

    @abstractmethod
    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the document, with ``source_file=item.key``. The engine fills in its hash and size.

        The text is Markdown, or plain text: its headings are where it is cut, and what chunks are headed by.
        What of the item the document can't hold, such as images, stands in its `left_out`; where its pages
        begin, if it has some, in its `pages`.

        Raises:
            DocumentError: The bytes can't be read.
            Exception: Any other costs this document as well, and is named by its class.
        """


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no row: it becomes a reject, and the rows around it are loaded.

    Attributes:
        reason: Why it isn't, and what to do.
        text: The line as it stands in the file, or its beginning.
        values: What could be read of it, by column: the key tells whose row stays as it was.
        may_be_row: Whether it may be a row that can't be read. Where the key of such a one isn't known, no
            row of the file is taken for gone.
    """

    reason: str
    text: str
    values: Mapping[str, Any] | None = None
    may_be_row: bool = True


@dataclass(frozen=True, slots=True)
class DeletedRow:
    """A row that is marked as deleted: if a run loaded a row with its key, that is gone.

    Attributes:
        values: What is there of it, by column; the key is enough.
    """

    values: Mapping[str, Any]


class RowReader(ItemReader[Options]):
    """Turns an item's bytes into rows.

    Attributes:
        typed: Whether the format says what each column holds, as Parquet does. Else types are found in the
            values: `sample` then says the names and the order of the columns, and what the first rows hold.
        empty_is_null: Whether an empty text is how the format says that there is no value, as CSV does.
    """

    by_default: ClassVar[bool] = False
    typed: ClassVar[bool] = False
    empty_is_null: ClassVar[bool] = False

    @abstractmethod
    def sample(self, stream: BinaryIO) -> RecordType:
        """Return the type of the rows by the file's beginning. Its key is the first column that can be one.

        Raises:
            DocumentError: The bytes can't be read as rows.
        """

    def described(self, stream: BinaryIO, item: Item) -> str:
        """Return how the rows are written, as far as their beginning shows it and there was a choice.

        `plan` shows it, once for all files that are alike; a run doesn't ask. By default it is empty.

        Raises:
            DocumentError: The bytes can't be read as rows.
        """
        return ""

    @abstractmethod
    def rows(
        self, stream: BinaryIO, item: Item
    ) -> Iterator[tuple[int, Mapping[str, Any] | BadLine | DeletedRow]]:
        """Yield each row with the number of its line, from 1, streamed; a text with line ends is one row.

        Values are those of the format: texts for CSV, what JSON has for JSON Lines, Python's own for a format
        with types of its own. A column that a row lacks is absent.

        Raises:
            DocumentError: The bytes can't be read any further. Rows yielded before count.
        """


AnyReader = ItemReader[Any]
"""Any reader, whatever its options."""
