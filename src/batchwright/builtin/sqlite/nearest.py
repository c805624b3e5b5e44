"""Which vectors are nearest: all of them are looked at, in a shorter form that is kept in memory."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by the schema

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError
from batchwright.sinkkit.sqlite.schema import Names

_AT_ONCE = 4_096  # vectors that are read at a time
_MULTIPLIED = 1_024  # at a time: more don't fit the processor's cache, and took ten times as long
_LONGEST = 127
_STEP = 900  # parameters a statement


class Nearest:
    """The vectors of one model, each number in a byte: 28 MB for 72,000 of 384 numbers.

    A byte a number finds the nearest in a quarter of the memory; of those the exact nearness is computed.
    What another connection added or removed is seen by the next search.

    Args:
        names: The tables.
        number: The model's number.
        dimensions: Numbers a vector.
    """

    def __init__(self, names: Names, number: int, dimensions: int) -> None:
        np = numpy()
        self._table = names.quoted["vectors"]
        self.number = number
        self._dimensions = dimensions
        self._places = np.empty(0, dtype=np.int64)
        self._short = np.empty((0, dimensions), dtype=np.int8)
        self._scale = np.empty(0, dtype=np.float32)
        self._state: tuple[int, int] | None = None

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Read what has been added since the last time, and forget what is gone."""
        ((version,),) = connection.execute("PRAGMA data_version").fetchall()
        state = version, connection.total_changes
        if state == self._state:
            return
        np = numpy()
        query = f"SELECT _seq FROM {self._table} WHERE model = ?"
        there = np.fromiter(chain.from_iterable(connection.execute(query, (self.number,))), dtype=np.int64)
        there.sort()
        stays = np.isin(self._places, there, assume_unique=True)
        new = np.setdiff1d(there, self._places, assume_unique=True)
        parts = [(self._places[stays], self._short[stays], self._scale[stays])]
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            parts.append((some, *self._shortened(self._read(connection, some))))
        self._places, self._short, self._scale = map(np.concatenate, zip(*parts, strict=True))
        self._state = state

    def by_nearness(self, vector: Vector, first: int) -> Iterator[list[int]]:
        """Yield the places of vectors in about the order of their nearness: so many, then four times as many.

        Args:
            vector: What they are to be near to.
            first: How many come first.
        """
        np = numpy()
        wanted = _unit(np.frombuffer(vector, dtype="<f4")[None, :])[0]
        scores = np.empty(len(self._places), dtype=np.float32)
        for start in range(0, len(scores), _MULTIPLIED):
            part = slice(start, start + _MULTIPLIED)
            scores[part] = self._short[part].astype(np.float32) @ wanted
        scores *= self._scale
        done, count = 0, first
        while done < len(scores):
            if count < len(scores):
                best = np.argpartition(-scores, count)[:count]
                best = best[np.argsort(-scores[best], kind="stable")]
            else:
                best = np.argsort(-scores, kind="stable")
            yield self._places[best[done:]].tolist()
            done, count = len(best), count * 4

    def _read(self, connection: sqlite3.Connection, places: Any) -> Any:
        """Return the vectors at places that are sorted, as rows."""
        query = f"SELECT _seq, vector FROM {self._table} WHERE _seq"
        if places[-1] - places[0] >= 4 * len(places):
            found = list(_of(connection, query, places.tolist()))
        else:
            wanted = set(places.tolist())
            rows = connection.execute(f"{query} BETWEEN ? AND ?", (int(places[0]), int(places[-1])))
            found = [row for row in rows if row[0] in wanted]
        found.sort(key=lambda row: row[0])
        return (
            numpy()
            .frombuffer(b"".join(vector for _, vector in found), dtype="<f4")
            .reshape(len(found), self._dimensions)
        )

    def _shortened(self, rows: Any) -> tuple[Any, Any]:
        np = numpy()
        unit = _unit(rows)
        largest = np.abs(unit).max(axis=1, keepdims=True)
        largest[largest == 0] = 1
        short = np.rint(unit * (_LONGEST / largest)).astype(np.int8)
        return short, (largest[:, 0] / _LONGEST).astype(np.float32)


def nearness(vector: Vector, others: Sequence[Vector]) -> list[float]:
    """Return the cosine of a vector with each of the others."""
    if not others:
        return []
    np = numpy()
    rows = np.frombuffer(b"".join(others), dtype="<f4").reshape(len(others), -1)
    cosines: list[float] = (_unit(rows) @ _unit(np.frombuffer(vector, dtype="<f4")[None, :])[0]).tolist()
    return cosines


def _unit(rows: Any) -> Any:
    """Return vectors of the length 1; those of no length stay so."""
    np = numpy()
    rows = rows.astype(np.float32)
    largest = np.abs(rows).max(axis=1, keepdims=True)  # squares of large numbers are beyond 32 bits
    largest[largest == 0] = 1
    rows = rows / largest
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    lengths[lengths == 0] = 1
    return rows / lengths


def _of(connection: sqlite3.Connection, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(values), _STEP):
        some = values[start : start + _STEP]
        yield from connection.execute(f"{query} IN ({', '.join('?' * len(some))})", some)


@cache
def numpy() -> Any:
    """Return the module.

    Raises:
        SinkError: It isn't installed; says how to do that.
    """
    try:
        import numpy
    except ImportError as error:
        raise SinkError("searching vectors here needs numpy: pip install 'batchwright[vectors]'") from error
    return numpy
