"""Rows of which one column is a text that is cut into chunks, and the others are its metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.fields import Field
from batchwright.contracts.reader import RowReader
from batchwright.contracts.record_rows import as_plain
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.engine.rows import conversion
from batchwright.engine.rows.declared_shape import DeclaredShape
from batchwright.engine.rows.found_shape import FoundShape
from batchwright.engine.rows.found_types import given_types
from batchwright.engine.rows.shape import Shape
from batchwright.errors import ConfigError
from batchwright.model import Document


class PlainRows(FoundShape):
    """Rows as they stand in the file, but for the columns of which the settings say the type.

    Args:
        key: The column that names a row.
        config: The settings.
        reader: What reads them.
        columns: The columns that are known from the beginning.
    """

    def __init__(self, key: str, config: BatchConfig, reader: RowReader[Any], columns: Sequence[str]) -> None:
        super().__init__("rows", key, config, reader, None, columns)
        self._given = given_types(config)
        self._said: RecordType | None = None

    def finish(self) -> RecordType:
        """Return the record type of the columns of which the settings say the type."""
        fields = (Field(name, kind, nullable=True) for name, kind in self._given.items())
        self._said = RecordType(self._name, tuple(fields), None) if self._given else None
        if self._said is not None and self._texts:
            self._convert = conversion.of_texts(self._said, self._names, frozenset())
        elif self._said is not None:
            self._convert = conversion.of_json(self._said, self._names)
        return self._said or CHUNK

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row's values by column, but for those that are None. Raises ValueError as `convert`."""
        named = self.shown(values)
        if self._said is not None:
            typed = zip(self._said.names, self.convert(values), strict=True)
            named |= {name: value for name, value in typed if value is not None}
        return named

    def _look(self) -> None:
        """Look for no types."""
        self._page, self._lines = [], []


class ChunkedShape(Shape):
    """Makes documents of rows.

    Args:
        rows: What the rows are otherwise.
        column: The column with the text.
        config: The settings.
    """

    def __init__(self, rows: PlainRows | DeclaredShape, column: str, config: BatchConfig) -> None:
        self._rows = rows
        self._column = column
        self._config = config

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the rows."""
        return self._rows.columns

    def take(self, row: Mapping[str, Any], line: int) -> tuple[str, bytes, int, Sequence[Any]]:
        """Return key, hash, size and values of a row."""
        return self._rows.take(row, line)

    def key_of(self, values: Mapping[str, Any]) -> str:
        """Return the key of a row of which only some is known."""
        return self._rows.key_of(values)

    def finish(self) -> RecordType:
        """Return the chunk's type."""
        config, columns = self._config, self.columns
        for setting, column in (("key", config.key), ("chunk", self._column), ("heading", config.heading)):
            if column is not None and column not in columns:
                raise ConfigError(
                    f"{setting}: there is no column {column}; the columns are {', '.join(columns)}"
                )
        self._rows.finish()
        return CHUNK

    def convert(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values of a row."""
        return self._rows.convert(values)

    def shown(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row's values by column."""
        return self._rows.shown(values)

    def notes(self) -> list[str]:
        """Say nothing: no types are looked for."""
        return []

    def document(self, key: str, values: Sequence[Any]) -> Document:
        """Return the document of a row. Raises ValueError where its text is none, or another value unfit."""
        named = self._rows.named(values)
        text = named.pop(self._column, "")
        if not isinstance(text, str):
            raise ValueError(f"{self._column} is a {type(text).__name__}, and no text to be cut into chunks")
        metadata = {name: as_plain(value) for name, value in named.items()}
        heading = self._config.heading
        title = str(named.get(heading, "")) if heading is not None else ""
        return Document(key, text, title=title or key, document_date=self._date(named), metadata=metadata)

    def _date(self, named: dict[str, Any]) -> date | None:
        columns = {name.casefold(): value for name, value in named.items()}
        for name in self._config.date_fields:
            try:
                return date.fromisoformat(str(columns.get(name.casefold()))[:10])
            except ValueError:
                continue
        return None
