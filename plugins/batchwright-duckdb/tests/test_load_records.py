"""A program's records with every kind of field in DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from batchwright_duckdb.connecting import settings
from batchwright_duckdb.options import DuckdbOptions
from pydantic import SecretStr

from tests.support.fruit_checks import FruitChecks, fruit_of
from tests.support.fruits import Fruit


class TestFruits(FruitChecks):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "shop.duckdb"

    @pytest.fixture
    def url(self, path: Path) -> str:
        return f"duckdb:///{path}"

    @pytest.fixture
    def read_back(self, path: Path, url: str) -> Callable[[], list[Fruit]]:
        def read() -> list[Fruit]:
            config = settings(DuckdbOptions(url=SecretStr(url)))
            with duckdb.connect(str(path), config=config) as connection:
                table = connection.sql("FROM fruit ORDER BY id").to_arrow_table()
            return [fruit_of(row, {"grower": json.loads, "tags": json.loads}) for row in table.to_pylist()]

        return read
