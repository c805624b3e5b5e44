"""Searching by vectors: by the index, or looking at all of them where they are few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.filters import KNOWS, said
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.vector_index import is_built
from batchwright.builtin.postgres.vector_tables import Extension, is_there, text_of
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.records import RecordType
from batchwright.contracts.search import SearchHit
from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError
from batchwright.sinkkit.filters import Condition, check_known
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.vectors.hits import FEW, NO_MODEL, beginning, checked
from batchwright.sinkkit.vectors.tables import PUBLISHED

Connection = psycopg.Connection[Any]

_FIRST = 64  # candidates that are looked at first
_CANDIDATES = 100  # that the index keeps at a time; more find more of the nearest, and take longer
_MOST_CANDIDATES = 1_000
_READ = 300  # characters of a text

# Each statement looks up few rows by their keys. What the server knows of tables just loaded makes it
# choose worse ways, and to compile a query takes longer than to answer it.
_SETTINGS = """
    SELECT set_config('jit', 'off', true), set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true), set_config('hnsw.ef_search', $1, true)"""
_ITERATIVE = "SELECT set_config('hnsw.iterative_scan', 'strict_order', true)"
_ONLY_INDEXES = "SELECT set_config('enable_seqscan', $1, true)"
_USED = "SELECT id, identity FROM {models} WHERE is_used"

# Of vectors of the length 1: squares of large numbers are beyond 32 bits. One without length is near nothing.
_NEARNESS = "-({ext}.l2_normalize(v.vector) OPERATOR({ext}.<#>) {ext}.l2_normalize($1::{type}))"

# The same text in many documents is one result. OFFSET 0 has its rows looked up by their key, and then put in
# order; not all rows read in the order wanted, until one has the key.
_HIT = """
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT c._id, d.collection, {key} AS key, {heading} AS heading, left({text}, {read}) AS body,
                {line}::bigint AS line, {page}::bigint AS page
            FROM {{records}} AS c JOIN {{documents}} AS d ON d.document_id = c._document_id
            WHERE c._vector_key = v.key AND {where} OFFSET 0
        ) AS same ORDER BY same._id LIMIT 1
    ) AS hit"""
_COLUMNS = "hit._id::text, hit.collection, hit.key::text, hit.heading, hit.body, hit.line, hit.page"
_BY_INDEX = """
    SELECT {columns}, {nearness} FROM {{vectors}} AS v {hit}
    WHERE v.model = {number} ORDER BY {unit} OPERATOR({{ext}}.<=>) {wanted} LIMIT $2"""
_OF_ALL = """
    SELECT {columns}, v.nearness FROM (
        SELECT v.key, {nearness} AS nearness FROM {{vectors}} AS v WHERE v.model = {number}
        ORDER BY nearness DESC, v.key LIMIT $2
    ) AS v {hit}
    ORDER BY v.nearness DESC, hit._id"""
_OF_FEW = """
    WITH few AS MATERIALIZED (
        SELECT c._vector_key AS key FROM {published}
        WHERE {where} AND length(c._vector_key) = 32 LIMIT {few} + 1
    ), size AS MATERIALIZED (SELECT count(*) AS rows FROM few), nearest AS MATERIALIZED (
        SELECT v.key, {nearness} AS nearness FROM (SELECT DISTINCT key FROM few) AS f
        JOIN {{vectors}} AS v ON v.model = {number} AND v.key = f.key
        WHERE (SELECT rows FROM size) <= {few} ORDER BY nearness DESC LIMIT $2
    )
    SELECT {columns}, v.nearness, (SELECT rows FROM size) FROM nearest AS v {hit}
    UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, (SELECT rows FROM size)"""
# Document by document: OFFSET 0 keeps the server from reading all rows, and looking for the document of each.
_OF_COLLECTION = """
    {documents} AS d CROSS JOIN LATERAL (SELECT * FROM {records} AS c WHERE {belongs} OFFSET 0) AS c"""
_HOW_MANY = "SELECT count(*) FROM {vectors} WHERE model = $1"


class VectorSearch:
    """Searches the published records by the vectors of the model in use.

    Args:
        names: The relations.
        dialect: How texts are kept.
        record_type: What the records are.
    """

    def __init__(self, names: Names, dialect: PostgresDialect, record_type: RecordType) -> None:
        self._names = names
        self._dialect = dialect
        searched = Searched.of(record_type, kept)
        self._columns = (*searched.columns("c."), *searched.places("c."))

    def search(
        self,
        connection: Connection,
        vector: Vector,
        limit: int,
        collection: str | None,
        conditions: Sequence[Condition],
    ) -> list[SearchHit]:
        """Return the nearest records, nearest first, the same text once; exactly where they are few.

        Args:
            connection: In a transaction.
            vector: What they are near to.
            limit: Results, at most.
            collection: Only of this one.
            conditions: Which records.

        Raises:
            SinkError: No model is in use, or the vector is none of it.
        """
        number, model = self._model(connection)
        checked(vector, model)
        extension = Extension.of(connection)
        where, values = said(conditions, 3)
        if collection is not None:
            where, values = f"{where} AND d.collection = ${3 + len(values)}", [*values, collection]
        belongs = None if collection is None else self._dialect.belongs("d.document_id")
        search = _Search(self, extension, number, model, where, belongs)
        given = [text_of(vector), limit, *values]
        with connection.transaction(force_rollback=True):  # what is set goes with it
            connection.execute(_SETTINGS, [str(min(_MOST_CANDIDATES, max(_CANDIDATES, 2 * limit)))])
            rows = None if where == "true" else search.of_few(connection, given)
            if rows is None and is_built(connection, self._names, number):
                rows = search.by_index(connection, given)
                rows = rows if len(rows) >= limit else None
            if rows is None:
                rows = search.of_all(connection, given)
        found = sorted(rows, key=lambda row: (-row[7], row[0]))[:limit]
        return [
            SearchHit(identity, own, key, heading, beginning(body), score, line=line, page=page)
            for identity, own, key, heading, body, line, page, score in found
        ]

    def known(self, connection: Connection, conditions: Sequence[Condition]) -> None:
        """Check that the keys of metadata that are asked for are there.

        Raises:
            ConfigError: No record has one of them.
        """
        query = self._names.statement(KNOWS)
        check_known(conditions, lambda name: bool(connection.execute(query, [name]).fetchall()))

    def _model(self, connection: Connection) -> tuple[int, EmbeddingModel]:
        there = is_there(connection, self._names, "models")
        found = there and connection.execute(self._names.statement(_USED)).fetchone()
        if not found:
            raise SinkError(NO_MODEL)
        return found[0], EmbeddingModel.of_identity(self._dialect.exact(found[1]))


class _Search:
    """The statements of one search. Parameters are the vector, the limit, and those of the conditions."""

    def __init__(
        self,
        of: VectorSearch,
        extension: Extension,
        number: int,
        model: EmbeddingModel,
        where: str,
        belongs: str | None,
    ) -> None:
        self._names = of._names
        self._extension = extension
        self._number = number
        self._is_of_collection = belongs is not None
        key, heading, text, line, page = map(for_format, of._columns)
        self._parts = {
            "columns": _COLUMNS,
            "nearness": _NEARNESS,
            "hit": _HIT.format(
                key=key, heading=heading, text=text, line=line, page=page, read=_READ, where=where
            ),
            "number": number,
            "unit": extension.unit(model.dimensions),
            "wanted": extension.unit(model.dimensions, "$1::{type}"),
            "where": where,
            "published": _OF_COLLECTION.replace("{belongs}", belongs) if belongs else PUBLISHED,
            "few": FEW,
        }

    def by_index(self, connection: Connection, given: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return what the index finds, which may be less than there is."""
        if self._extension.iterates:
            connection.execute(_ITERATIVE)
        connection.execute(_ONLY_INDEXES, ["off"])
        return self._rows(connection, _BY_INDEX, given)

    def of_few(self, connection: Connection, given: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """Return the nearest of the records that meet the conditions; None where these are many."""
        connection.execute(_ONLY_INDEXES, ["off" if self._is_of_collection else "on"])
        *rows, (*_, count) = self._rows(connection, _OF_FEW, given)
        return None if count > FEW else [row[:8] for row in rows]

    def of_all(self, connection: Connection, given: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the nearest of all, by looking at more and more of them."""
        vector, limit, *values = given
        connection.execute(_ONLY_INDEXES, ["on"])
        ((there,),) = connection.execute(self._names.statement(_HOW_MANY), [self._number]).fetchall()
        count = max(_FIRST, 4 * limit)
        while True:
            rows = self._rows(connection, _OF_ALL, [vector, count, *values])
            if len(rows) >= limit or count >= there:
                return rows
            count *= 8

    def _rows(self, connection: Connection, template: str, given: Sequence[Any]) -> list[tuple[Any, ...]]:
        text = template.format(**self._parts)
        statement = self._extension.statement(self._names, text)
        return connection.execute(statement, given).fetchall()
