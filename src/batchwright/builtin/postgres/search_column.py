"""The column that is searched: the terms of a record's heading and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.tsvector import GAP, field
from batchwright.contracts.records import RecordType

if TYPE_CHECKING:
    from batchwright.sinkkit.search.normal import Terms

SEARCH_COLUMN = "_search"

SEARCHED = 1_000_000
"""Characters of a text that are searched: a tsvector holds 1 MB."""

_SPELLED = "zu"  # what terms begin with of which the database's encoding lacks a character


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
        """Return the fields of records: the words of heading and text, then the identifiers of both."""
        from batchwright.sinkkit.search.normal import terms  # a run that changes nothing needs none

        known: dict[str | None, tuple[bytes, bytes]] = {}
        fields = []
        for heading, text in zip(headings, texts, strict=True):
            above = known.get(heading)
            if above is None:
                above = known[heading] = self._encoded(terms((heading or "")[:SEARCHED]))
            words, identifiers = self._encoded(terms((text or "")[:SEARCHED]))
            fields.append(field(b" ".join((above[0], GAP, words, GAP, above[1], identifiers))))
        return fields

    def _encoded(self, found: Terms) -> tuple[bytes, bytes]:
        words, identifiers = found.words, " ".join(found.identifiers)
        if self._encoding.is_narrow:
            words, identifiers = map(self._held, (words, identifiers))
        return words.encode(), identifiers.encode()

    def _held(self, words: str) -> str:
        if not self._encoding.lacks(words):
            return words
        return " ".join([held(self._encoding, word) for word in words.split()])


def held(encoding: ServerEncoding, term: str) -> str:
    """Return a term as a database of this encoding can hold it: spelled where it lacks a character."""
    if not encoding.lacks(term):
        return term
    return _SPELLED + "".join(f"{ord(character):06x}" for character in term)
