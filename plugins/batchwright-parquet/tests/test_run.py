"""``batchwright run`` into a folder: run, run again, edit, kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from batchwright_parquet import read

from batchwright.testing import RunContract

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class TestRuns(RunContract):
    target = "parquet:///kb"

    @pytest.fixture
    def published(self) -> Callable[[Path], list[dict[str, Any]]]:
        def rows(folder: Path) -> list[dict[str, Any]]:
            return read(folder / "kb").sort_by("id").to_pylist()

        return rows
