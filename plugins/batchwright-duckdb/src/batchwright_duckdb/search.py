"""Search the published chunks by reading all of them: DuckDB's full-text index is an extra download."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import duckdb

from batchwright import SearchHit
from batchwright.sinkkit.excerpts import excerpt, marks_of

_MOST_WORDS = 32
_HEADER_WEIGHT = 2


def search(
    connection: duckdb.DuckDBPyConnection, view: str, text: str, limit: int, collection: str | None
) -> list[SearchHit]:
    """Return at most `limit` published chunks that match, best first; nothing for a text without words.

    A word is found anywhere, in parts of words too, ignoring case. Chunks with all of the words, where there
    are any; else those with most of them. More occurrences rank higher, those in the heading doubly.
    """
    cleaned = text.encode("utf-8", "replace").decode("utf-8")
    words = list(dict.fromkeys(cleaned.lower().replace("\0", " ").split()))[:_MOST_WORDS]
    if not words or limit < 1:
        return []
    counts = [
        f"{_HEADER_WEIGHT} * {_occurrences('header', n)} + {_occurrences('body', n)}"
        for n in range(1, len(words) + 1)
    ]
    kinds = " + ".join(f"CAST({count} > 0 AS INTEGER)" for count in counts)
    total = " + ".join(counts)
    given = [] if collection is None else [collection]
    narrowed = f"WHERE collection = ${len(words) + 1}" if given else ""
    rows = connection.execute(
        f"WITH texts AS (SELECT id, collection, source_file, chunk_index, context_header, chunk_text, "
        f"lower(context_header) AS header, lower(chunk_text) AS body FROM {view} {narrowed}), "
        f"scored AS (SELECT *, {kinds} AS kinds, {total} AS total FROM texts) "
        f"SELECT CAST(id AS VARCHAR), collection, source_file, context_header, chunk_text, kinds, "
        f"kinds + total / (total + 10.0) AS score "
        f"FROM scored WHERE kinds > 0 ORDER BY score DESC, source_file, chunk_index LIMIT {int(limit)}",
        [*words, *given],
    ).fetchall()
    complete = bool(rows) and rows[0][5] == len(words)
    marks = marks_of(words)
    return [
        SearchHit(identity, own, key, header, excerpt(header, body, marks), float(score))
        for identity, own, key, header, body, found, score in rows
        if found == len(words) or not complete
    ]


def _occurrences(column: str, parameter: int) -> str:
    word = f"${parameter}"
    return f"(length({column}) - length(replace({column}, {word}, ''))) / length({word})"
