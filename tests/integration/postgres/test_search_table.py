"""The table of queries that every full-text index is asked, on Postgres."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from batchwright.builtin.postgres.store import PostgresStore
from tests.integration.postgres.examples import store_at
from tests.support import search_table
from tests.support.databases import Databases
from tests.support.search_table import NONSENSE, TABLE, Asked


@pytest.fixture(scope="module")
def loaded(postgres_server: Databases) -> Iterator[PostgresStore]:
    """A store with the table's documents."""
    name = "search_table"
    with store_at(postgres_server.create_database(name)) as store:
        search_table.load(store)
        yield store
    postgres_server.drop_database(name)


@pytest.mark.parametrize("asked", TABLE, ids=lambda asked: asked.query or "empty")
def test_the_query_finds_what_the_table_says(loaded: PostgresStore, asked: Asked) -> None:
    search_table.check(loaded, asked)


@pytest.mark.parametrize("number", range(len(NONSENSE)))
def test_whatever_is_asked_ends_soon(loaded: PostgresStore, number: int) -> None:
    started = time.process_time()
    search_table.check_nonsense(loaded, NONSENSE[number : number + 1])
    assert time.process_time() - started < 5


def test_as_many_hits_come_as_are_asked_for(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        search_table.load_many(store)
        search_table.check_many(store)
