"""The ledger in Postgres: taking a lease while others write."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from batchwright.builtin.postgres import faults
from batchwright.builtin.postgres.clearing import Clearing
from batchwright.builtin.postgres.connection import Database
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.statistics import refresh
from batchwright.contracts.lease import Lease, Patience
from batchwright.contracts.receipts import Collection, Run
from batchwright.errors import CollectionBusy, ConfigError, SinkError
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.ledger import SqlLedger

logger = logging.getLogger("batchwright")

# How long to wait is for `Clearing` to say. Behind a pooler it may get no session to look from.
_OPENING = """
    SELECT pg_backend_pid(),
        set_config('lock_timeout', $1, true), set_config('statement_timeout', '0', true)"""

# By what the server knows of the tables, which may be next to nothing, it would rather read a whole
# collection and sort it than look at a page of it.
BY_INDEX = ", ".join(
    f"set_config('enable_{way}', 'off', true)"
    for way in ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin")
)
_SLACK = 5.0  # seconds that looking may take


class PostgresLedger(SqlLedger):
    """The ledger beside the records.

    Args:
        database: The connection.
        dialect: The tables, and how Postgres says things.
        searched: The relations, where their records are searched by words.
    """

    def __init__(self, database: Database, dialect: Dialect, searched: Names | None = None) -> None:
        super().__init__(database, dialect)
        self._server = database
        self._searched = searched

    def finish_run(self, run: Run, token: str | None = None) -> None:
        """Store how the run ended, then how frequent the terms of the records are now, as far as we may."""
        super().finish_run(run, token)
        if self._searched is None or run.state != "done":
            return
        try:
            with self._server.transaction() as connection:
                refresh(connection, self._searched)
        except (psycopg.Error, SinkError, ConnectionError) as error:
            logger.debug("the terms' frequencies are as they were: %s", error)

    def enter_collection(self, collection: Collection, *, adopt: bool = False) -> Collection:
        """Store the collection where there is none of its name; return the one that is stored.

        Raises:
            ConfigError: The database's encoding lacks a character of its name.
            SinkError: This role may not write; says what to grant.
        """
        encoding = self._server.encoding
        if lacking := encoding.lacks(collection.name):
            raise ConfigError(
                f"the target's encoding, {encoding.codec}, has no {lacking!a} for the collection "
                f"{collection.name!r}; choose another name: --collection NAME (collection in the settings)"
            )
        try:
            return super().enter_collection(collection, adopt=adopt)
        except errors.InsufficientPrivilege as error:  # it is the first that a run writes
            schema = self._dialect.tables["meta"].rpartition(".")[0]
            raise faults.lacking(error, self._server.user, f"ALL TABLES IN SCHEMA {schema}") from error

    @contextmanager
    def _looking(self) -> Iterator[Any]:
        """Lend the connection for one query, whose plan is made under settings that go with it."""
        with self._server.reading() as connection, connection.pipeline():
            connection.execute(f"SELECT {BY_INDEX}".encode())
            yield connection

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        """Put a lease, or none, in the place of the one with this token; tell whether it was still there.

        Every write of a run holds the lease's row. A takeover ends the sessions that hold it for too long.

        Raises:
            CollectionBusy: A session holds it, and may not be ended.
        """
        server = self._server
        with server.transaction() as connection:
            longest = f"{round(1000 * (patience.writing + (patience.ending or 0.0) + _SLACK))}ms"
            ((pid, *_),) = connection.execute(_OPENING, [longest]).fetchall()
            with Clearing(server.another, server.cancel, pid, patience) as clearing:
                try:
                    return super().swap_lease(collection, token, lease, patience)
                except (errors.QueryCanceled, errors.LockNotAvailable) as error:
                    blockers = clearing.blockers
                    if isinstance(error, errors.LockNotAvailable):
                        blockers = blockers or "a session that can't be looked at"
                    if not blockers:
                        raise
                    raise CollectionBusy(
                        collection,
                        held_by=blockers,
                        message=f"the collection {collection!r} is busy: {blockers} still writes to it, and "
                        "this role may not end that, or it does not end; have it ended by "
                        "pg_terminate_backend(), or try again later",
                    ) from None
