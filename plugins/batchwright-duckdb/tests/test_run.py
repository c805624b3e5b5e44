"""``batchwright run`` into a database: run, run again, edit, kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from batchwright.testing import RunContract

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class TestRuns(RunContract):
    target = "duckdb:///kb.duckdb"

    @pytest.fixture
    def published(self) -> Callable[[Path], list[tuple[Any, ...]]]:
        def read(folder: Path) -> list[tuple[Any, ...]]:
            with duckdb.connect(str(folder / "kb.duckdb")) as connection:
                return connection.execute("FROM knowledge_base ORDER BY id").fetchall()

        return read
