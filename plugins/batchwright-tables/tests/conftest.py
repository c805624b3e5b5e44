"""Fixtures: an empty database on a real Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.support.postgres import PostgresServer, PostgresTemplate


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with PostgresTemplate() as template, PostgresServer(template) as server:
        yield server


@pytest.fixture(scope="session")
def _database(server: PostgresServer) -> str:
    return server.create_database("tables")


@pytest.fixture
def postgres_url(_database: str) -> str:
    """The URL of a database with an empty schema."""
    with psycopg.connect(_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return _database


@pytest.fixture(autouse=True)
def _no_ledgers_of_others(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def other_url(server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes empty databases; returns their URLs."""
    made: list[str] = []

    def make() -> str:
        made.append(f"other_{uuid.uuid4().hex}")
        return server.create_database(made[-1])

    yield make
    for name in made:
        server.drop_database(name)
