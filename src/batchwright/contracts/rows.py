"""The records of a batch, as the engine sees them: their place and size. What is no chunk is a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, overload


class Placed(Protocol):
    """What the engine knows of a record in a batch: its place, and how much it is.

    Chunks have both; any other record travels as a `Row`.
    """

    @property
    def id(self) -> str:
        """A UUID: the document version's, with the position in the document in its last 32 bits."""

    @property
    def size(self) -> int:
        """Its size in bytes, about."""


class Row(NamedTuple):
    """A record that is no chunk, on its way to a store.

    Attributes:
        id: Its id.
        values: Its values, in the order of the record type's fields.
        size: Its size in bytes, about.
    """

    id: str
    values: tuple[Any, ...]
    size: int


class RowColumns(Sequence[Row]):
    """Rows in columns: a `Row` is made when it is asked for, and most are never asked for.

    Args:
        ids: The ids of the rows.
        columns: Their values by field, in the order of the record type's fields.
        sizes: Their sizes in bytes, about.
    """

    __slots__ = ("columns", "ids", "sizes")

    def __init__(self, ids: Sequence[str], columns: Sequence[Sequence[Any]], sizes: Sequence[int]) -> None:
        self.ids, self.columns, self.sizes = ids, columns, sizes

    @classmethod
    def joined(cls, parts: Sequence[RowColumns]) -> RowColumns:
        """Return the rows of several."""
        if len(parts) == 1:
            return parts[0]
        columns = [*map(joined, zip(*(part.columns for part in parts), strict=True))]
        ids, sizes = joined([part.ids for part in parts]), joined([part.sizes for part in parts])
        return cls(ids, columns, sizes)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Row]:
        return map(Row, self.ids, zip(*self.columns, strict=True), self.sizes)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> RowColumns: ...
    def __getitem__(self, place: int | slice) -> Row | RowColumns:
        columns = [column[place] for column in self.columns]
        if isinstance(place, slice):
            return RowColumns(self.ids[place], columns, self.sizes[place])
        return Row(self.ids[place], tuple(columns), self.sizes[place])


def joined(parts: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the values of several columns in one."""
    values = [*parts[0]]
    for part in parts[1:]:
        values += part
    return values


def ids_of(records: Sequence[Placed]) -> Sequence[str]:
    """Return the ids of records."""
    return records.ids if isinstance(records, RowColumns) else [record.id for record in records]


def size_of(records: Sequence[Placed]) -> int:
    """Return the size of records in bytes, about."""
    return sum(records.sizes if isinstance(records, RowColumns) else [record.size for record in records])
