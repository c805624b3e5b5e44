"""Searching the published records: by words in two stages, or by the letter where there is no search column."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from batchwright.builtin.postgres.candidates import PLANNING, candidates
from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.statistics import frequencies
from batchwright.builtin.postgres.tsquery import TsQueries
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import SearchHit
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import rank
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

_AROUND = 120
"""Characters of an excerpt on either side of what was found by the letter."""

_MOST_READ = 100_000
"""Records that are looked through by the letter."""

_BY_LETTER = """
    SELECT id, collection, key, heading, text,
        (length(text) - length(replace(lower(text), lower($1::text), '')))::double precision
            / length($1::text) AS score
    FROM (
        SELECT {id}::text AS id, {collection} AS collection, {key}::text AS key, {heading} AS heading, {text} AS text
        FROM {{view}} WHERE $4::text IS NULL OR {collection} = $4 LIMIT {most}
    ) AS few
    WHERE text ILIKE $2 OR heading ILIKE $2
    ORDER BY score DESC, id
    LIMIT $3"""


class WordSearch:
    """Searches the records of one relation by their words.

    Args:
        names: The relation.
        record_type: What its records are.
        encoding: The database's encoding.

    Raises:
        SinkError: They have no text.
    """

    def __init__(self, names: Names, record_type: RecordType, encoding: ServerEncoding) -> None:
        self._names = names
        self._searched = Searched.of(record_type, kept)
        self._same = f"md5({self._searched.columns('c.')[2]})"
        if record_type.is_chunk and record_type.text_hash is not None:
            self._same = f"c.{kept(record_type.text_hash)}"
        self._tsqueries = TsQueries(encoding)

    def best(
        self, connection: psycopg.Connection[Any], query: Query, limit: int, collection: str | None
    ) -> list[SearchHit]:
        """Return the best matches, best first.

        Args:
            connection: In a transaction.
            query: What was asked.
            limit: Hits, at most.
            collection: Only of this one; None for all.
        """
        if query.is_empty:
            return []
        connection.execute(PLANNING)
        terms = {word: self._tsqueries.held(word) for word in query.words}
        known = frequencies(connection, self._names, terms, self._tsqueries.asked(query))
        found = candidates(
            connection,
            self._names,
            self._searched,
            self._same,
            query,
            known,
            self._tsqueries,
            limit,
            collection,
        )
        return rank(query, found, known.of, known.records, known.average, limit)


def by_letter(
    connection: psycopg.Connection[Any],
    names: Names,
    searched: Searched,
    text: str,
    limit: int,
    collection: str | None,
) -> list[SearchHit]:
    """Return records that hold the text as it is, upper or lower case, by how often they do.

    Args:
        connection: A connection.
        names: The relations.
        searched: The columns, of the published relation.
        text: What to look for.
        limit: Hits, at most.
        collection: Only of this one; None for all.
    """
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
    key, heading, body = map(for_format, searched.columns())
    columns = {
        "id": searched.id,
        "collection": searched.collection,
        "key": key,
        "heading": heading,
        "text": body,
    }
    statement = names.statement(_BY_LETTER.format(**columns, most=_MOST_READ))
    return [
        SearchHit(identity, own, of, above, *_excerpt(found, text)[:1], score, marks=_excerpt(found, text)[1])
        for identity, own, of, above, found, score in connection.execute(
            statement, [text, pattern, limit, collection]
        ).fetchall()
    ]


def _excerpt(body: str, text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return some of a text around its first match, and where in that the match is."""
    found = re.search(re.escape(text), body, re.IGNORECASE)
    if found is None:
        return body[: 2 * _AROUND], ()
    start, end = found.span()
    first = max(0, start - _AROUND)
    return body[first : end + _AROUND], ((start - first, end - first),)
