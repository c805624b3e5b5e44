"""Random receipts leave in DuckDB what they leave in the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from pydantic import SecretStr

from tests.support.random_receipt_checks import RandomReceiptChecks


class TestRandomReceipts(RandomReceiptChecks):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> DuckdbSink:
        return DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{tmp_path}/kb.duckdb")))
