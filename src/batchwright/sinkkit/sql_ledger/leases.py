"""Leases in the tables of an SQL database: the token in the row of the collection, heartbeats beside it.

A run's writes lock the row of the collection, shared. Heartbeats are in a row of their own, so as not to
wait for them. When they came is said by the database's clock, where it has one.
"""

from __future__ import annotations

from typing import Any

from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.sinkkit.rejects import storable
from batchwright.sinkkit.sql_ledger.database import SqlDatabase
from batchwright.sinkkit.sql_ledger.dialect import Dialect

_NOW = "/* now */"
_NEVER = 1e9  # seconds: a lease without a heartbeat was not made by us

_HELD = """
    SELECT c.token, c.run_id, c.owner, c.since, h.heard_at, {clock} - h.heard_at FROM {collections} AS c
    LEFT JOIN {heartbeats} AS h ON h.collection = c.name AND h.token = c.token
    WHERE c.name = ? AND c.token IS NOT NULL"""
_HOLDER = "SELECT c.token FROM {collections} AS c WHERE c.name = ?"
_GIVE = "UPDATE {collections} SET token = ?, run_id = ?, owner = ?, since = ? WHERE name = ?"
_END = "UPDATE {collections} SET token = NULL WHERE name = ?"  # the run stays: others may ask who it was
_FIRST_BEAT = "INSERT INTO {heartbeats} (collection, token, heard_at) VALUES (?, ?, {clock})"
_LAST_BEAT = "DELETE FROM {heartbeats} WHERE collection = ?"
_BEATS = "SELECT 1 FROM {heartbeats} WHERE collection = ? AND token = ?"
_BEAT = "UPDATE {heartbeats} SET heard_at = {clock} WHERE collection = ? AND token = ?"

# The runs that have receipts, by one look into the key each: a batch's id begins with that of its run.
_WITH_RECEIPTS = """
    WITH RECURSIVE firsts (batch_id) AS (
        SELECT min(batch_id) FROM {receipts}
        UNION ALL
        SELECT (
            SELECT min(n.batch_id) FROM {receipts} AS n WHERE n.batch_id > (
                SELECT CASE WHEN substr(b.batch_id, 1, length(b.run_id) + 1) = b.run_id || '/'
                THEN b.run_id || '0' ELSE b.batch_id END
                FROM {receipts} AS b WHERE b.batch_id = f.batch_id
            )
        )
        FROM firsts AS f WHERE f.batch_id IS NOT NULL
    )
    SELECT DISTINCT o.run_id FROM firsts AS f
    JOIN {receipts} AS b ON b.batch_id = f.batch_id JOIN {runs} AS o ON o.run_id = b.run_id
    WHERE NOT EXISTS (
        SELECT 1 FROM {collections} AS c
        WHERE c.name = o.collection AND c.run_id = o.run_id AND c.token IS NOT NULL
    )"""
_DROP_RECEIPTS = "DELETE FROM {receipts} WHERE batch_id > ? AND batch_id < ?"


class SqlLeases(Ledger):
    """The part of a ledger in tables that is about leases.

    Args:
        database: Where the tables are.
        dialect: Their names, and how the database says things.
    """

    def __init__(self, database: SqlDatabase, dialect: Dialect) -> None:
        self._database = database
        self._dialect = dialect

    def lease(self, collection: str) -> Lease | None:
        """Return the lease of a collection, None where nobody has it."""
        with self._database.reading() as connection:
            rows = connection.execute(self._said(_HELD), [storable(collection)]).fetchall()
        for token, run_id, owner, since, at, age in rows:
            seconds = _NEVER if at is None else age / 1000
            return Lease(collection, token, run_id, Owner.from_json(owner), since, at or 0, seconds)
        return None

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        """Put a lease, or none, in the place of the one with this token; tell whether it was still there.

        How long it waits for others is for the database to say.
        """
        name = storable(collection)
        with self._database.transaction() as connection:
            locked = self._said(_HOLDER)
            if self._dialect.locks:
                locked = self._dialect.locking(locked)
            found = connection.execute(locked, [name]).fetchall()
            if not found or found[0][0] != token:
                return False
            connection.execute(self._said(_LAST_BEAT), [name])
            if lease is None:
                connection.execute(self._said(_END), [name])
            else:
                values: list[Any] = [lease.token, lease.run_id, lease.owner.as_json(), lease.since, name]
                connection.execute(self._said(_GIVE), values)
                connection.execute(self._said(_FIRST_BEAT), [name, lease.token])
        return True

    def beat(self, collection: str, token: str) -> bool:
        """Note a heartbeat; tell whether the lease still has this token."""
        values = [storable(collection), token]
        with self._database.transaction() as connection:
            if not connection.execute(self._said(_BEATS), values).fetchall():
                return False
            connection.execute(self._said(_BEAT), values)
        return True

    def drop_receipts(self) -> None:
        """Forget the receipts of runs that have no lease any more."""
        with self._database.reading() as connection:
            over = [run_id for (run_id,) in connection.execute(self._said(_WITH_RECEIPTS)).fetchall()]
        for run_id in over:
            with self._database.transaction() as connection:
                connection.execute(self._said(_DROP_RECEIPTS), [f"{run_id}/", f"{run_id}0"])

    def _said(self, text: str) -> str:
        """Return a statement, with the time in it where it asks for that; only the rest is remembered."""
        return self._dialect.fill(text.replace("{clock}", _NOW)).replace(_NOW, self._dialect.clock())
