"""Ending the sessions that keep a takeover waiting.

A client that was stopped inside a COPY, or whose host has vanished, keeps its locks for as long as its
session lasts, whatever the timeouts. Only the server can end it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Self

import psycopg
from psycopg import errors

from batchwright.builtin.postgres.connection import Database
from batchwright.contracts.lease import Patience

logger = logging.getLogger("batchwright")

_LOOK_EVERY = 0.2  # seconds

# Who only waits, as another takeover does, holds nothing that matters: whom it waits for is a blocker too.
_BLOCKERS = """
    SELECT a.pid, a.usename::text FROM unnest(pg_blocking_pids($1)) AS b (pid)
    JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
    WHERE cardinality(pg_blocking_pids(a.pid)) = 0"""


class Clearing:
    """While it is entered, a thread sees to it that a statement of ours doesn't wait for ever.

    Args:
        connect: Makes a connection for looking.
        cancel: Cancels our statement.
        pid: The server process of our statement.
        patience: How long until something is done, and for sessions to end after that.

    Attributes:
        blockers: Who kept us waiting until it was cancelled, in words; empty where it was not.
    """

    def __init__(
        self,
        connect: Callable[[], Database],
        cancel: Callable[[], None],
        pid: int,
        patience: Patience,
    ) -> None:
        self.blockers = ""
        self._connect = connect
        self._cancel = cancel
        self._pid = pid
        self._patience = patience
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="batchwright-clearing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(_LOOK_EVERY * 10)  # it must not cancel what comes after

    def _watch(self) -> None:
        if self._done.wait(self._patience.writing):
            return
        found = ""
        try:
            database = self._connect()
            try:
                with database.reading() as connection:
                    found = self._clear(connection)
            finally:
                database.close()
        except Exception as error:  # noqa: BLE001 - without a look, only waiting no longer is left
            found = f"sessions that can't be looked at ({type(error).__name__})"
        if found and not self._done.is_set():
            self.blockers = found
            self._cancel()

    def _clear(self, connection: psycopg.Connection[Any]) -> str:
        """End the blockers, until nobody is left or time is up; return who is.

        Only one that blocks at two looks in a row is ended: who waited for the same row, and has just got it,
        is done with it at once.
        """
        ending = self._patience.ending
        looks = 2 + round((ending or 0.0) / _LOOK_EVERY)
        found, before, ended = "", set[int](), set[int]()
        for _ in range(looks):
            rows = connection.execute(_BLOCKERS, [self._pid]).fetchall()
            found = ", ".join(f"the session with pid {pid} of the role {role}" for pid, role in rows)
            if ending is not None:
                try:
                    for pid, role in rows:
                        if pid not in before:
                            continue
                        connection.execute("SELECT pg_terminate_backend($1)", [pid])
                        if pid not in ended:
                            logger.warning(
                                "ending the session with pid %s of the role %s: it holds a lease", pid, role
                            )
                            ended.add(pid)
                except errors.InsufficientPrivilege:
                    return found
            before = {pid for pid, _ in rows}
            if self._done.wait(_LOOK_EVERY):
                return ""
        return found or "sessions that come and go"
