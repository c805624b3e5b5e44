"""The Postgres sink keeps the contract."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from batchwright.builtin.postgres import PostgresOptions, PostgresSink, pipeline, writing
from batchwright.testing import Faults, SinkContract, VectorsContract
from tests.plugins.kit.statements import Statements
from tests.support.postgres import Databases


@pytest.fixture(scope="module")
def database(postgres_server: Databases) -> Iterator[str]:
    """One for all checks: each has tables of its own, which are made much faster than a database."""
    name = f"kit_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


class TestPostgresSink(SinkContract):
    @pytest.fixture
    def table(self) -> str:
        return f"kit_{uuid.uuid4().hex[:12]}"

    @pytest.fixture
    def make_sink(self, database: str, table: str) -> Callable[[], PostgresSink]:
        return lambda: PostgresSink(PostgresOptions.model_validate({"url": database, "table": table}))

    @pytest.fixture
    def stored(self, database: str, table: str) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            with psycopg.connect(database, row_factory=dict_row) as connection:
                return list(connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))))

        return read

    @pytest.fixture
    def stored_kinds(
        self, stored: Callable[[], list[Mapping[str, Any]]]
    ) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            objects = ("a_json", "any_json")  # a text in JSON is to be told from JSON as text
            return [
                {name: json.dumps(value) if name in objects else value for name, value in row.items()}
                for row in stored()
            ]

        return read

    @pytest.fixture
    def block(self, database: str, table: str) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def locked() -> Iterator[None]:
            with psycopg.connect(database) as connection:
                chunks = sql.Identifier(f"{table}_records")
                connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(chunks))
                yield

        return locked

    @pytest.fixture
    def sever(self, database: str) -> Callable[[], None]:
        def cut() -> None:
            with psycopg.connect(database) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

        return cut

    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        statements = Statements()
        monkeypatch.setattr(writing, "send", statements.watch(pipeline.send))
        return statements.failing


class TestPostgresVectors(VectorsContract):
    table = TestPostgresSink.table
    make_sink = TestPostgresSink.make_sink
    stored = TestPostgresSink.stored
