"""The SQLite sink keeps the contract."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.testing import Faults, SinkContract, VectorsContract
from tests.plugins.kit.statements import Statements
from tests.support.spoiling import spoil


class TestSqliteSink(SinkContract):
    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        statements = Statements()

        class Watched(sqlite3.Connection):
            execute = statements.watch(sqlite3.Connection.execute)
            executemany = statements.watch(sqlite3.Connection.executemany)

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
        return statements.failing

    @pytest.fixture
    def make_sink(self, tmp_path: Path) -> Callable[[], SqliteSink]:
        return lambda: SqliteSink(SqliteOptions(url=SecretStr(f"sqlite:///{tmp_path / 'kb.db'}")))

    @pytest.fixture
    def stored(self, tmp_path: Path) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
                connection.row_factory = sqlite3.Row
                rows = map(dict, connection.execute("SELECT * FROM knowledge_base"))
                return [{**row, "metadata": json.loads(row["metadata"])} for row in rows]

        return read

    @pytest.fixture
    def stored_kinds(self, tmp_path: Path) -> Callable[[], list[Mapping[str, Any]]]:
        def read() -> list[Mapping[str, Any]]:
            with closing(sqlite3.connect(tmp_path / "kb.db")) as connection:
                connection.row_factory = sqlite3.Row
                return list(map(dict, connection.execute("SELECT * FROM kinds")))

        return read

    @pytest.fixture
    def damage(self, tmp_path: Path) -> Callable[[], None]:
        return lambda: spoil(tmp_path / "kb.db", 4_096)

    @pytest.fixture
    def block(self, tmp_path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def locked() -> Iterator[None]:
            with closing(sqlite3.connect(tmp_path / "kb.db", isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield

        return locked


class TestSqliteVectors(VectorsContract):
    make_sink = TestSqliteSink.make_sink
    stored = TestSqliteSink.stored
