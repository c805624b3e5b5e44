"""Two folders named alike in Parquet."""

from __future__ import annotations

from pathlib import Path

import pytest
from batchwright_parquet import read

from tests.support.alike import AlikeChecks, Shown, shown_of


class TestAlike(AlikeChecks):
    @pytest.fixture
    def to(self, tmp_path: Path) -> str:
        return f"parquet:///{tmp_path}/kb"

    @pytest.fixture
    def shown(self, tmp_path: Path) -> Shown:
        def found() -> list[tuple[str, str, str]]:
            columns = read(tmp_path / "kb", ["collection", "source_file", "chunk_text"]).to_pydict()
            return shown_of(list(zip(*columns.values(), strict=True)))

        return found
