"""Searching the published chunks: by Postgres' full-text search, or by the letter where there is none."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from batchwright.builtin.postgres.layout import SEARCHED_TEXT
from batchwright.builtin.postgres.names import Names
from batchwright.contracts.sink import SearchHit

_AROUND = 120
"""Characters of an excerpt on either side of what was found."""

# Excerpts are made for the hits alone: ts_headline reads the whole text.
_FULL_TEXT = """
    SELECT id::text, collection, source_file, context_header,
        ts_headline($1::text::regconfig, left(chunk_text, {characters}), query,
            'StartSel=«, StopSel=», MaxFragments=2, MaxWords=30, MinWords=10, FragmentDelimiter=" … "'),
        score::double precision
    FROM (
        SELECT c.id, d.collection, c.source_file, c.context_header, c.chunk_text, q.query,
            ts_rank_cd(c.search, q.query) AS score
        FROM websearch_to_tsquery($1::text::regconfig, $2) AS q (query)
        JOIN {{chunks}} AS c ON c.search @@ q.query
        JOIN {{documents}} AS d ON d.document_id = c.document_id
        WHERE $4::text IS NULL OR d.collection = $4
        ORDER BY score DESC, c.id
        LIMIT $3
    ) AS hit
    ORDER BY score DESC, id"""

_BY_LETTER = """
    SELECT id::text, collection, source_file, context_header, chunk_text,
        (length(chunk_text) - length(replace(lower(chunk_text), lower($1::text), '')))::double precision
            / length($1::text) AS score
    FROM {view}
    WHERE (chunk_text ILIKE $2 OR context_header ILIKE $2) AND ($4::text IS NULL OR collection = $4)
    ORDER BY score DESC, id
    LIMIT $3"""


def by_words(
    connection: psycopg.Connection[Any],
    names: Names,
    text_search: str,
    text: str,
    limit: int,
    collection: str | None,
) -> list[SearchHit]:
    """Return chunks whose words match, by how well they do; the text is read as web search engines do."""
    statement = names.statement(_FULL_TEXT.format(characters=SEARCHED_TEXT))
    rows = connection.execute(statement, [text_search, text, limit, collection]).fetchall()
    return [SearchHit(*row) for row in rows]


def by_letter(
    connection: psycopg.Connection[Any], names: Names, text: str, limit: int, collection: str | None
) -> list[SearchHit]:
    """Return chunks that hold the text as it is, upper or lower case, by how often they do."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
    values = [text, pattern, limit, collection]
    rows = connection.execute(names.statement(_BY_LETTER), values).fetchall()
    return [
        SearchHit(identity, own, key, header, _excerpt(body, text), score)
        for identity, own, key, header, body, score in rows
    ]


def _excerpt(body: str, text: str) -> str:
    found = re.search(re.escape(text), body, re.IGNORECASE)
    if found is None:
        return body[: 2 * _AROUND]
    start, end = found.span()
    before, after = body[max(0, start - _AROUND) : start], body[end : end + _AROUND]
    return f"{before}«{found.group()}»{after}"
