"""Ways to search: each a function from a question's text to ranked passages.

A new mode of `Target.search` is `of_target` with more arguments, and one more line in `bench_retrieval`.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psycopg

from batchwright import Target
from batchwright.model import position_of
from tests.benchmarks.retrieval.corpus import Passage
from tests.benchmarks.retrieval.scoring import CANDIDATES, Ranked
from tests.benchmarks.retrieval.vectors import nearest, vector_of
from tests.benchmarks.retrieval.words import words

Mode = Callable[[str], Ranked]


def of_target(target: Target, limit: int = CANDIDATES, **how: Any) -> Mode:
    """Search as a program does.

    Args:
        target: Where the documents are loaded.
        limit: Passages.
        how: More arguments for `Target.search`; `vector=True` stands for the question's stored vector.
    """

    def search(question: str) -> Ranked:
        asked = {**how, "vector": vector_of(question)} if how.get("vector") else how
        return [
            ((hit.key, position_of(hit.id)), hit.score) for hit in target.search(question, limit, **asked)
        ]

    return search


def by_vector(question: str) -> Ranked:
    """Compare the question's vector with those of all passages: what an index can reach at best."""
    return nearest(vector_of(question), CANDIDATES)


def plain_sqlite(passages: Sequence[Passage]) -> Mode:
    """Ask FTS5 for any of the words, ordered by its bm25()."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute(
        "CREATE VIRTUAL TABLE plain USING fts5(headings, body, tokenize='unicode61 remove_diacritics 2')"
    )
    rows = ((number, one.headings, one.text) for number, one in enumerate(passages))
    connection.executemany("INSERT INTO plain (rowid, headings, body) VALUES (?, ?, ?)", rows)

    def search(question: str) -> Ranked:
        asked = " OR ".join(f'"{word}"' for word in _terms(question))
        found = connection.execute(
            "SELECT rowid, -bm25(plain) FROM plain WHERE plain MATCH ? ORDER BY bm25(plain), rowid LIMIT ?",
            (asked, CANDIDATES),
        )
        return _placed(passages, found)

    weakref.finalize(search, connection.close)
    return search


def plain_postgres(
    passages: Sequence[Passage], connection: psycopg.Connection[Any], configuration: str
) -> Mode:
    """Ask Postgres for any of the words, ordered by ts_rank()."""
    connection.execute(f"DROP TABLE IF EXISTS pg_temp.plain_{configuration}".encode())
    connection.execute(f"CREATE TEMP TABLE plain_{configuration} (number int, search tsvector)".encode())
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO plain_{configuration} VALUES (%s, to_tsvector('{configuration}', %s))".encode(),
            [(number, f"{one.headings}\n{one.text}") for number, one in enumerate(passages)],
        )
    statement = (
        f"SELECT number, ts_rank(search, query) AS score "
        f"FROM plain_{configuration}, to_tsquery('{configuration}', %s) AS query "
        "WHERE search @@ query ORDER BY score DESC, number LIMIT %s"
    ).encode()

    def search(question: str) -> Ranked:
        asked = " | ".join(f"'{word}'" for word in _terms(question))
        return _placed(passages, connection.execute(statement, (asked, CANDIDATES)))

    return search


def _terms(question: str) -> list[str]:
    return [part for word in words(question) for part in word.replace("’", "'").split("'")]


def _placed(passages: Sequence[Passage], rows: Iterable[tuple[int, float]]) -> Ranked:
    return [(passages[number].place, value) for number, value in rows]
