"""Slowing Postgres within the statements that change our tables, by triggers."""

from __future__ import annotations

import psycopg
from psycopg import sql

from tests.support.tables import TABLE

_SLEEP = """
    CREATE OR REPLACE FUNCTION test_sleep() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(random() * random() * {longest}); RETURN NULL; END $$"""
_BEFORE = """
    CREATE TRIGGER test_sleep BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION test_sleep()"""
_SLOWED = ("records", "documents", "pending", "receipts")


def slow_statements(url: str, longest: float) -> None:
    """Have statements wait that change our tables, where their snapshot is taken and nothing is done yet."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(sql.SQL(_SLEEP).format(longest=sql.Literal(longest)))
        for suffix in _SLOWED:
            session.execute(sql.SQL(_BEFORE).format(table=sql.Identifier(f"{TABLE}_{suffix}")))
