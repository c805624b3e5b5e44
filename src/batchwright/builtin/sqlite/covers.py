"""Which part of a query's words the results of a search have."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by the schema

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from batchwright.builtin.sqlite.schema import is_indexed
from batchwright.contracts.sink import SearchHit
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sqlite.schema import Names
from batchwright.sinkkit.vectors.fusion import asked_words, covers_of


def covers_of_hits(
    connection: sqlite3.Connection, names: Names, searched: Searched, text: str, hits: Sequence[SearchHit]
) -> dict[str, float]:
    """Return it by id, rare words counting more; without an index all words count alike."""
    _, heading, body = searched.columns("c.")
    marks = ", ".join("?" * len(hits))
    query = (
        f"SELECT c._id, {heading} || char(10) || {body} FROM {names.records} AS c WHERE c._id IN ({marks})"
    )
    texts = dict(connection.execute(query, [hit.id for hit in hits]).fetchall())
    words, frequencies = asked_words(text), dict[str, float]()
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {names.records}").fetchall()
    if is_indexed(connection, names):
        counted = f"SELECT count(*) FROM {names.fts} WHERE {names.fts}.{names.fts_column} MATCH ?"
        for word in words:
            ((frequencies[word],),) = connection.execute(counted, (f'"{word}"',)).fetchall()
    return covers_of(words, texts, frequencies, rows)
