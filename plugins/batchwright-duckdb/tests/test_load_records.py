"""A program's records with every kind of field in DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from batchwright_duckdb.connecting import settings
from batchwright_duckdb.options import DuckdbOptions
from pydantic import SecretStr

from batchwright import BatchConfig, BatchProcessor
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


def test_a_column_of_integers_is_widened_with_its_values(tmp_path: Path) -> None:
    file, path = tmp_path / "orders.csv", tmp_path / "shop.duckdb"
    file.touch()
    config = BatchConfig(source=file, to=f"duckdb:///{path}", key="id", reporters=())
    for text, counts in (
        (f"1,5\n2,\n3,{2**63 - 1}\n", (0, 3, 0)),
        (f"1,5\n2,\n3,{2**63 - 1}\n4,1.5\n5,x\n", (3, 1, 1)),
    ):
        file.write_text(f"id,amount\n{text}")
        found = BatchProcessor(config).run().account.documents
        assert (found.unchanged, found.added, found.refused) == counts
    with duckdb.connect(str(path), config=settings(DuckdbOptions(url=SecretStr(config.to)))) as connection:
        rows = connection.execute("SELECT amount FROM orders ORDER BY id").fetchall()
    assert rows == [(Decimal(5),), (None,), (Decimal(2**63 - 1),), (Decimal("1.5"),)]
