"""The published texts of a relation, and the index of their terms, as a search needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from batchwright.builtin.postgres.candidates import Candidates
from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.filters import said
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.statistics import Frequencies, frequencies
from batchwright.builtin.postgres.tsquery import TsQueries
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.filters import Condition
from batchwright.sinkkit.search.candidates import Candidate
from batchwright.sinkkit.search.finding import MOST_READ
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

_PAGE = 500  # records that are read at once

_BY_LETTER = """
    SELECT s.id::text, s.collection, s.key, s.heading, s.text, s.line, s.page FROM (
        SELECT c._id AS id, d.collection, {key}::text AS key, {heading} AS heading, {text} AS text,
            {line}::bigint AS line, {page}::bigint AS page
        FROM {{records}} AS c
        JOIN {{documents}} AS d ON d.document_id = c._document_id
        WHERE ($1::text IS NULL OR d.collection = $1) AND {where} {limit}
    ) AS s
    WHERE s.text ILIKE ANY ($2::text[]) OR s.heading ILIKE ANY ($2::text[])"""

Connection = psycopg.Connection[Any]


class Texts:
    """The published texts of one collection, or all.

    Args:
        connection: In a transaction.
        names: The relation.
        record_type: What its records are.
        encoding: The database's encoding.
        collection: Which; None for all.
        conditions: What the records have to meet.

    Raises:
        SinkError: The records have no text.
    """

    def __init__(
        self,
        connection: Connection,
        names: Names,
        record_type: RecordType,
        encoding: ServerEncoding,
        collection: str | None,
        conditions: Sequence[Condition] = (),
    ) -> None:
        self._connection = connection
        self._names = names
        self._encoding = encoding
        self._collection = collection
        self._searched = Searched.of(record_type, kept)
        self._tsqueries = TsQueries(encoding)
        self._conditions = conditions
        self._candidates = Candidates(names, record_type, self._tsqueries, conditions)
        self._known = Frequencies(1.0, 1.0, {})

    def size(self) -> tuple[float, float]:
        """Return how many records there are, and how many terms one has, as `frequencies` found them."""
        return self._known.records, self._known.average

    def frequencies(self, words: Sequence[str]) -> Mapping[str, float]:
        """Return in how many records each word is, about."""
        terms = {word: self._tsqueries.held(word) for word in words}
        queries = {word: self._tsqueries.word(word) for word in words}
        self._known = frequencies(self._connection, self._names, terms, queries)
        return self._known.of

    def candidates(self, query: Query, words: Sequence[str], texts: int) -> Iterator[Candidate]:
        """Yield records that match, the most promising first; those of one text stand together."""
        return self._candidates.find(self._connection, query, words, texts, self._known, self._collection)

    def with_letters(self, text: str) -> Iterator[Candidate]:
        """Yield records that have one of the words of a text in them, out of the first ones."""
        return self._with_letters(text, f"LIMIT {MOST_READ}")

    def all_with_letters(self, text: str) -> Iterator[Candidate]:
        """Yield all records that have one of the words of a text in them."""
        return self._with_letters(text, "")

    def _with_letters(self, text: str, limit: str) -> Iterator[Candidate]:
        patterns = [*_patterns(word for word in text.split() if not self._encoding.lacks(word))]
        if not patterns:
            return
        key, heading, body = map(for_format, self._searched.columns("c."))
        line, page = map(for_format, self._searched.places("c."))
        where, values = said(self._conditions, 3)
        statement = _BY_LETTER.format(
            key=key, heading=heading, text=body, line=line, page=page, where=where, limit=limit
        )
        with psycopg.RawServerCursor(self._connection, "texts") as cursor:
            cursor.itersize = _PAGE
            cursor.execute(self._names.statement(statement), [self._collection, patterns, *values])
            for row in cursor:
                yield Candidate(*row)


def _patterns(words: Iterator[str]) -> Iterator[str]:
    """Yield the patterns for words: in a locale like C, the server knows the cases of ASCII only."""
    for word in words:
        forms = (word,) if word.isascii() else (word, word.lower(), word.upper(), word.title())
        for form in dict.fromkeys(forms):
            escaped = form.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            yield f"%{escaped}%"
