"""Search the published records by reading all of them: DuckDB's full-text index is an extra download."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import duckdb

from batchwright import SearchHit
from batchwright.sinkkit.search.candidates import Candidate
from batchwright.sinkkit.search.scan import HEADING_WEIGHT, MOST_WORDS, hit, marks_of
from batchwright.sinkkit.searched import Searched


def search(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    searched: Searched,
    text: str,
    limit: int,
    collection: str | None,
) -> list[SearchHit]:
    """Return at most `limit` published records that match, best first; nothing for a text without words.

    A word is found anywhere, in parts of words too, ignoring case. Records with all of the words, where there
    are any; else those with most of them. More occurrences rank higher, those in the heading doubly.
    """
    cleaned = text.encode("utf-8", "replace").decode("utf-8")
    words = list(dict.fromkeys(cleaned.lower().replace("\0", " ").split()))[:MOST_WORDS]
    if not words or limit < 1:
        return []
    counts = [
        f"{HEADING_WEIGHT} * {_occurrences('header', n)} + {_occurrences('body', n)}"
        for n in range(1, len(words) + 1)
    ]
    kinds = " + ".join(f"CAST({count} > 0 AS INTEGER)" for count in counts)
    total = " + ".join(counts)
    key, heading, body = searched.columns("v.")
    line, page = searched.places("v.")
    given = [] if collection is None else [collection]
    narrowed = f"WHERE v.{searched.collection} = ${len(words) + 1}" if given else ""
    rows = connection.execute(
        f"WITH texts AS (SELECT v.{searched.id} AS found_id, v.{searched.collection} AS found_in, "
        f"CAST({key} AS VARCHAR) AS found_key, {heading} AS found_heading, {body} AS found_text, "
        f"{line} AS found_line, {page} AS found_page, "
        f"lower({heading}) AS header, lower({body}) AS body FROM {view} AS v {narrowed}), "
        f"scored AS (SELECT *, {kinds} AS kinds, {total} AS total FROM texts) "
        f"SELECT CAST(found_id AS VARCHAR), found_in, found_key, found_heading, found_text, found_line, "
        f"found_page, kinds, kinds + total / (total + 10.0) AS score "
        f"FROM scored WHERE kinds > 0 ORDER BY score DESC, found_key, found_id LIMIT {int(limit)}",
        [*words, *given],
    ).fetchall()
    complete = bool(rows) and rows[0][7] == len(words)
    pattern = marks_of(words)
    return [
        hit(Candidate(*columns), float(score), pattern)
        for *columns, found, score in rows
        if found == len(words) or not complete
    ]


def _occurrences(column: str, parameter: int) -> str:
    word = f"${parameter}"
    return f"(length({column}) - length(replace({column}, {word}, ''))) / length({word})"
