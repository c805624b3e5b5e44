"""The column that is searched: the terms of a record's heading and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.tsvector import GAP, field
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.search.normal import Terms, terms

SEARCH_COLUMN = "_search"

_SPELLED = "zu"
"""What terms begin with that the database's encoding lacks."""


class SearchColumn:
    """Encodes the search column of a record type in one database.

    Args:
        record_type: The record type; it has a text.
        encoding: The database's encoding.
    """

    def __init__(self, record_type: RecordType, encoding: ServerEncoding) -> None:
        names = record_type.names
        self._text = names.index(record_type.text or "")
        self._heading = None if record_type.heading is None else names.index(record_type.heading)
        self._encoding = encoding

    def encode(self, columns: Sequence[Sequence[Any]]) -> list[bytes]:
        """Return the fields of records, whose values are given by column."""
        texts = columns[self._text]
        headings = [""] * len(texts) if self._heading is None else columns[self._heading]
        return self.fields(headings, texts)

    def fields(self, headings: Sequence[str | None], texts: Sequence[str | None]) -> list[bytes]:
        """Return the fields of records: the words of the heading, then of the text, then their identifiers."""
        known: dict[str | None, tuple[list[bytes], list[bytes]]] = {}
        fields = []
        for heading, text in zip(headings, texts, strict=True):
            above = known.get(heading)
            if above is None:
                above = known[heading] = self._split(terms(heading or ""))
            words, identifiers = self._split(terms(text or ""))
            fields.append(field([*above[0], GAP, *words, GAP, *above[1], *identifiers]))
        return fields

    def _split(self, found: Terms) -> tuple[list[bytes], list[bytes]]:
        words = found.words
        if self._encoding.lacks(words):
            words = " ".join([held(self._encoding, word) for word in words.split()])
        return words.encode().split(), " ".join(found.identifiers).encode().split()


def held(encoding: ServerEncoding, term: str) -> str:
    """Return a term as a database of this encoding can hold it: spelled where it lacks a character."""
    if not encoding.lacks(term):
        return term
    return _SPELLED + "".join(f"{ord(character):06x}" for character in term)
