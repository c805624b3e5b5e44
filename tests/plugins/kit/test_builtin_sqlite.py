"""The SQLite sink keeps the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.testing import SinkContract, VectorsContract
from tests.plugins.kit.sqlite_file import SqliteFile
from tests.support.spoiling import spoil


class TestSqliteSink(SqliteFile, SinkContract):
    view, view_of_kinds = "knowledge_base", "kinds"

    @pytest.fixture
    def make_sink(self, tmp_path: Path) -> Callable[[], SqliteSink]:
        return lambda: SqliteSink(SqliteOptions(url=SecretStr(f"sqlite:///{tmp_path / 'kb.db'}")))

    @pytest.fixture
    def damage(self, tmp_path: Path) -> Callable[[], None]:
        return lambda: spoil(tmp_path / "kb.db", 4_096)


class TestSqliteVectors(VectorsContract):
    view = TestSqliteSink.view
    make_sink = TestSqliteSink.make_sink
    stored = TestSqliteSink.stored
