"""Locks that a test holds in Postgres, and who waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg

from tests.support.two_runs import wait_until

_WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'"""
_OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


Session = psycopg.Connection[Any]


@contextmanager
def held(where: str | Session, statement: str) -> Iterator[None]:
    """Hold what the statement locks; by a session of one's own, where it is done often."""
    with _session(where) as session, session.transaction(force_rollback=True):
        session.execute("SET LOCAL statement_timeout = '20s'")
        session.execute(statement.encode())
        yield


def waiting(where: str | Session) -> set[int]:
    """Return the sessions that wait for a lock."""
    return _pids(where, _WAITING)


def others(url: str) -> set[int]:
    """Return the sessions in this database."""
    return _pids(url, _OTHERS)


def wait_for_silence(url: str) -> None:
    """Wait until nobody is connected any more: what was under way has been done, or undone."""
    wait_until(lambda: not others(url), "everybody has left")


def _pids(where: str | Session, query: str) -> set[int]:
    with _session(where) as session:
        return {pid for (pid,) in session.execute(query.encode())}


def _session(where: str | Session) -> AbstractContextManager[Session]:
    if isinstance(where, str):
        return psycopg.connect(where, autocommit=True, connect_timeout=10)
    return nullcontext(where)
