"""The vectors of a relation in Postgres, with pgvector."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors, sql

from batchwright.builtin.postgres import faults, langchain_view, vector_index, vector_tables
from batchwright.builtin.postgres.columns import kept as column
from batchwright.builtin.postgres.connection import Database
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import BYTEA, UUID, BinaryArray, array, uuids
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.vector_tables import Extension, Numbers
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.records import RecordType
from batchwright.contracts.vectors import (
    Key,
    StoredModel,
    Unembedded,
    Vector,
    VectorCounts,
    Vectors,
    Without,
    check_lengths,
)
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_ledger.ledger import now
from batchwright.sinkkit.sql_ledger.steps.collection import fencing
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.vectors import tables
from batchwright.sinkkit.vectors.keys import NO_TEXT, OUTAGE, kept, key_of, refused_by

_NOBODY = -1  # the number of a model that isn't there

Connection = psycopg.Connection[Any]

# ruff: noqa: S608 - what is put together here are our own names
_NONE, _DOWN = (f"decode('{reason.hex()}', 'hex')" for reason in (NO_TEXT, OUTAGE))
# Whole statements have these two parameters first: the model's number, and what it refused.
_LACKS = tables.lacks("$1::integer", no_text=_NONE, refused="$2::bytea")
_UNPREPARED = f"($1::integer = $1 AND $2::bytea = $2 AND c._vector_key IS DISTINCT FROM {_NONE})"
_HAS = tables.has("$1", _LACKS, no_text=_NONE, outage=_DOWN)
_HAS_UNPREPARED = f"CASE WHEN {_UNPREPARED} THEN 'lacking' ELSE 'no_text' END"

_SIZE = "SELECT count(*) FROM {vectors} AS v JOIN {models} AS m ON m.id = v.model WHERE m.identity = $1"
_KNOWN = f"{tables.KNOWN}$1"
_ENTER = """
    INSERT INTO {models} AS m (identity, canary, is_used, place)
    VALUES ($1, $2, false, (SELECT coalesce(max(place), 0) + 1 FROM {models}))
    ON CONFLICT (identity) DO UPDATE SET place = excluded.place WHERE NOT m.is_used"""
# In the order of the keys, so that two who do the same wait for each other, but not both ways.
_PUT = """
    INSERT INTO {vectors} (model, key, vector)
    SELECT $1, r.key, r.vector FROM unnest($2, $3) AS r (key, vector) ORDER BY r.key
    ON CONFLICT (model, key) DO NOTHING"""
_KEEP = """
    DELETE FROM {unused} AS u USING (
        SELECT o.key FROM {unused} AS o WHERE o.model = $1 AND o.key = ANY ($2) ORDER BY o.key FOR UPDATE
    ) AS r WHERE u.model = $1 AND u.key = r.key"""
_NOT_REFUSED = "DELETE FROM {refused} WHERE model = $1 AND key = ANY ($2)"
_ATTACH = """
    UPDATE {records} AS c SET _vector_key = r.key FROM (
        SELECT p._id, r.key FROM unnest($1, $2) AS r (id, key) JOIN {records} AS p ON p._id = r.id
        JOIN {documents} AS d ON d.document_id = p._document_id
        WHERE d.collection = $3 AND (r.key <> $4 OR length(p._vector_key) IS DISTINCT FROM 32)
        ORDER BY p._id FOR UPDATE OF p
    ) AS r WHERE c._id = r._id AND c._vector_key IS DISTINCT FROM r.key"""
_REFUSE = """
    INSERT INTO {refused} (model, key)
    SELECT DISTINCT $4::integer, c._vector_key FROM unnest($1, $2) AS r (id, key)
    JOIN {records} AS c ON c._id = r.id JOIN {documents} AS d ON d.document_id = c._document_id
    WHERE d.collection = $3 AND r.key = $5 AND length(c._vector_key) = 32 ORDER BY c._vector_key
    ON CONFLICT DO NOTHING"""
_LOCK = "SELECT id, identity, is_used FROM {models} ORDER BY id FOR UPDATE"
_USE = "UPDATE {models} SET is_used = (id = $1) WHERE is_used <> (id = $1)"
_USED_AGAIN = """
    DELETE FROM {unused} AS u WHERE EXISTS (SELECT 1 FROM {records} AS c WHERE c._vector_key = u.key)"""
_SWEEP = """
    WITH gone AS (DELETE FROM {unused} AS u WHERE u.since < $1 RETURNING u.model, u.key)
    DELETE FROM {vectors} AS v USING gone AS g WHERE v.model = g.model AND v.key = g.key"""
_MARK = f"""
    INSERT INTO {{unused}} (model, key, since)
    SELECT v.model, v.key, $1 FROM {{vectors}} AS v WHERE {tables.UNUSED}
    ON CONFLICT DO NOTHING"""


class PostgresVectors(Vectors):
    """The vectors beside the records.

    Args:
        database: The connection.
        names: The relations.
        dialect: How the ledger's steps are said.
        record_type: What the records are; it has a text.
    """

    def __init__(
        self, database: Database, names: Names, dialect: PostgresDialect, record_type: RecordType
    ) -> None:
        self._database = database
        self._names = names
        self._dialect = dialect
        self._record_type = record_type
        self._numbers = Numbers(names, dialect)
        self._extension: Extension | None = None

    def models(self) -> list[StoredModel]:
        """Return the models that vectors are kept of, the one in use first, then by identity."""
        with self._transaction() as connection:
            if not self._numbers.are_there(connection):
                return []
            found = connection.execute(self._said(tables.MODELS)).fetchall()
        return [
            StoredModel(EmbeddingModel.of_identity(self._dialect.exact(identity)), bytes(canary), is_used)
            for identity, canary, is_used in found
        ]

    def size(self, model: EmbeddingModel) -> int:
        """Return how many vectors are kept of a model."""
        with self._transaction() as connection:
            if not self._numbers.are_there(connection):
                return 0
            found = connection.execute(self._said(_SIZE), [self._dialect.held(model.identity)])
            return int(found.fetchall()[0][0])

    def prepare(self, model: EmbeddingModel, canary: Vector) -> Vector:
        """Make a place for the model's vectors where there is none; return the canary that is kept.

        A model that was given up for another, and is wanted again, is the one to come once more.

        Raises:
            SinkError: pgvector is missing, or a privilege.
        """
        identity = self._dialect.held(model.identity)
        with self._transaction() as connection:
            if self._numbers.are_there(connection):
                found = connection.execute(self._said(_KNOWN), [identity]).fetchone()
                if found and found[1]:
                    return bytes(found[0])
        with self._transaction() as connection:
            vector_tables.alone(connection, self._names, "models")
            if not self._numbers.are_there(connection):
                vector_tables.create(connection, self._names, self._record_type)
            connection.execute(self._said(_ENTER), [identity, canary])
            found = connection.execute(self._said(_KNOWN), [identity]).fetchone()
        assert found is not None  # noqa: S101 - it was stored a moment ago
        return bytes(found[0])

    def missing(self, model: EmbeddingModel, keys: Collection[Key], *, keep: bool = True) -> set[Key]:
        """Return those of the keys that have no vector; with `keep` the others outlast the next sweep."""
        wanted = [*dict.fromkeys(keys)]
        with self._transaction() as connection:
            number = self._numbers.now(connection, model.identity)
            if number is None:
                return set(wanted)
            given = [number, _keys(wanted)]
            if keep and connection.execute(self._said("SELECT 1 FROM {unused} LIMIT 1")).fetchone():
                # who may not write has no vectors to come
                with (
                    suppress(errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction),
                    connection.transaction(),
                ):
                    connection.execute(self._said(_KEEP), given)
            query = "SELECT key FROM {vectors} WHERE model = $1 AND key = ANY ($2)"
            there = connection.execute(self._said(query), given).fetchall()
        return set(wanted).difference(bytes(key) for (key,) in there)

    def put(self, model: EmbeddingModel, vectors: Mapping[Key, Vector]) -> None:
        """Keep vectors; of a key that has one, nothing changes. Twice has the effect of once.

        Raises:
            ValueError: A vector has another length than those of the model.
            SinkError: The model was not prepared.
        """
        if not vectors:
            return
        check_lengths(model, vectors.values())
        with self._transaction() as connection:
            number, extension = self._number(connection, model), self._pgvector(connection)
            keys = _keys(vectors)
            with connection.pipeline():
                connection.execute(self._said(_PUT), [number, keys, extension.array(vectors.values())])
                connection.execute(self._said(_KEEP), [number, keys])
                connection.execute(self._said(_NOT_REFUSED), [number, keys])

    def lacking(
        self, model: EmbeddingModel, collection: str, after: str = "", limit: int = 1000
    ) -> list[Unembedded]:
        """Return a collection's published rows with an id > `after` that a run has to embed, by id."""
        _, heading, text = map(for_format, Searched.of(self._record_type, column).columns("c."))
        with self._transaction() as connection:
            lacking = _LACKS if self._numbers.are_there(connection) else _UNPREPARED
            query = (
                f"SELECT c._id::text, {heading}, {text}, c._vector_key, d.key FROM {tables.PUBLISHED} "
                f"WHERE d.collection = $3 AND ($4::text = '' OR c._id > nullif($4, '')::uuid) AND {lacking} "
                "ORDER BY c._id LIMIT $5"
            )
            found = self._found(connection, model, query, collection, after, limit)
        return [
            Unembedded(identity, head, body, key_of(held), self._dialect.exact(document_key))
            for identity, head, body, held, document_key in found
        ]

    def attach(
        self,
        model: EmbeddingModel,
        collection: str,
        keys: Mapping[str, Key | Without],
        token: str | None,
    ) -> None:
        """Keep the keys of published rows, by record id; rows that are gone meanwhile are passed over.

        A text that the model refuses stays with the vector that another model made of it.

        Raises:
            LeaseLost: The token's lease is another run's by now.
        """
        with self._transaction() as connection:
            self._dialect.carry_out(connection, fencing(collection, token, "", locks=True))
            number = self._number(connection, model)
            given: list[Any] = [array(UUID, uuids(keys)), _keys(kept(keys.values(), number)), collection]
            connection.execute(self._said(_ATTACH), [*given, refused_by(number)])
            connection.execute(self._said(_REFUSE), [*given, number, refused_by(number)])

    def use(self, model: EmbeddingModel) -> list[str]:
        """Have searches and the view use the model's vectors, if no collection has rows that lack them.

        Its index is built before: once all the vectors are there.
        """
        with self._transaction() as connection:
            number = self._number(connection, model)
            complete = not self._lacking(connection, model)
        if complete:
            with self._transaction() as connection:
                vector_index.build(connection, self._names, self._pgvector(connection), number, model)
        with self._transaction() as connection:
            models = connection.execute(self._said(_LOCK)).fetchall()
            used = [id_ for id_, _, is_used in models if is_used]
            lacking = self._lacking(connection, model)
            if used != [number] and not (lacking and used):
                connection.execute(self._said(_USE), [number])
            langchain_view.show(connection, self._names, self._record_type)
        return lacking

    def sweep(self, before: str) -> int:
        """Remove vectors that no row has used since a moment; return how many.

        What is found to be unused is noted, with the time. What was noted by an earlier sweep, before
        `before`, and is still unused, goes: so nothing goes that a run has just found.
        """
        with self._transaction() as connection:
            if not self._numbers.are_there(connection):
                return 0
        with self._transaction() as connection:
            connection.execute(self._said(_LOCK))  # whose guard has seen a vector, publishes first
            removed = 0
            for (number,) in connection.execute(self._said(tables.OUTDATED)).fetchall():
                removed += self._drop(connection, number)
            connection.execute(self._said(_USED_AGAIN))
            removed += connection.execute(self._said(_SWEEP), [before]).rowcount
            connection.execute(self._said(f"DELETE FROM {{refused}} AS v WHERE {tables.UNUSED}"))
            connection.execute(self._said(_MARK), [now()])
        return removed

    def counts(self, model: EmbeddingModel, collection: str | None = None) -> VectorCounts:
        """Return what the published rows of a collection have, or of all."""
        with self._transaction() as connection:
            has = _HAS if self._numbers.are_there(connection) else _HAS_UNPREPARED
            query = (
                f"SELECT {has} AS has, count(*) FROM {tables.PUBLISHED} "
                "WHERE $3::text IS NULL OR d.collection = $3 GROUP BY has"
            )
            return VectorCounts(**dict(self._found(connection, model, query, collection)))

    def orphans(self) -> int:
        """Return how many vectors no row uses."""
        with self._transaction() as connection:
            if not self._numbers.are_there(connection):
                return 0
            found = connection.execute(self._said(tables.ORPHANS))
            return int(found.fetchall()[0][0])

    # --- what all of them need ----------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._database.transaction() as connection:
                yield connection
        except errors.InsufficientPrivilege as error:
            if "for schema" in str(error) or "must be owner" in str(error):
                raise faults.preparing(error, self._database.user, self._names.quoted_schema) from error
            relations = ", ".join(self._names.tables[suffix] for suffix in tables.TABLES)
            raise faults.lacking(error, self._database.user, relations) from error

    def _said(self, template: str) -> sql.Composed:
        return self._names.statement(template)

    def _pgvector(self, connection: Connection) -> Extension:
        if self._extension is None:
            self._extension = Extension.of(connection)
        return self._extension

    def _number(self, connection: Connection, model: EmbeddingModel) -> int:
        """Return the model's number as it is now: a sweep may have removed the model since.

        Raises:
            SinkError: It was not prepared, or removed.
        """
        number = self._numbers.now(connection, model.identity)
        if number is None:
            raise vector_tables.removed(model.name)
        return number

    def _found(
        self, connection: Connection, model: EmbeddingModel, query: str, *values: Any
    ) -> list[tuple[Any, ...]]:
        """Return what a query finds whose first parameters are the model's number, and what it refused."""
        number = self._numbers.now(connection, model.identity)
        known = _NOBODY if number is None else number
        return connection.execute(self._said(query), [known, refused_by(known), *values]).fetchall()

    def _lacking(self, connection: Connection, model: EmbeddingModel) -> list[str]:
        query = f"SELECT DISTINCT d.collection FROM {tables.PUBLISHED} WHERE {_LACKS} ORDER BY d.collection"
        return [name for (name,) in self._found(connection, model, query)]

    def _drop(self, connection: Connection, number: int) -> int:
        if not vector_index.drop(connection, self._names, number):
            return 0  # the next sweep sees to it
        removed = connection.execute(self._said("DELETE FROM {vectors} WHERE model = $1"), [number]).rowcount
        for table in ("refused", "unused"):
            connection.execute(self._said(f"DELETE FROM {{{table}}} WHERE model = $1"), [number])
        connection.execute(self._said("DELETE FROM {models} WHERE id = $1"), [number])
        return removed


def _keys(keys: Collection[bytes] | Iterator[bytes] | Mapping[bytes, Any]) -> BinaryArray:
    return array(BYTEA, [len(key).to_bytes(4, "big") + key for key in keys])
