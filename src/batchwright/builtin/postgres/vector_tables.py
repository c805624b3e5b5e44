"""The tables of vectors in Postgres, and pgvector, which they need.

All models share one table. A model's vectors have an index of their own, on an expression of its dimensions
and only for its rows: pgvector can't index a column of vectors of several lengths otherwise. So the switch to
another model is one update of a row, with no view or table to be made anew, and needs no rights beside that.

The index is of halves of the precision (20 MB instead of 34 for 20,000 of 384 numbers, and finds as much) and
of vectors of the length 1: what is too large or too small for a half would be lost.
"""

from __future__ import annotations

import sys
from array import array as numbers
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Any

import psycopg
from psycopg import errors, sql

from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import BinaryArray, ColumnType, array
from batchwright.builtin.postgres.names import Names
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.records import RecordType
from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError
from batchwright.sinkkit.filters import METADATA

MOST_INDEXED = 4_000
"""Dimensions of a half-precision vector that pgvector indexes."""

_OLDEST = (0, 7)  # with half precision

Connection = psycopg.Connection[Any]

_TABLES = (
    'CREATE TABLE {models} (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, identity text COLLATE "C" '
    "NOT NULL UNIQUE, canary bytea NOT NULL, is_used boolean NOT NULL, place integer NOT NULL)",
    "CREATE TABLE {vectors} (model integer NOT NULL, key bytea NOT NULL, vector {type} NOT NULL, "
    "PRIMARY KEY (model, key))",
    "CREATE TABLE {refused} (model integer NOT NULL, key bytea NOT NULL, PRIMARY KEY (model, key))",
    "CREATE TABLE {unused} (model integer NOT NULL, key bytea NOT NULL, since text NOT NULL, "
    "PRIMARY KEY (model, key))",
    "CREATE INDEX IF NOT EXISTS {records_by_vector} ON {records} (_vector_key) WHERE _vector_key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS {purged} ON {unused} (model, key) WHERE since = ''",
)
_BY_METADATA = f"CREATE INDEX IF NOT EXISTS {{own}} ON {{records}} USING gin ({METADATA} jsonb_path_ops)"
# Asked of the catalog, not with to_regclass(), which may answer from what the session knew before it waited.
_THERE = """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2
    )"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))"
_NUMBER = "SELECT id FROM {models} WHERE identity = $1"
_EXTENSION = """
    SELECT n.nspname::text, e.extversion::text, t.oid::bigint, t.typarray::bigint
    FROM pg_catalog.pg_extension AS e
    JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    JOIN pg_catalog.pg_type AS t ON t.typnamespace = n.oid AND t.typname = 'vector'
    WHERE e.extname = 'vector'"""
_ADVICE = (
    "the database has no pgvector, which vectors are kept with: let a superuser run CREATE EXTENSION vector "
    "there (the server has to have it installed), then run again"
)

_head = Struct("!ihh").pack


@dataclass(frozen=True, slots=True)
class Extension:
    """pgvector, as a database has it.

    Attributes:
        schema: The schema of its types and operators, quoted; it need not be on the search path.
        version: Its version.
        type: The type of vectors.
    """

    schema: str
    version: tuple[int, ...]
    type: ColumnType

    @classmethod
    def of(cls, connection: Connection, *, schema: str | None = None) -> Extension:
        """Return what is there.

        Args:
            connection: The connection; to create it, in a transaction.
            schema: Where to create it, if the search path names no schema and the role may; None for not at
                all.

        Raises:
            SinkError: It isn't there; says what to do.
        """
        found = connection.execute(_EXTENSION).fetchone()
        if found is None and schema is not None:
            ((current,),) = connection.execute("SELECT current_schema()::text").fetchall()
            place = sql.Identifier(current or schema).as_string(None)
            connection.execute(_ALONE, ["batchwright pgvector"])  # the whole database has one
            try:
                with connection.transaction():
                    connection.execute(f"CREATE EXTENSION IF NOT EXISTS vector SCHEMA {place}".encode())
            except (errors.InsufficientPrivilege, errors.UndefinedFile, errors.FeatureNotSupported) as error:
                raise SinkError(f"{_ADVICE} ({error.diag.message_primary})") from error
            found = connection.execute(_EXTENSION).fetchone()
        if found is None:
            raise SinkError(_ADVICE)
        schema, version, oid, array_oid = found
        number = tuple(int(part) for part in version.split(".") if part.isdigit())
        if number < _OLDEST:
            raise SinkError(
                f"the database has pgvector {version}, and vectors need 0.7 or newer: update it on the "
                "server, then run ALTER EXTENSION vector UPDATE"
            )
        quoted = sql.Identifier(schema).as_string(None)
        return cls(quoted, number, ColumnType(f"{quoted}.vector", oid, array_oid))

    @property
    def iterates(self) -> bool:
        """Whether a search of the index goes on where a filter leaves too few."""
        return self.version >= (0, 8)

    def statement(self, names: Names, template: str) -> sql.Composed:
        """Return a statement with the relations' names; ``{type}`` is a vector's, ``{ext}`` the schema."""
        return names.statement(template, type=sql.SQL(self.type.name), ext=sql.SQL(self.schema))

    def array(self, vectors: Iterable[Vector]) -> BinaryArray:
        """Return vectors as the parameter of a statement."""
        return array(self.type, [*map(_field, vectors)])

    def unit(self, dimensions: int, of: str = "v.vector") -> str:
        """Return the expression that the index is on: a vector of the length 1, in half precision."""
        return f"({{ext}}.l2_normalize({of})::{{ext}}.halfvec({dimensions}))"


def text_of(vector: Vector) -> str:
    """Return a vector as pgvector writes it."""
    return f"[{','.join(map(repr, _numbers(vector)))}]"


class Numbers:
    """The numbers of the models, looked up once.

    Args:
        names: The relations.
        dialect: How texts are kept.
    """

    def __init__(self, names: Names, dialect: PostgresDialect) -> None:
        self._names = names
        self._dialect = dialect
        self._are_there = False
        self._known: dict[str, int] = {}

    def are_there(self, connection: Connection) -> bool:
        """Tell whether there are tables of vectors; once there they stay."""
        if not self._are_there:
            self._are_there = is_there(connection, self._names, "models")
        return self._are_there

    def of(self, connection: Connection, identity: str) -> int:
        """Return the number of a model that was prepared, as it was when it was asked for first.

        Raises:
            SinkError: It was not prepared, or was removed.
        """
        known = self._known.get(identity)
        if known is None:
            known = self.now(connection, identity)
            if known is None:
                raise removed(EmbeddingModel.of_identity(identity).name)
            self._known[identity] = known
        return known

    def now(self, connection: Connection, identity: str) -> int | None:
        """Return the number that a model has at the moment, None where it has none."""
        if not self.are_there(connection):
            return None
        query = self._names.statement(_NUMBER)
        found = connection.execute(query, [self._dialect.held(identity)]).fetchone()
        return found[0] if found else None


def removed(name: str) -> SinkError:
    """Return the error of a model that isn't there."""
    return SinkError(f"no vectors of {name} are kept here; another run removed them: run again")


def is_there(connection: Connection, names: Names, suffix: str) -> bool:
    """Tell whether the relation of that suffix is there now: a table, a view or an index."""
    ((found,),) = connection.execute(_THERE, [names.schema, f"{names.table}_{suffix}"]).fetchall()
    return bool(found)


def alone(connection: Connection, names: Names, work: str) -> None:
    """Wait until nobody else does this work on these tables, and keep others from it until the commit.

    IF NOT EXISTS does not protect from others who create the same at the same time.
    """
    connection.execute(_ALONE, [f"batchwright {work} {names.schema!r} {names.table!r}"])


def create(connection: Connection, names: Names, record_type: RecordType) -> None:
    """Create the tables, and the index for conditions on metadata, in a transaction that is `alone`.

    A search by vectors under a condition would read all records to find those that meet it; one by words
    gains less than each load of rows without vectors would pay.

    Raises:
        SinkError: pgvector is missing.
    """
    extension = Extension.of(connection, schema=names.schema)
    for statement in _TABLES:
        connection.execute(extension.statement(names, statement))
    if record_type.is_chunk:
        own = sql.Identifier(f"{names.table}_by_metadata")
        connection.execute(names.statement(_BY_METADATA, own=own))


def _numbers(vector: Vector) -> numbers[float]:
    found = numbers("f", vector)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _field(vector: Vector) -> bytes:
    """Return a vector in pgvector's binary form, with its length before it."""
    found = numbers("f", vector)
    if sys.byteorder == "little":
        found.byteswap()
    return _head(4 + len(vector), len(found), 0) + found.tobytes()
