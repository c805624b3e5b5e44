"""Two folders named alike in DuckDB."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.support.alike import AlikeChecks, Shown, shown_of


class TestAlike(AlikeChecks):
    @pytest.fixture
    def to(self, tmp_path: Path) -> str:
        return f"duckdb:///{tmp_path}/kb.duckdb"

    @pytest.fixture
    def shown(self, tmp_path: Path) -> Shown:
        def read() -> list[tuple[str, str, str]]:
            with duckdb.connect(str(tmp_path / "kb.duckdb")) as connection:
                columns = "SELECT collection, source_file, chunk_text FROM knowledge_base"
                return shown_of(connection.execute(columns).fetchall())

        return read
