"""Rows whose types are found in their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from batchwright.config import BatchConfig
from batchwright.contracts.fields import Field
from batchwright.contracts.reader import RowReader
from batchwright.contracts.record_rows import size_of
from batchwright.contracts.records import RecordType
from batchwright.engine.rows import conversion, row_hash
from batchwright.engine.rows.found_types import TypeFinder, given_types
from batchwright.engine.rows.shape import NotARow, Shape
from batchwright.errors import ConfigError

ROWS_A_PAGE = 250
"""Rows whose values are looked at together."""


class FoundShape(Shape):
    """Rows whose types are found in their values.

    Args:
        name: What the record type is called.
        key: The column that names a row; None where none does.
        config: The settings.
        reader: What reads them.
        stored: What the target holds; None where it is new.
        columns: The columns that are known from the beginning.
        widens: Whether the target can widen its columns.
    """

    def __init__(
        self,
        name: str,
        key: str | None,
        config: BatchConfig,
        reader: RowReader[Any],
        stored: RecordType | None,
        columns: Sequence[str],
        *,
        widens: bool = False,
    ) -> None:
        self._name, self._key, self._config = name, key, config
        self._texts = reader.empty_is_null
        self._stored = stored
        self._names: list[str] = []
        types = given_types(config)
        fields = {field.name: field for field in stored.fields} if stored else {}
        wide = frozenset(fields) - {key or ""} if widens else frozenset()
        self._finder = TypeFinder((), types, fields, wide, texts=self._texts)
        said = fields.get(key or "")
        kind = types.get(key or "") or (said.type if said else None)
        self._key_text = conversion.text_of_key(kind) if kind is not None and self._texts else str
        self._page: list[tuple[Any, ...]] = []
        self._lines: list[int] = []
        self._convert: conversion.Convert = tuple  # until the types are known
        self._convert_all: conversion.ConvertAll | None = None
        self._extend(columns)

    @property
    def is_keyed(self) -> bool:
        """Whether rows have a key."""
        return self._key is not None

    @property
    def columns(self) -> Sequence[str]:
        """The columns that came so far."""
        return self._names

    def take(self, row: Mapping[str, Any], line: int) -> tuple[str, bytes, int, Sequence[Any]]:
        """Return key, hash, size and values of a row."""
        try:
            values = self._getter(row)
            is_same = len(row) == len(self._names)
        except KeyError:
            is_same = False
        if not is_same:
            if unknown := [name for name in row if name not in self._places]:
                self._extend(unknown)
            values = tuple(map(row.get, self._names))
        key = ""
        if self._key is not None:
            key = self._text_of(values[self._key_at] if self._key_at >= 0 else None)
        self._page.append(values)
        self._lines.append(line)
        if len(self._page) >= ROWS_A_PAGE:
            self._look()
        size = size_of(("".join(values),) if self._texts and is_same else values)
        return key, self._digest(values), size, values

    def take_all(
        self, rows: Sequence[Mapping[str, Any]], lines: Sequence[int]
    ) -> Iterable[tuple[str, bytes, int, Sequence[Any]]] | None:
        """Return the same of rows of texts that have all columns, and keys."""
        if not self._texts or self._key_at < 0 or {*map(len, rows)} != {len(self._names)}:
            return None
        try:
            values = list(map(self._getter, rows))
            keys = list(map(itemgetter(self._key_at), values))
            if not all(keys):
                return None
            if self._key_text is not str:
                keys = list(map(self._key_text, keys))
            sizes = [size_of((text,)) for text in map("".join, values)]
        except (KeyError, TypeError, ValueError, ArithmeticError):
            return None  # a column is missing, a value is None, or a key is of another type
        self._page += values
        self._lines += lines
        if len(self._page) >= ROWS_A_PAGE:
            self._look()
        return zip(keys, map(self._digest, values), sizes, values, strict=True)

    def key_of(self, values: Mapping[str, Any]) -> str:
        """Return the key of a row of which only some is known."""
        if self._key is None:
            return ""
        try:
            return self._text_of(values.get(self._key))
        except NotARow:
            return ""

    def finish(self) -> RecordType:
        """Return the record type."""
        self._look()
        config, stored = self._config, self._stored
        if self._key is not None and self._key not in self._names:
            raise ConfigError(
                f"key: there is no column {self._key}; the columns are {', '.join(self._names)}"
            )
        if stored is not None and stored.key != self._key:
            raise ConfigError(
                f"key: {self._name} is there, and {stored.key or 'no column'} is its key, not "
                f"{self._key or 'none'}; say the same key, or load into another relation with table="
            )
        found = {field.name: field for field in self._finder.fields(self._key)}
        fields = tuple(found.values())
        if stored is not None:
            fields = tuple(self._beside(stored, found))
        roles = {"text": config.text, "heading": config.heading}
        if stored is not None:  # what is said once need not be said again
            roles = {role: said or getattr(stored, role) for role, said in roles.items()}
        record_type = RecordType(self._name, fields, self._key, **roles)
        if self._texts:
            said = record_type, tuple(self._names), self._finder.doubtful
            self._convert, self._convert_all = conversion.of_texts(*said), conversion.all_of_texts(*said)
        else:
            self._convert = conversion.of_json(record_type, self._names)
        return record_type

    def convert(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values of a record."""
        return self._convert(values)

    def convert_all(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]] | None:
        """Return the values of many records by field."""
        if self._convert_all is None:
            return super().convert_all(rows)
        try:
            return self._convert_all(rows)
        except (ValueError, ArithmeticError, RecursionError):
            return None

    def shown(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row's values by column."""
        named = zip(self._names, values, strict=False)
        return {name: value for name, value in named if value is not None and value != ""}

    def notes(self) -> list[str]:
        """Say what is worth knowing of the types."""
        return self._finder.notes()

    def _text_of(self, value: Any) -> str:
        if self._texts:
            if not value:
                raise NotARow(f"{self._key} is empty; it names the row")
            try:
                return self._key_text(value)
            except (ValueError, ArithmeticError):
                raise NotARow(f"{self._key}: {value!r} is of another type than the key's") from None
        if type(value) is int or (type(value) is str and value):
            return str(value)
        wrong = "missing" if value is None else "empty" if value == "" else f"a {type(value).__name__}"
        raise NotARow(f"{self._key} is {wrong}; it names the row")

    def _look(self) -> None:
        """Look at the types of the rows that wait."""
        if not self._page:
            return
        width = len(self._names)
        if any(len(row) < width for row in self._page):  # a column came in between
            self._page = [row + (None,) * (width - len(row)) for row in self._page]
        self._finder.add(self._page, self._names, self._lines)
        self._page, self._lines = [], []

    def _extend(self, names: Iterable[str]) -> None:
        """Take in columns that were not there before."""
        for name in names:
            Field(name, "text")  # one that can't be a column is refused here, before anything is stored
            self._names.append(name)
        stored, ignored = self._stored, self._config.on_new_field == "ignore"
        if stored is not None and self._config.on_new_field == "fail":
            new = [name for name in self._names if name not in stored.names]
            if new:
                raise ConfigError(
                    f"on_new_field: {', '.join(new)} is new, and the target has no such column; "
                    'add it with on_new_field = "add", or leave it out with "ignore"'
                )
        self._finder.extend(self._names)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._key_at = self._places.get(self._key or "", -1)
        self._getter: Callable[[Mapping[str, Any]], tuple[Any, ...]] = _getter(self._names)
        entering = frozenset(stored.names) if stored is not None and ignored else None
        hashing = row_hash.of_texts if self._texts else row_hash.of_json
        self._digest = hashing(self._names, entering)

    def _beside(self, stored: RecordType, found: Mapping[str, Field]) -> Iterable[Field]:
        for field in stored.fields:
            if field.name in found:
                yield found[field.name]
            elif field.nullable:
                yield field
            else:
                raise ConfigError(
                    f"{field.name} is missing: it is a column of {self._name} that can't be NULL; "
                    "add it to the file"
                )
        if self._config.on_new_field == "add":
            new = (field for name, field in found.items() if name not in stored.names)
            yield from new


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)
