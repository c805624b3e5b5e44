"""What rows are to be: as the settings, a model, their format and the target say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from batchwright.contracts.reader import RowReader
from batchwright.contracts.record_classes import snake_case
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.engine.reading.input import Input
from batchwright.engine.rows.chunked_shape import ChunkedShape, PlainRows
from batchwright.engine.rows.declared_shape import DeclaredShape, model_of
from batchwright.engine.rows.found_shape import FoundShape
from batchwright.engine.rows.shape import Shape
from batchwright.engine.rows.stored import Stored
from batchwright.errors import ConfigError


class RowShapes:
    """Chooses the shape of rows.

    Args:
        input: What is loaded.
        table: The relation that the settings name; empty where it is named after what it holds.

    Attributes:
        name: What the record type is called.
        model: The model of a row; None where none is named.
    """

    def __init__(self, input: Input, table: str) -> None:
        self._input, self._table = input, table
        self._config = input.config
        self.model = model_of(input.config)
        self.name = self._type_name()

    def of(self, reader: RowReader[Any], sample: RecordType, there: Stored) -> Shape:
        """Return the shape of the rows of a file.

        Args:
            reader: What reads it.
            sample: What it shows at the beginning.
            there: What the target holds.

        Raises:
            ConfigError: A setting doesn't fit the rows.
        """
        config = self._config
        key = config.key
        if self.model is not None and (config.chunk is None or key is not None):
            roles = {"text": config.text, "heading": config.heading} if config.chunk is None else {}
            kind = RecordType.of(self.model, key=key, name=self._row_name(), **roles)
            return self._declared(kind, self.model, texts=reader.empty_is_null)
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
            return self.declared(sample)
        if config.chunk is not None and key is not None:
            return ChunkedShape(PlainRows(key, config, reader, sample.names), config.chunk, config)
        return FoundShape(
            self.name, key, config, reader, there.record_type, sample.names, widens=there.widens
        )

    def declared(self, kind: RecordType) -> Shape:
        """Return the shape of rows of which the source or the format says what they are."""
        return self._declared(self._named(kind))

    def _declared(
        self, kind: RecordType, model: type[BaseModel] | None = None, *, texts: bool = False
    ) -> Shape:
        """Return the shape of rows of which the types are said."""
        shape = DeclaredShape(kind, model, texts=texts)
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

    def _type_name(self) -> str:
        """Return what the record type is called: the model, else the table, the file or the folder."""
        if self._config.chunk is not None:
            return CHUNK.name
        if self.model is not None:
            return snake_case(self.model.__name__)
        own = self._input.source.collection_name() or self._config.collection or "rows"
        return relation_name(self._table or own)


def relation_name(name: str) -> str:
    """Return the name of a relation after that of a file: ``2024 Orders`` is ``t_2024_orders``."""
    letters = "".join(letter if letter.isalnum() else "_" for letter in snake_case(name)).strip("_")
    while "__" in letters:
        letters = letters.replace("__", "_")
    return f"t_{letters}" if not letters or letters[0].isdigit() else letters
