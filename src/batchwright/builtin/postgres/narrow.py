"""Databases whose encoding lacks characters: what of the ledger is escaped there, and how it is read."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchwright.sinkkit.rejects import REJECT_COLUMNS, REJECT_FIELDS
from batchwright.sinkkit.sql_ledger.steps.step import Step

_ALL = "utf-8"
_EXACT = REJECT_COLUMNS.index("exact")


@dataclass(frozen=True, slots=True)
class ServerEncoding:
    """The encoding of a database.

    Attributes:
        codec: What Python calls it; utf-8 also for what takes any bytes, and for what Python doesn't know.
    """

    codec: str = _ALL

    @classmethod
    def of(cls, name: str | None) -> ServerEncoding:
        """Return the encoding that Postgres calls so."""
        known = re.sub(r"^KOI8", "koi8_", re.sub(r"^WIN", "cp", name or _ALL))
        try:
            return cls(codecs.lookup(known).name)
        except LookupError:  # SQL_ASCII, and what the server has to know itself
            return cls()

    def kept(self, steps: Sequence[Step]) -> list[Step]:
        """Return the steps so that rejects can be stored, whatever their names and messages hold."""
        if self.codec == _ALL:
            return [*steps]
        return [
            replace(step, rows=[*map(self._row, step.rows)]) if step.table == "rejects" else step
            for step in steps
        ]

    def _row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the row of a reject, escaped; its last column has the exact values."""
        columns = list(row)
        exact = json.loads(columns[_EXACT]) if columns[_EXACT] else {}
        for index, name, text in self._foreign(row):
            exact.setdefault(name, text)
            columns[index] = text.encode(self.codec, "backslashreplace").decode(self.codec)
        columns[_EXACT] = json.dumps(exact) if exact else None
        return tuple(columns)

    def _foreign(self, row: Sequence[Any]) -> Iterator[tuple[int, str, str]]:
        for index, name in enumerate(REJECT_FIELDS):
            value = row[index]
            if isinstance(value, str):
                try:
                    value.encode(self.codec)
                except UnicodeEncodeError:
                    yield index, name, value
