"""The vectors of a relation in SQLite: BLOBs by model and key."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by the schema

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

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
from batchwright.errors import SinkError
from batchwright.sinkkit.searched import Searched
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.ledger import now
from batchwright.sinkkit.sql_ledger.steps.collection import fencing
from batchwright.sinkkit.sql_tables import for_format
from batchwright.sinkkit.sqlite.database import Database
from batchwright.sinkkit.sqlite.schema import Names
from batchwright.sinkkit.vectors import tables
from batchwright.sinkkit.vectors.keys import NO_TEXT, OUTAGE, kept, key_of, refused_by

_KEYS_AT_ONCE = 500  # a statement; SQLite had 999 parameters at most before 3.32
_NOBODY = -1  # the number of a model that isn't there

# The vectors lie in the order in which they came: by key, each of a batch would be in a page of its own.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS {models} (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "identity TEXT NOT NULL UNIQUE, canary BLOB NOT NULL, is_used INTEGER NOT NULL, place INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {vectors} (_seq INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, "
    "key BLOB NOT NULL, vector BLOB NOT NULL, UNIQUE (model, key))",
    "CREATE TABLE IF NOT EXISTS {refused} (model INTEGER NOT NULL, key BLOB NOT NULL, "
    "PRIMARY KEY (model, key)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS {unused} (model INTEGER NOT NULL, key BLOB NOT NULL, since TEXT NOT NULL, "
    "PRIMARY KEY (model, key)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS {records_by_vector} ON {records} (_vector_key) WHERE _vector_key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS {purged} ON {unused} (model, key) WHERE since = ''",
)

_NONE, _DOWN = (f"x'{reason.hex()}'" for reason in (NO_TEXT, OUTAGE))
_LACKS = tables.lacks(":model", no_text=_NONE, refused=":refused")
_UNPREPARED = f"c._vector_key IS NOT {_NONE}"
_HAS = tables.has(":model", _LACKS, no_text=_NONE, outage=_DOWN)
_HAS_UNPREPARED = f"CASE WHEN {_UNPREPARED} THEN 'lacking' ELSE 'no_text' END"
_OWN = (
    "_id = ?2 AND EXISTS (SELECT 1 FROM {documents} AS d "
    "WHERE d.document_id = {records}._document_id AND d.collection = ?3)"
)
_ATTACH = (
    f"UPDATE {{records}} SET _vector_key = ?1 WHERE {_OWN} AND (?1 <> ?4 OR length(_vector_key) IS NOT 32)"
)
_REFUSE = (
    "INSERT OR IGNORE INTO {refused} (model, key) "
    f"SELECT ?1, _vector_key FROM {{records}} WHERE {_OWN} AND length(_vector_key) = 32"
)


class SqliteVectors(Vectors):
    """The vectors beside the records.

    Args:
        database: The database.
        names: The tables.
        dialect: How the ledger's steps are said.
        record_type: What the records are; it has a text.
    """

    def __init__(self, database: Database, names: Names, dialect: Dialect, record_type: RecordType) -> None:
        self._database = database
        self._names = names
        self._dialect = dialect
        self._searched = Searched.of(record_type)

    def models(self) -> list[StoredModel]:
        """Return the models that vectors are kept of, the one in use first, then by identity."""
        with self._reading() as connection:
            if connection is None:
                return []
            found = connection.execute(self._said(tables.MODELS)).fetchall()
        return [
            StoredModel(EmbeddingModel.of_identity(identity), canary, bool(is_used))
            for identity, canary, is_used in found
        ]

    def size(self, model: EmbeddingModel) -> int:
        """Return how many vectors are kept of a model."""
        with self._reading() as connection:
            if connection is None:
                return 0
            query = "SELECT count(*) FROM {vectors} WHERE model = ?"
            found = self._one(connection, query, self._number(connection, model))
        return int(found[0]) if found else 0

    def prepare(self, model: EmbeddingModel, canary: Vector) -> Vector:
        """Make a place for the model's vectors where there is none; return the canary that is kept.

        A model that was given up for another, and is wanted again, is the one to come once more.
        """
        with self._reading() as connection:
            found = connection and self._one(connection, f"{tables.KNOWN}?", model.identity)
        if found and found[1]:
            return bytes(found[0])
        with self._database.transaction() as connection:
            if not self._is_there(connection):
                for statement in _TABLES:
                    connection.execute(self._said(statement))
            place = "(SELECT coalesce(max(place), 0) + 1 FROM {models})"
            connection.execute(
                self._said(
                    f"INSERT INTO {{models}} (identity, canary, is_used, place) VALUES (?, ?, 0, {place}) "
                    f"ON CONFLICT (identity) DO UPDATE SET place = {place} WHERE NOT is_used"
                ),
                (model.identity, canary),
            )
            found = self._one(connection, f"{tables.KNOWN}?", model.identity)
        assert found is not None  # noqa: S101 - it was stored a moment ago
        return bytes(found[0])

    def missing(self, model: EmbeddingModel, keys: Collection[Key], *, keep: bool = True) -> set[Key]:
        """Return those of the keys that have no vector; with `keep` the others outlast the next sweep."""
        wanted = list(dict.fromkeys(keys))
        with self._reading() as connection:
            number = _NOBODY if connection is None else self._number(connection, model)
            if connection is None or number == _NOBODY:
                return set(wanted)
            keep = keep and not self._database.is_read_only  # who can't write has no vectors to come
            if not keep or self._one(connection, "SELECT 1 FROM {unused} LIMIT 1") is None:
                return self._without(connection, number, wanted)
        with self._database.transaction() as connection:
            self._keep(connection, number, wanted)
            return self._without(connection, number, wanted)

    def put(self, model: EmbeddingModel, vectors: Mapping[Key, Vector]) -> None:
        """Keep vectors; of a key that has one, nothing changes. Twice has the effect of once.

        Raises:
            ValueError: A vector has another length than those of the model.
            SinkError: The model was not prepared.
        """
        if not vectors:
            return
        check_lengths(model, vectors.values())
        with self._database.transaction() as connection:
            number = self._prepared(connection, model)
            connection.executemany(
                self._said("INSERT OR IGNORE INTO {vectors} (model, key, vector) VALUES (?, ?, ?)"),
                ((number, key, vector) for key, vector in vectors.items()),
            )
            if self._one(connection, "SELECT 1 FROM {unused} LIMIT 1"):
                self._keep(connection, number, list(vectors))
            connection.executemany(
                self._said("DELETE FROM {refused} WHERE model = ? AND key = ?"),
                ((number, key) for key in vectors),
            )

    def lacking(
        self, model: EmbeddingModel, collection: str, after: str = "", limit: int = 1000
    ) -> list[Unembedded]:
        """Return a collection's published rows with an id > `after` that a run has to embed, by id."""
        _, heading, text = map(for_format, self._searched.columns("c."))
        with self._database.reading() as connection:
            lacking = _LACKS if self._is_there(connection) else _UNPREPARED
            # in the order of the rows: each is asked for its document
            query = (
                f"SELECT c._id, {heading}, {text}, c._vector_key, d.key FROM {{records}} AS c "
                "CROSS JOIN {documents} AS d WHERE d.document_id = c._document_id "
                f"AND d.collection = :collection AND c._id > :after AND {lacking} ORDER BY c._id LIMIT :limit"
            )
            values = {"collection": collection, "after": after, "limit": limit}
            found = self._found(connection, model, query, **values)
        return [
            Unembedded(identity, head, body, key_of(held), document_key)
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
        with self._database.transaction() as connection:
            self._dialect.carry_out(connection, fencing(collection, token, "", locks=self._dialect.locks))
            number = self._prepared(connection, model)
            given = list(zip(kept(keys.values(), number), keys, strict=True))
            rows = [(held, identity, collection) for held, identity in given]
            connection.executemany(self._said(_ATTACH), [(*row, refused_by(number)) for row in rows])
            refused = [(number, *row[1:]) for row in rows if row[0] == refused_by(number)]
            connection.executemany(self._said(_REFUSE), refused)

    def use(self, model: EmbeddingModel) -> list[str]:
        """Have searches use the model's vectors, if no collection has rows that lack them."""
        query = f"SELECT DISTINCT d.collection FROM {tables.PUBLISHED} WHERE {_LACKS} ORDER BY d.collection"
        with self._database.transaction() as connection:
            number = self._prepared(connection, model)
            lacking = [name for (name,) in self._found(connection, model, query)]
            used = self._one(connection, "SELECT id FROM {models} WHERE is_used")
            if used != (number,) and not (lacking and used):
                connection.execute(self._said("UPDATE {models} SET is_used = (id = ?)"), (number,))
        return lacking

    def sweep(self, before: str) -> int:
        """Remove vectors that no row has used since a moment; return how many.

        What is found to be unused is noted, with the time. What was noted by an earlier sweep, before
        `before`, and is still unused, goes: so nothing goes that a run has just found.
        """
        with self._reading() as connection:
            if connection is None:
                return 0
        with self._database.transaction() as connection:
            removed = sum(self._drop(connection, number) for number in self._outdated(connection))
            self._execute(
                connection,
                "DELETE FROM {unused} WHERE EXISTS "
                "(SELECT 1 FROM {records} AS c WHERE c._vector_key = {unused}.key)",
            )
            removed += self._execute(
                connection,
                "DELETE FROM {vectors} WHERE (model, key) IN "
                "(SELECT u.model, u.key FROM {unused} AS u WHERE u.since < ?)",
                before,
            )
            self._execute(connection, "DELETE FROM {unused} WHERE since < ?", before)
            self._execute(connection, f"DELETE FROM {{refused}} AS v WHERE {tables.UNUSED}")
            self._execute(
                connection,
                "INSERT OR IGNORE INTO {unused} (model, key, since) "
                f"SELECT v.model, v.key, ? FROM {{vectors}} AS v WHERE {tables.UNUSED}",
                now(),
            )
        return removed

    def counts(self, model: EmbeddingModel, collection: str | None = None) -> VectorCounts:
        """Return what the published rows of a collection have, or of all."""
        with self._database.reading() as connection:
            has = _HAS if self._is_there(connection) else _HAS_UNPREPARED
            query = (
                f"SELECT {has} AS has, count(*) FROM {tables.PUBLISHED} "
                "WHERE :collection IS NULL OR d.collection = :collection GROUP BY has"
            )
            return VectorCounts(**dict(self._found(connection, model, query, collection=collection)))

    def orphans(self) -> int:
        """Return how many vectors no row uses."""
        with self._reading() as connection:
            if connection is None:
                return 0
            found = self._one(connection, tables.ORPHANS)
        return int(found[0]) if found else 0

    # --- what all of them need ----------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Lend a connection, or None where nothing was prepared yet."""
        with self._database.reading() as connection:
            yield connection if self._is_there(connection) else None

    def _is_there(self, connection: sqlite3.Connection) -> bool:
        return is_prepared(connection, self._names)

    def _said(self, text: str) -> str:
        return text.format(**self._names.quoted)

    def _execute(self, connection: sqlite3.Connection, text: str, *values: Any) -> int:
        return connection.execute(self._said(text), values).rowcount

    def _one(self, connection: sqlite3.Connection, text: str, *values: Any) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = connection.execute(self._said(text), values).fetchone()
        return found

    def _found(
        self, connection: sqlite3.Connection, model: EmbeddingModel, query: str, **values: Any
    ) -> list[tuple[Any, ...]]:
        """Return what a query finds that may ask for the model's number, and what it refused."""
        number = self._number(connection, model) if self._is_there(connection) else _NOBODY
        given = {**values, "model": number, "refused": refused_by(number)}
        return connection.execute(self._said(query), given).fetchall()

    def _number(self, connection: sqlite3.Connection, model: EmbeddingModel) -> int:
        found = self._one(connection, "SELECT id FROM {models} WHERE identity = ?", model.identity)
        return int(found[0]) if found else _NOBODY

    def _prepared(self, connection: sqlite3.Connection, model: EmbeddingModel) -> int:
        return number_of(connection, self._names, model.identity)

    def _without(self, connection: sqlite3.Connection, number: int, keys: Sequence[Key]) -> set[Key]:
        without = set(keys)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            query = f"SELECT key FROM {{vectors}} WHERE model = ? AND key IN ({_marks(len(some))})"
            without.difference_update(
                key for (key,) in connection.execute(self._said(query), [number, *some])
            )
        return without

    def _keep(self, connection: sqlite3.Connection, number: int, keys: Sequence[Key]) -> None:
        """Forget that vectors were unused."""
        statement = self._said("DELETE FROM {unused} WHERE model = ? AND key = ?")
        connection.executemany(statement, ((number, key) for key in keys))

    def _outdated(self, connection: sqlite3.Connection) -> list[int]:
        """Return the numbers of the models that another took the place of."""
        return [number for (number,) in connection.execute(self._said(tables.OUTDATED)).fetchall()]

    def _drop(self, connection: sqlite3.Connection, number: int) -> int:
        removed = self._execute(connection, "DELETE FROM {vectors} WHERE model = ?", number)
        for table in ("refused", "unused"):
            self._execute(connection, f"DELETE FROM {{{table}}} WHERE model = ?", number)
        self._execute(connection, "DELETE FROM {models} WHERE id = ?", number)
        return removed


def is_prepared(connection: sqlite3.Connection, names: Names) -> bool:
    """Tell whether the tables of vectors are there."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE",
        (names.plain["models"],),
    )
    return found.fetchone() is not None


def number_of(connection: sqlite3.Connection, names: Names, identity: str) -> int:
    """Return the number of a model that was prepared.

    Raises:
        SinkError: It was not.
    """
    found = None
    if is_prepared(connection, names):
        query = f"SELECT id FROM {names.quoted['models']} WHERE identity = ?"
        found = connection.execute(query, (identity,)).fetchone()
    if found is None:
        model = EmbeddingModel.of_identity(identity)
        raise SinkError(f"no vectors of {model.name} are kept here; another run removed them: run again")
    return int(found[0])


def _marks(count: int) -> str:
    return ", ".join("?" * count)
