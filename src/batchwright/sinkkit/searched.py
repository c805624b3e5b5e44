"""What a search looks at: the columns of a record's text and heading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from batchwright.contracts.records import RecordType
from batchwright.errors import SinkError
from batchwright.sinkkit.sql_tables import quoted
from batchwright.values import dataclass

PLACES = ("line", "page")
"""The fields of a chunk that say where its text begins in its document."""


def places_of(record_type: RecordType) -> tuple[str, ...]:
    """Return those of `PLACES` that records have; chunks stored by an older version may lack some."""
    return tuple(name for name in PLACES if record_type.is_chunk and name in record_type.names)


@dataclass(frozen=True, slots=True)
class Searched:
    """The columns that a search reads, quoted.

    Attributes:
        id: The record's id in the published relation.
        collection: Its collection there.
        key: What names its document.
        heading: Where the text stands; None where the record has no such field.
        text: The text.
        line: The line of a file in which it begins; None where the record has no such field.
        page: The page on which it begins; likewise.
    """

    id: str
    collection: str
    key: str
    heading: str | None
    text: str
    line: str | None = None
    page: str | None = None

    @classmethod
    def of(cls, record_type: RecordType, column: Callable[[str], str] = quoted) -> Self:
        """Return the columns of a record type.

        Args:
            record_type: The record type.
            column: Returns the quoted column of a field, where that isn't called as the field.

        Raises:
            SinkError: It has no text.
        """
        if record_type.text is None:
            raise SinkError(
                f"{record_type.name} has no text to search; say which column is one when it is loaded "
                "(--text COLUMN, or RecordType.of(…, text=…))"
            )
        heading = None if record_type.heading is None else column(record_type.heading)
        return cls(
            record_type.id_column,
            record_type.collection_column,
            record_type.id_column if record_type.key is None else column(record_type.key),
            heading,
            column(record_type.text),
            *(column(name) if name in places_of(record_type) else None for name in PLACES),
        )

    def places(self, prefix: str) -> tuple[str, str]:
        """Return the expressions of the line and the page on which the text begins: NULL if not known."""
        line, page = ("NULL" if one is None else prefix + one for one in (self.line, self.page))
        return line, page

    def columns(self, prefix: str) -> tuple[str, str, str]:
        """Return the expressions of key, heading and text; the latter two are empty where they are NULL.

        Args:
            prefix: The name of the relation with a dot.
        """
        heading = "''" if self.heading is None else f"coalesce({prefix}{self.heading}, '')"
        return prefix + self.key, heading, f"coalesce({prefix}{self.text}, '')"
