"""The published texts of a database file, and the index of their terms, as a search needs them."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchwright.sinkkit.search.candidates import CUT, Candidate
from batchwright.sinkkit.search.finding import MOST_READ
from batchwright.sinkkit.search.query import Clause, Query
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sqlite.schema import Names

_PAGE = 250  # records that are read at once, of those that may match
_COMMON = 20_000  # records: a word that more have tells little, and takes time
_OTHERS = 8
_SCANNED = 5 * CUT  # matches that are put in order


class Texts:
    """The published texts of one collection, or all.

    Args:
        connection: Of the database.
        names: The tables.
        searched: The columns.
        collection: Which; None for all.
        among: A condition on the row `c` of the records, and its values.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        names: Names,
        searched: Searched,
        collection: str | None,
        among: tuple[str, Sequence[Any]],
    ) -> None:
        self._connection = connection
        self._names = names
        self._searched = searched
        self._condition = f"(?2 IS NULL OR d.collection = ?2) AND {among[0]}"
        self._values = (collection, *among[1])
        self._frequencies: dict[str, int] = {}
        shown = (*searched.columns("c."), *searched.places("c."))
        self._columns = f"c._id, d.collection, {', '.join(shown)}"
        self._from = f"{names.records} AS c JOIN {names.documents} AS d ON d.document_id = c._document_id"

    def size(self) -> tuple[float, float]:
        """Return how many records the index has, and how many terms one has on average."""
        # FTS5 keeps the number of rows, then that of the terms of each column
        query = f"SELECT block FROM {self._names.fts_data} WHERE id = 1"
        rows, *terms = _varints(self._connection.execute(query).fetchone()[0])
        return rows, sum(terms) / max(rows, 1)

    def frequencies(self, words: Sequence[str]) -> Mapping[str, float]:
        """Return in how many records each word is."""
        query = f"SELECT doc FROM {self._names.terms} WHERE term = ?"
        found = ((word, self._connection.execute(query, (word,)).fetchone()) for word in words)
        self._frequencies = {word: row[0] for word, row in found if row}
        return self._frequencies

    def candidates(self, query: Query, words: Sequence[str], texts: int) -> Iterator[Candidate]:
        """Yield records that match, the best first by FTS5's bm25."""
        known = sorted(self._frequencies.items(), key=lambda item: item[1])
        others = [word for word, rows in known if rows <= _COMMON and word not in words]
        numbers = self._matches(_expression(query, words, others[:_OTHERS]), max(_SCANNED, texts))
        for start in range(0, len(numbers), _PAGE):
            page = [number for (number,) in numbers[start : start + _PAGE]]
            places = ", ".join("?" * len(page))
            rows = self._connection.execute(
                f"SELECT c._seq, {self._columns} FROM {self._from} WHERE c._seq IN ({places})", page
            )
            found = {number: _candidate(*row) for number, *row in rows}
            yield from (found[number] for number in page if number in found)

    def _matches(self, expression: str, most: int) -> list[tuple[int]]:
        """Return the numbers of records, some perhaps not published yet, unless it is about a collection."""
        names, fts = self._names, f"{self._names.fts}.{self._names.fts_column}"
        values: list[Any] = [expression]
        joined = condition = ""
        if self._values != (None,):  # else it isn't worth the reading of all those rows
            values += self._values
            joined = (
                f"JOIN {names.records} AS c ON c._seq = {names.fts}.rowid "
                f"JOIN {names.documents} AS d ON d.document_id = c._document_id "
            )
            condition = f"AND {self._condition} "
        return self._connection.execute(
            f"SELECT seq FROM (SELECT {names.fts}.rowid AS seq, bm25({fts}) AS score FROM {names.fts} "
            f"{joined}WHERE {fts} MATCH ?1 {condition}LIMIT {most}) ORDER BY score, seq",
            values,
        ).fetchall()

    def with_letters(self, text: str) -> Iterator[Candidate]:
        """Yield the records that are looked through."""
        return self._read(f"LIMIT {MOST_READ}")

    def all(self) -> Iterator[Candidate]:
        """Yield every record."""
        return self._read("")

    def _read(self, limit: str) -> Iterator[Candidate]:
        rows = self._connection.execute(
            f"SELECT {self._columns} FROM {self._from} WHERE ?1 AND {self._condition} {limit}",
            (True, *self._values),
        )
        return (_candidate(*row) for row in rows)


def _candidate(
    identity: str, collection: str, key: object, heading: str, text: str, *places: int | None
) -> Candidate:
    return Candidate(identity, collection, str(key), heading, text, *places)


def _expression(query: Query, words: Sequence[str], others: Sequence[str]) -> str:
    """Return what FTS5 is asked for: one of the words; the others count for the order alone."""
    some = [f'"{word}"' for word in words] + [f'"{prefix}" *' for prefix in query.prefixes]
    ordering = [f'"{word}"' for word in others]
    required = [_phrase(clause) for clause in query.required]
    if required:
        # the first once more, so that the others count for the order and are not required
        asked = f"({' AND '.join(required)}) AND ({' OR '.join([f'({required[0]})', *some, *ordering])})"
    else:
        asked = " OR ".join(some)
        if ordering:
            asked = f"({asked}) AND ({' OR '.join([*some, *ordering])})"
    excluded = " OR ".join(f"({_phrase(clause)})" for clause in query.excluded)
    return f"({asked}) NOT ({excluded})" if excluded else asked


def _phrase(clause: Clause) -> str:
    parts = [f'"{identifier}"' for identifier in clause.identifiers]
    if clause.words:
        parts.insert(0, f'"{" ".join(clause.words)}"{" *" if clause.prefix else ""}')
    return " AND ".join(parts)


def _varints(block: bytes) -> list[int]:
    """Return the numbers that SQLite wrote one after the other: seven bits a byte, the highest first."""
    numbers, value = [], 0
    for byte in block:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(value)
            value = 0
    return numbers
