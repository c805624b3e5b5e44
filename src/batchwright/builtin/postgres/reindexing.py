"""Making the search column anew, after what a term is has changed: from the records, a part at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import psycopg

from batchwright.builtin.postgres import statistics
from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.encoding import UUID, array, uuids
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.schema import SEARCHED_KEY
from batchwright.builtin.postgres.search_column import SEARCHED, SearchColumn
from batchwright.builtin.postgres.tsvector import TSVECTOR
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.search.normal import VERSION
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format

AT_ONCE = 200
"""Records of a transaction."""

_KEY = "reindexing"
_FIRST = "00000000-0000-0000-0000-000000000000"

_PAGE = """
    SELECT c._id::text, left({heading}, {most}), left({text}, {most}) FROM {{records}} AS c
    WHERE c._id > $1::uuid ORDER BY c._id LIMIT {at_once} FOR NO KEY UPDATE"""
_PUT = """
    UPDATE {records} AS c SET _search = r.terms FROM unnest($1, $2) AS r (id, terms)
    WHERE c._id = r.id AND c._search IS DISTINCT FROM r.terms"""
_REACHED = "SELECT value FROM {meta} WHERE key = $1"
_KEEP = """
    INSERT INTO {meta} AS m (key, value) VALUES ($1, $2)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value"""
_FORGET = "DELETE FROM {meta} WHERE key = $1"


class _Server(Protocol):
    """What lends a connection in a transaction."""

    def transaction(self) -> AbstractContextManager[psycopg.Connection[Any]]: ...


def reindex(
    server: _Server, names: Names, record_type: RecordType, encoding: ServerEncoding
) -> Iterator[int]:
    """Make the search column of all records anew; yield how many were looked at, a transaction each.

    What was interrupted goes on where it was. New records have new terms whatever becomes of this.

    Args:
        server: The connection.
        names: The relation.
        record_type: What its records are.
        encoding: The database's encoding.
    """
    column = SearchColumn(record_type, encoding)
    _, heading, text = map(for_format, Searched.of(record_type, kept).columns("c."))
    page = names.statement(_PAGE.format(heading=heading, text=text, most=SEARCHED, at_once=AT_ONCE))
    while True:
        with server.transaction() as connection:
            found = connection.execute(names.statement(_REACHED), [_KEY]).fetchall()
            reached = json.loads(found[0][0]) if found else {}
            after = reached["after"] if reached.get("version") == VERSION else _FIRST
            rows = connection.execute(page, [after]).fetchall()
            if not rows:
                connection.execute(names.statement(_KEEP), [SEARCHED_KEY, str(VERSION)])
                connection.execute(names.statement(_FORGET), [_KEY])
                break
            ids, headings, texts = zip(*rows, strict=True)
            values = [array(UUID, uuids(ids)), array(TSVECTOR, column.fields(headings, texts))]
            connection.execute(names.statement(_PUT), values)
            reached = {"version": VERSION, "after": ids[-1]}
            connection.execute(names.statement(_KEEP), [_KEY, json.dumps(reached)])
        yield len(rows)
    with server.transaction() as connection:
        statistics.refresh(connection, names, anew=True)
