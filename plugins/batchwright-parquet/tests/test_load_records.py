"""A program's records with every kind of field in Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from batchwright_parquet import read

from tests.support.fruit_checks import FruitChecks, fruit_of
from tests.support.fruits import Fruit


class TestFruits(FruitChecks):
    query = ""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "shop"

    @pytest.fixture
    def url(self, root: Path) -> str:
        return f"parquet:///{root}"

    @pytest.fixture
    def read_back(self, root: Path) -> Callable[[], list[Fruit]]:
        def found() -> list[Fruit]:
            rows = read(root).sort_by("id").to_pylist()
            return [fruit_of(row, {"grower": json.loads, "tags": json.loads}) for row in rows]

        return found
