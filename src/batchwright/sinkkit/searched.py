"""What a search looks at: the columns of a record's text and heading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from batchwright.contracts.records import RecordType
from batchwright.errors import SinkError
from batchwright.sinkkit.sql_tables import quoted
from batchwright.values import dataclass


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
    """

    id: str
    collection: str
    key: str
    heading: str | None
    text: str
    line: str | None = None

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
            column("line") if record_type.is_chunk else None,
        )

    def first_line(self, prefix: str = "") -> str:
        """Return the expression of the line in which the text begins: NULL where that isn't known."""
        return "NULL" if self.line is None else prefix + self.line

    def columns(self, prefix: str = "") -> tuple[str, str, str]:
        """Return the expressions of key, heading and text; the latter two are empty where they are NULL.

        Args:
            prefix: The name of the relation with a dot.
        """
        heading = "''" if self.heading is None else f"coalesce({prefix}{self.heading}, '')"
        return prefix + self.key, heading, f"coalesce({prefix}{self.text}, '')"
