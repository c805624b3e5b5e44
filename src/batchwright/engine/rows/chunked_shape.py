"""Rows of which one column is a text that is cut into chunks, and the others are its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.reader import RowReader
from batchwright.contracts.record_rows import as_plain
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.engine.rows.found_shape import FoundShape
from batchwright.errors import ConfigError
from batchwright.model import Document


class ChunkedShape(FoundShape):
    """Makes documents of rows.

    Args:
        key: The column that names a row.
        column: The column with the text.
        config: The settings.
        reader: What reads them.
        columns: The columns that are known from the beginning.
    """

    def __init__(
        self, key: str, column: str, config: BatchConfig, reader: RowReader[Any], columns: Sequence[str]
    ) -> None:
        super().__init__(CHUNK.name, key, config, reader, None, columns)
        self._column = column

    def finish(self) -> RecordType:
        """Return the chunk's type."""
        for setting, column in (
            ("key", self._key),
            ("chunk", self._column),
            ("heading", self._config.heading),
        ):
            if column is not None and column not in self._names:
                raise ConfigError(
                    f"{setting}: there is no column {column}; the columns are {', '.join(self._names)}"
                )
        return CHUNK

    def document(self, key: str, values: Sequence[Any]) -> Document:
        """Return the document of a row. Raises ValueError where its text is none."""
        named = self.shown(values)
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

    def _look(self) -> None:
        """Look for no types: the metadata are as they stand in the file."""
        self._page, self._lines = [], []
