"""Rows of values that are kept by column: most databases take them so, or all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload


class Columns(Sequence[tuple[Any, ...]]):
    """Rows of values, by column.

    Args:
        columns: The values of each column.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Sequence[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)

    @overload
    def __getitem__(self, place: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> Columns: ...
    def __getitem__(self, place: int | slice) -> tuple[Any, ...] | Columns:
        values = [column[place] for column in self.columns]
        return Columns(values) if isinstance(place, slice) else tuple(values)


def columns_of(rows: Sequence[Sequence[Any]], count: int) -> Sequence[Sequence[Any]]:
    """Return rows of values by column, of which there are `count`."""
    if isinstance(rows, Columns):
        return rows.columns
    return list(zip(*rows, strict=True)) or [()] * count
