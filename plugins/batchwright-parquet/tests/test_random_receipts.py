"""Random receipts leave in Parquet files what they leave in the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from batchwright_parquet import ParquetOptions, ParquetSink
from pydantic import SecretStr

from tests.support.random_receipt_checks import RandomReceiptChecks


class TestRandomReceipts(RandomReceiptChecks):
    @pytest.fixture
    def sink(self, tmp_path: Path) -> ParquetSink:
        return ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{tmp_path}/kb")))
