"""Rows whose types their format says, or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from batchwright.config import BatchConfig
from batchwright.contracts.record_json import as_json, content_hash
from batchwright.contracts.record_rows import Rows, size_of
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Row
from batchwright.engine.rows.plain_values import PlainValues
from batchwright.engine.rows.shape import NotARow, Shape
from batchwright.errors import ConfigError
from batchwright.plugins.files import import_plugin
from batchwright.plugins.trust import check_found


class DeclaredShape(Shape):
    """Rows whose types their format says, or a pydantic model.

    Args:
        record_type: What they are.
        model: Validates them; None where they are as they are to be.
        texts: Whether their values are texts, and an empty one none.
    """

    def __init__(
        self,
        record_type: RecordType,
        model: type[BaseModel] | None = None,
        *,
        texts: bool = False,
    ) -> None:
        self._type = record_type
        self._rows = Rows(record_type)
        self._model = model
        self._texts = texts
        self._plain = PlainValues()

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the type."""
        return self._type.names

    def take(self, row: Mapping[str, Any], line: int) -> tuple[str, bytes, int, Sequence[Any]]:
        """Return key, hash, size and values of a row."""
        try:
            record: Any = row
            if self._model is not None:
                record = self._model.model_validate(self._given(row))
            values = self._rows.values(record)
            key = self._rows.key(values)
        except ValidationError as error:
            raise NotARow(_first(error)) from None
        except (ValueError, TypeError) as error:
            raise NotARow(str(error)) from None
        if not key:
            raise NotARow(f"{self._type.key} is empty; it names the row")
        return (
            key,
            bytes.fromhex(content_hash(self._type, values)),
            size_of(values),
            self._plain.plain(values),
        )

    def key_of(self, values: Mapping[str, Any]) -> str:
        """Return the key of a row of which only some is known."""
        value = values.get(self._type.key or "")
        return "" if value is None else str(value)

    def finish(self) -> RecordType:
        """Return the record type."""
        return self._type

    def convert(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values of a record."""
        return self._plain.again(values)

    def shown(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row's values by column."""
        return as_json(self._type, Row("", self._plain.again(values), 0))

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row's values by column, but for those that are None."""
        named = zip(self._type.names, self.convert(values), strict=True)
        return {name: value for name, value in named if value is not None}

    def notes(self) -> list[str]:
        """Say what is worth knowing of the types."""
        return []

    def _given(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if not self._texts:
            return dict(row)
        return {name: value for name, value in row.items() if value != ""}


def model_of(config: BatchConfig) -> type[BaseModel] | None:
    """Return the model that the settings name, or None.

    Raises:
        ConfigError: There is none, or it can't be imported.
    """
    if config.record is None:
        return None
    module, _, name = config.record.rpartition(":")
    if (file := config.found_in("record")) is not None:
        check_found(file, [module], "record")
    try:
        found = getattr(import_plugin(module), name)
    except Exception as error:  # noqa: BLE001 - a module may raise anything
        raise ConfigError(
            f"record: {config.record} can't be imported: {type(error).__name__}: {error}"
        ) from None
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise ConfigError(f"record: {config.record} is no pydantic model")
    return found


def _first(error: ValidationError) -> str:
    """Return what is wrong with a row, and where."""
    first, *rest = error.errors(include_url=False, include_context=False)
    place = ".".join(map(str, first["loc"])) or "the row"
    more = f" (and {len(rest)} more)" if rest else ""
    given = repr(first["input"])
    return f"{place}: {first['msg']}, not {given[:60]}{more}"
