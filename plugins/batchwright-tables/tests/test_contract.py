"""The contracts of the kit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from batchwright_tables import ArrowReader, ParquetReader, TableOptions

from batchwright.contracts.source import AnySource
from batchwright.testing import RowReaderContract, SourceContract
from tests.files import arrow, arrow_stream, parquet
from tests.queries import postgres, run, source
from tests.support.postgres import PostgresServer

TABLE = pa.table({"id": [1, 2, 3], "name": ["apple", None, "pear"], "tags": [["a"], [], None]})
BAD = pa.table({"id": [1, 2, 3], "n": pa.array([1, 2**63, 3], pa.uint64())})


class TestParquetReader(RowReaderContract):
    @pytest.fixture
    def make_reader(self) -> Callable[[], ParquetReader]:
        return lambda: ParquetReader(TableOptions())

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {"a.parquet": parquet(TABLE), "b.pq": parquet(TABLE, compression="zstd", row_group_size=2)}

    @pytest.fixture
    def bad_line(self) -> tuple[bytes, int]:
        return parquet(BAD), 2


class TestArrowReader(RowReaderContract):
    @pytest.fixture
    def make_reader(self) -> Callable[[], ArrowReader]:
        return lambda: ArrowReader(TableOptions())

    @pytest.fixture
    def samples(self) -> Mapping[str, bytes]:
        return {"a.arrow": arrow(TABLE), "b.arrows": arrow_stream(TABLE), "c.feather": arrow(TABLE)}

    @pytest.fixture
    def bad_line(self) -> tuple[bytes, int]:
        return arrow(BAD), 2


class TestPostgresQuery(SourceContract):
    @pytest.fixture
    def make_source(self, postgres_url: str) -> Callable[[], AnySource]:
        run(postgres_url, "CREATE TABLE fruit AS VALUES (1, 'apple'), (2, 'pear')")
        return lambda: postgres(postgres_url, "SELECT column1 AS id, column2 AS name FROM fruit ORDER BY 1")

    @pytest.fixture
    def contents(self) -> Callable[[], Mapping[str, Any]]:
        return lambda: {"query": [{"id": 1, "name": "apple"}, {"id": 2, "name": "pear"}]}

    @pytest.fixture
    def cut_off(self, server: PostgresServer) -> Callable[[], AbstractContextManager[None]]:
        @contextmanager
        def cut_off() -> Iterator[None]:
            server.stop("immediate")
            try:
                yield
            finally:
                server.start()

        return cut_off


class TestDbapiQuery(SourceContract):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "fruit.db"
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("CREATE TABLE fruit (id INTEGER, name TEXT)")
            file.execute("INSERT INTO fruit VALUES (1, 'apple'), (2, 'pear')")
        return path

    @pytest.fixture
    def make_source(self, path: Path) -> Callable[[], AnySource]:
        options = {"driver": "sqlite3", "sql": "SELECT * FROM fruit ORDER BY id", "key": "id"}
        return lambda: source(f"dbapi+query:///{path}", **options)

    @pytest.fixture
    def contents(self) -> Callable[[], Mapping[str, Any]]:
        return lambda: {"query": [{"id": 1, "name": "apple"}, {"id": 2, "name": "pear"}]}
