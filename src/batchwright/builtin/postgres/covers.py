"""Which part of a query's words the results of a search have."""

# ruff: noqa: S608 - what is put together here are names of columns, quoted

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.names import Names
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import SearchHit
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.vectors.fusion import asked_words, covers_of

_MOST = 10_000  # records of a word that are counted: whether there are more makes little difference
_COUNT = f"""
    SELECT r.word, (
        SELECT count(*) FROM (
            SELECT FROM {{records}} AS c
            WHERE c._search @@ plainto_tsquery($1::text::regconfig, r.word) LIMIT {_MOST}
        ) AS few
    ) FROM unnest($2::text[]) AS r (word)"""
_ROWS = "SELECT reltuples::float8 FROM pg_catalog.pg_class WHERE oid = to_regclass($1)"


def covers_of_hits(
    connection: psycopg.Connection[Any],
    names: Names,
    record_type: RecordType,
    text_search: str | None,
    text: str,
    hits: Sequence[SearchHit],
) -> dict[str, float]:
    """Return it by id, rare words counting more; without an index all words count alike."""
    _, heading, body = map(for_format, Searched.of(record_type, kept).columns("c."))
    query = (
        f"SELECT c._id::text, {heading} || E'\\n' || {body} FROM {{records}} AS c "
        "WHERE c._id = ANY ($1::uuid[])"
    )
    ids = [hit.id for hit in hits]
    texts = dict(connection.execute(names.statement(query), [ids]).fetchall())
    words, frequencies = asked_words(text), dict[str, float]()
    if text_search is not None:
        found = connection.execute(names.statement(_COUNT), [text_search, words])
        frequencies.update(found.fetchall())
    ((rows,),) = connection.execute(_ROWS, [names.tables["records"]]).fetchall()
    return covers_of(words, texts, frequencies, max(rows, *frequencies.values(), 1.0))
