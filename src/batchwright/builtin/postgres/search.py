"""Searching the published records: by Postgres' full-text search, or by the letter where there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg

from batchwright.builtin.postgres.filters import said
from batchwright.builtin.postgres.layout import SEARCHED_TEXT
from batchwright.builtin.postgres.names import Names
from batchwright.contracts.sink import SearchHit
from batchwright.sinkkit.filters import Condition
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

_AROUND = 120
"""Characters of an excerpt on either side of what was found."""

# Stand for what not every encoding of a database has.
_SIGNS = {2: "«", 3: "»", 4: " … "}

# Excerpts are made for the hits alone: ts_headline reads the whole text.
_FULL_TEXT = """
    SELECT id::text, collection, key::text, heading,
        ts_headline($1::text::regconfig, left(body, {characters}), query,
            E'StartSel=\\x02, StopSel=\\x03, FragmentDelimiter=\\x04, '
            'MaxFragments=2, MaxWords=30, MinWords=10'),
        score::double precision
    FROM (
        SELECT c._id AS id, d.collection, {key} AS key, {heading} AS heading, {text} AS body, q.query,
            ts_rank_cd(c._search, q.query) AS score
        FROM websearch_to_tsquery($1::text::regconfig, $2) AS q (query)
        JOIN {{records}} AS c ON c._search @@ q.query
        JOIN {{documents}} AS d ON d.document_id = c._document_id
        WHERE ($4::text IS NULL OR d.collection = $4) AND {where}
        ORDER BY score DESC, c._id
        LIMIT $3
    ) AS hit
    ORDER BY score DESC, id"""

_BY_LETTER = """
    SELECT {id}::text, {collection}, {key}::text, {heading}, {text},
        (length({text}) - length(replace(lower({text}), lower($1::text), '')))::double precision
            / length($1::text) AS score
    FROM {{view}}
    WHERE ({text} ILIKE $2 OR {heading} ILIKE $2) AND ($4::text IS NULL OR {collection} = $4)
    AND {id} IN (SELECT c._id FROM {{records}} AS c WHERE {where})
    ORDER BY score DESC, {id}
    LIMIT $3"""


def by_words(
    connection: psycopg.Connection[Any],
    names: Names,
    searched: Searched,
    text_search: str,
    text: str,
    limit: int,
    collection: str | None,
    conditions: Sequence[Condition] = (),
) -> list[SearchHit]:
    """Return records whose words match, by how well they do; the text is read as web search engines do."""
    where, more = said(conditions, 5)
    columns = _columns(searched, "c.")
    statement = names.statement(_FULL_TEXT.format(characters=SEARCHED_TEXT, where=where, **columns))
    rows = connection.execute(statement, [text_search, text, limit, collection, *more]).fetchall()
    return [
        SearchHit(identity, own, key, heading, excerpt.translate(_SIGNS), score)
        for identity, own, key, heading, excerpt, score in rows
    ]


def by_letter(
    connection: psycopg.Connection[Any],
    names: Names,
    searched: Searched,
    text: str,
    limit: int,
    collection: str | None,
    conditions: Sequence[Condition] = (),
) -> list[SearchHit]:
    """Return records that hold the text as it is, upper or lower case, by how often they do."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
    where, more = said(conditions, 5)
    values = [text, pattern, limit, collection, *more]
    statement = names.statement(_BY_LETTER.format(where=where, **_columns(searched)))
    return [
        SearchHit(identity, own, key, header, _excerpt(body, text), score)
        for identity, own, key, header, body, score in connection.execute(statement, values).fetchall()
    ]


def _columns(searched: Searched, prefix: str = "") -> dict[str, str]:
    """Return the columns for a statement that `str.format` goes over once more."""
    key, heading, text = map(for_format, searched.columns(prefix))
    own = {"id": searched.id, "collection": searched.collection}
    return {**own, "key": key, "heading": heading, "text": text}


def _excerpt(body: str, text: str) -> str:
    found = re.search(re.escape(text), body, re.IGNORECASE)
    if found is None:
        return body[: 2 * _AROUND]
    start, end = found.span()
    before, after = body[max(0, start - _AROUND) : start], body[end : end + _AROUND]
    return f"{before}«{found.group()}»{after}"
