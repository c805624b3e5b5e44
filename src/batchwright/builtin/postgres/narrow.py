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

# Columns with names from elsewhere. What is looked up by its key is sorted by it as well, and the bytes of
# most encodings have another order than code points.
_FOREIGN = frozenset({"key", "item", "fingerprint", "origin", "source", "model"})

# DEL is the last character that every encoding has at the same place: what is escaped comes after the rest.
_ESCAPED = re.compile(r"[^\0-~]")
_ESCAPE = re.compile(r"\x7f([0-9a-f]{6})")


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

    @property
    def is_narrow(self) -> bool:
        """Whether it lacks characters, as far as is known."""
        return self.codec != _ALL

    def lacks(self, text: str) -> str:
        """Return the first character of a text that the database can't hold, or nothing."""
        try:
            text.encode(self.codec)
        except UnicodeEncodeError as error:
            return text[error.start]
        return ""

    def held(self, text: str) -> str:
        """Return a text in ASCII, so that the database sorts it by code point; as it is in UTF-8."""
        return _ESCAPED.sub(_escaped, text) if self.is_narrow else text

    def exact(self, text: str) -> str:
        """Return the text that `held` made this of."""
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if self.is_narrow else text

    def kept(self, steps: Sequence[Step]) -> Sequence[Step]:
        """Return the steps so that they can be carried out, whatever names and messages hold."""
        return [*map(self._kept, steps)] if self.is_narrow else steps

    def _kept(self, step: Step) -> Step:
        if step.table == "rejects":
            return replace(step, rows=[*map(self._reject, step.rows)])
        foreign = [index for index, (name, _) in enumerate(step.columns) if name in _FOREIGN]
        return replace(step, rows=[self._row(row, foreign) for row in step.rows]) if foreign else step

    def _row(self, row: Sequence[Any], foreign: Sequence[int]) -> tuple[Any, ...]:
        columns = list(row)
        for index in foreign:
            columns[index] = self.held(columns[index])
        return tuple(columns)

    def _reject(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the row of a reject, readable; its last column has the exact values."""
        columns = list(row)
        exact = json.loads(columns[_EXACT]) if columns[_EXACT] else {}
        for index, name, text in self._lacking(row):
            exact.setdefault(name, text)
            columns[index] = text.encode(self.codec, "backslashreplace").decode(self.codec)
        columns[_EXACT] = json.dumps(exact) if exact else None
        return tuple(columns)

    def _lacking(self, row: Sequence[Any]) -> Iterator[tuple[int, str, str]]:
        for index, name in enumerate(REJECT_FIELDS):
            value = row[index]
            if isinstance(value, str) and self.lacks(value):
                yield index, name, value


def _escaped(found: re.Match[str]) -> str:
    return f"\x7f{ord(found[0]):06x}"
