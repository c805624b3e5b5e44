"""Locks that a test holds in Postgres, and who waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.two_runs import wait_until

_WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'"""
_OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


@contextmanager
def held(url: str, statement: str) -> Iterator[None]:
    """Hold what the statement locks."""
    with psycopg.connect(url) as session:
        session.execute("SET statement_timeout = '20s'")
        session.execute(statement)
        yield
        session.rollback()


def waiting(url: str) -> set[int]:
    """Return the sessions that wait for a lock."""
    return _pids(url, _WAITING)


def others(url: str) -> set[int]:
    """Return the sessions in this database."""
    return _pids(url, _OTHERS)


def wait_for_silence(url: str) -> None:
    """Wait until nobody is connected any more: what was under way has been done, or undone."""
    wait_until(lambda: not others(url), "everybody has left")


def _pids(url: str, query: str) -> set[int]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as session:
        return {pid for (pid,) in session.execute(query)}
