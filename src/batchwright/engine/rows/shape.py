"""What rows are: their key, their hash, and their values as those of a record type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchwright.contracts.records import RecordType


class NotARow(ValueError):
    """A row can't be taken as one; the message says why."""


class Shape(ABC):
    """What makes records of rows: found in their values, or declared."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The columns of the rows."""

    @abstractmethod
    def take(self, row: Mapping[str, Any], line: int) -> tuple[str, bytes, int, Sequence[Any]]:
        """Return key, hash, size and values of a row, on the first pass.

        Raises:
            NotARow: It is none.
        """

    def take_all(
        self, rows: Sequence[Mapping[str, Any]], lines: Sequence[int]
    ) -> Iterable[tuple[str, bytes, int, Sequence[Any]]] | None:
        """Return the same of many rows; None where they have to be taken one by one."""
        return None

    @abstractmethod
    def key_of(self, values: Mapping[str, Any]) -> str:
        """Return the key of a row of which only some is known; empty where that isn't."""

    @abstractmethod
    def finish(self) -> RecordType:
        """Return the record type, after the first pass."""

    @abstractmethod
    def convert(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values of a record. Raises ValueError, which names the column."""

    def convert_all(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]] | None:
        """Return the values of many records by field; None where one is to be converted by itself."""
        try:
            return list(zip(*map(self.convert, rows), strict=True))
        except (ValueError, ArithmeticError, RecursionError):
            return None

    @abstractmethod
    def shown(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row's values by column, as JSON has them: what is kept of one that doesn't fit."""

    @abstractmethod
    def notes(self) -> list[str]:
        """Say what is worth knowing of the types."""
