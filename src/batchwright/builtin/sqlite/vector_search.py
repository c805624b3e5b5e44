"""Searching by vectors."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by the schema

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from batchwright.builtin.sqlite.filters import KNOWS, said
from batchwright.builtin.sqlite.nearest import Nearest, nearness
from batchwright.builtin.sqlite.vectors import is_prepared
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.search import SearchHit
from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError
from batchwright.sinkkit.filters import Condition, check_known
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.sqlite.schema import Names
from batchwright.sinkkit.vectors.hits import FEW, NO_MODEL, beginning, checked

_FIRST = 64  # candidates that are looked at first
_STEP = 900  # parameters a statement
_TIES = 20  # results more than asked for: those that are as near as the last are put in order by id

_Found = tuple[float, str, tuple[Any, ...]]
"""Nearness, id, and the columns of `VectorSearch._rows`."""


class VectorSearch:
    """Searches the published records by the vectors of the model in use.

    Args:
        names: The tables.
        searched: The columns of the records.
    """

    def __init__(self, names: Names, searched: Searched) -> None:
        self._names = names
        self._searched = searched
        self._nearest: Nearest | None = None

    def search(
        self,
        connection: sqlite3.Connection,
        vector: Vector,
        limit: int,
        collection: str | None,
        conditions: Sequence[Condition],
    ) -> list[SearchHit]:
        """Return the nearest records, nearest first, the same text once; exactly where they are few.

        Raises:
            SinkError: No model is in use, or the vector is none of it.
        """
        number, model = self._model(connection)
        checked(vector, model)
        where, values = said(conditions)
        where = for_format(where)
        if collection is not None:
            where, values = f"{where} AND d.collection = ?", [*values, collection]
        keys = self._few(connection, where, values) if where != "1" else None
        if keys is not None:
            scored = sorted(self._scored(connection, number, vector, keys), key=lambda one: -one[0])
            some = [place for _, place in scored[: limit + _TIES]]
            return self._hits(_best((), vector, self._rows(connection, some, where, values), limit))
        if self._nearest is None or self._nearest.number != number:
            self._nearest = Nearest(self._names, number, model.dimensions)
        self._nearest.refresh(connection)
        found: list[_Found] = []
        for places in self._nearest.by_nearness(vector, max(_FIRST, 4 * limit)):
            found = _best(found, vector, self._rows(connection, places, where, values), limit)
            if len(found) >= limit:
                break
        return self._hits(found)

    def known(self, connection: sqlite3.Connection, conditions: Sequence[Condition]) -> None:
        """Check that the keys of metadata that are asked for are there.

        Raises:
            ConfigError: No record has one of them.
        """
        query = self._said(f"SELECT 1 FROM {{records}} AS c WHERE {KNOWS} LIMIT 1")
        check_known(conditions, lambda name: connection.execute(query, (name,)).fetchone() is not None)

    def _model(self, connection: sqlite3.Connection) -> tuple[int, EmbeddingModel]:
        found = None
        if is_prepared(connection, self._names):
            found = connection.execute(
                self._said("SELECT id, identity FROM {models} WHERE is_used")
            ).fetchone()
        if found is None:
            raise SinkError(NO_MODEL)
        return int(found[0]), EmbeddingModel.of_identity(found[1])

    def _few(self, connection: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[bytes] | None:
        """Return the keys of the rows that meet the conditions; None where they are many."""
        query = (
            "SELECT c._vector_key FROM {records} AS c "
            "JOIN {documents} AS d ON d.document_id = c._document_id "
            f"WHERE {where} AND length(c._vector_key) = 32 LIMIT {FEW + 1}"
        )
        keys = [key for (key,) in connection.execute(self._said(query), values)]
        return None if len(keys) > FEW else list(dict.fromkeys(keys))

    def _scored(
        self, connection: sqlite3.Connection, number: int, vector: Vector, keys: Sequence[bytes]
    ) -> Iterator[tuple[float, int]]:
        """Yield the nearness and the place of the vectors of these keys."""
        for start in range(0, len(keys), _STEP):
            some = keys[start : start + _STEP]
            marks = ", ".join("?" * len(some))
            query = f"SELECT _seq, vector FROM {{vectors}} WHERE model = ? AND key IN ({marks})"
            rows = connection.execute(self._said(query), [number, *some]).fetchall()
            yield from zip(nearness(vector, [one for _, one in rows]), [seq for seq, _ in rows], strict=True)

    def _rows(
        self, connection: sqlite3.Connection, places: Sequence[int], where: str, values: Sequence[Any]
    ) -> Iterator[tuple[Any, ...]]:
        """Yield vector, id, collection, key, heading, text, line, page of the first record of each vector."""
        shown = map(for_format, (*self._searched.columns("c."), *self._searched.places("c.")))
        columns = ", ".join(shown)
        for start in range(0, len(places), _STEP):
            some = places[start : start + _STEP]
            query = (
                f"SELECT v.vector, min(c._id), d.collection, {columns} "
                "FROM {vectors} AS v CROSS JOIN {records} AS c CROSS JOIN {documents} AS d "
                f"WHERE v._seq IN ({', '.join('?' * len(some))}) AND c._vector_key = v.key "
                f"AND d.document_id = c._document_id AND {where} GROUP BY v._seq"
            )
            yield from connection.execute(self._said(query), [*some, *values])

    def _said(self, text: str) -> str:
        return text.format(**self._names.quoted)

    def _hits(self, found: Sequence[_Found]) -> list[SearchHit]:
        return [
            SearchHit(identity, own, str(key), heading, beginning(text), score, line=line, page=page)
            for score, _, (_, identity, own, key, heading, text, line, page) in found
        ]


def _best(
    found: Sequence[_Found], vector: Vector, rows: Iterable[tuple[Any, ...]], limit: int
) -> list[_Found]:
    rows = list(rows)
    scores = nearness(vector, [row[0] for row in rows])
    every = [*found, *((score, row[1], row) for score, row in zip(scores, rows, strict=True))]
    return sorted(every, key=lambda one: (-one[0], one[1]))[:limit]
