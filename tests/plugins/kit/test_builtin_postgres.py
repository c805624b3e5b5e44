"""The Postgres sink keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.testing import SinkContract


class TestPostgresSink(SinkContract):
    @pytest.fixture
    def make_sink(self, postgres_url: str) -> Callable[[], PostgresSink]:
        return lambda: PostgresSink(PostgresOptions.model_validate({"url": postgres_url}))

    @pytest.fixture
    def stored(self, postgres_url: str) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            with psycopg.connect(postgres_url, row_factory=dict_row) as connection:
                return list(connection.execute("SELECT * FROM knowledge_base"))

        return read

    @pytest.fixture
    def block(self, postgres_url: str) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def locked() -> Iterator[None]:
            with psycopg.connect(postgres_url) as connection:
                connection.execute("LOCK TABLE knowledge_base_chunks, knowledge_base_receipts")
                yield

        return locked
