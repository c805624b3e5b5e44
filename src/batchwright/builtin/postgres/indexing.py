"""The search column: of which version its terms are, and making it anew from the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Self

import psycopg

from batchwright.builtin.postgres import statistics
from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.encoding import UUID, array, uuids
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.search_column import SEARCHED, SearchColumn
from batchwright.builtin.postgres.tsvector import TSVECTOR
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.search.version import VERSION
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

AT_ONCE = 200
"""Records that are made anew in a transaction."""

VERSION_KEY, INDEXED_KEY = "search_version", "search_indexed"
"""Under which meta keeps the state."""

_ALL = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_NONE = "00000000-0000-0000-0000-000000000000"

_PAGE = """
    SELECT c._id::text, left({heading}, {most}), left({text}, {most}) FROM {{records}} AS c
    WHERE c._id > $1::uuid ORDER BY c._id LIMIT {at_once} FOR NO KEY UPDATE"""
_PUT = """
    UPDATE {records} AS c SET _search = r.terms FROM unnest($1, $2) AS r (id, terms)
    WHERE c._id = r.id AND c._search IS DISTINCT FROM r.terms"""
_KEEP = "UPDATE {meta} SET value = $2 WHERE key = $1"

Connection = psycopg.Connection[Any]


class State(NamedTuple):
    """How far the search column is made.

    Attributes:
        version: Of the terms.
        indexed: The id of the record up to which they are of this version; those behind it may not be.
    """

    version: int = VERSION
    indexed: str = _ALL

    @classmethod
    def of(cls, meta: Mapping[str, str]) -> Self | None:
        """Return the state that meta has; None where there is no search column."""
        return cls(int(meta[VERSION_KEY]), meta[INDEXED_KEY]) if VERSION_KEY in meta else None

    def as_meta(self) -> dict[str, str]:
        """Return the state as meta has it."""
        return {VERSION_KEY: str(self.version), INDEXED_KEY: self.indexed}

    @property
    def is_complete(self) -> bool:
        """Whether all records have the terms of this version."""
        return self.indexed == _ALL

    @property
    def is_usable(self) -> bool:
        """Whether a search can rely on it."""
        return self.version == VERSION and self.is_complete


def state(connection: Connection, names: Names) -> State | None:
    """Return how far the search column is made; None where there is none."""
    query = names.statement("SELECT key, value FROM {meta} WHERE key = ANY ($1::text[])")
    return State.of(dict(connection.execute(query, [[VERSION_KEY, INDEXED_KEY]]).fetchall()))


def reindex(
    transaction: Callable[[], AbstractContextManager[Connection]],
    names: Names,
    record_type: RecordType,
    encoding: ServerEncoding,
) -> Iterator[int]:
    """Make the search column anew, or go on where an earlier call broke off; yield the records of each step.

    Args:
        transaction: Opens a transaction.
        names: The relation; it has a search column.
        record_type: What its records are.
        encoding: The database's encoding.
    """
    column = SearchColumn(record_type, encoding)
    _, heading, text = map(for_format, Searched.of(record_type, kept).columns("c."))
    page = names.statement(_PAGE.format(heading=heading, text=text, most=SEARCHED, at_once=AT_ONCE))
    with transaction() as connection:
        made = state(connection, names)
        if made is None or made.is_complete or made.version != VERSION:
            made = State(indexed=_NONE)
            _note(connection, names, made)
    after = made.indexed
    while after != _ALL:
        with transaction() as connection:
            rows = connection.execute(page, [after]).fetchall()
            if rows:
                ids, headings, texts = zip(*rows, strict=True)
                values = [array(UUID, uuids(ids)), array(TSVECTOR, column.fields(headings, texts))]
                connection.execute(names.statement(_PUT), values)
            after = rows[-1][0] if rows else _ALL
            _note(connection, names, State(indexed=after))
            if not rows:
                statistics.refresh(connection, names, anew=True)
        yield len(rows)


def _note(connection: Connection, names: Names, made: State) -> None:
    for entry in made.as_meta().items():
        connection.execute(names.statement(_KEEP), entry)
