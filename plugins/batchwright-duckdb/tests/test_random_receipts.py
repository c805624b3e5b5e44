"""Random receipts leave in DuckDB what they leave in the model."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from pydantic import SecretStr

from tests.support.random_receipts import check_random_receipts


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "number", [pytest.param(60, id="some"), pytest.param(1_000, id="all", marks=pytest.mark.slow)]
)
def test_random_receipts_leave_what_they_leave_in_the_model(tmp_path: Path, number: int) -> None:
    seed = random.SystemRandom().randrange(1_000_000)  # a failure names it
    options = DuckdbOptions(url=SecretStr(f"duckdb:///{tmp_path}/kb.duckdb"))
    with DuckdbSink(options).open() as store:
        counted = check_random_receipts(store, seed, number)
    assert counted["stored"] > number / 3
    assert counted["refused"] > number / 40
