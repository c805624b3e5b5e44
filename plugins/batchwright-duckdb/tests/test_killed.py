"""Killed at any statement, run again: the same as undisturbed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from pydantic import SecretStr

from batchwright.testing.scenario import FINAL, expect_final, expect_whole, load
from tests.support.killed_steps import kill_at_steps, killed_at_steps


def published(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path)) as connection:
        there = connection.execute(
            "SELECT 1 FROM information_schema.tables WHERE table_name = 'knowledge_base'"
        ).fetchall()
        if not there:
            return {}
        rows = connection.execute("SELECT CAST(id AS VARCHAR), chunk_text FROM knowledge_base").fetchall()
    expect_whole([identity for identity, _ in rows], str(path))
    return dict(rows)


@pytest.mark.timeout(300)
@killed_at_steps
def test_running_again_gives_what_an_undisturbed_run_gives(tmp_path: Path, every: int, kills: int) -> None:
    assert kill_at_steps(Path(__file__).parents[1], tmp_path, every) >= kills, "the statements are not tapped"
    for path in sorted(tmp_path.glob("*/kb.duckdb")):
        published(path)
        with DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{path}"))).open() as store:
            load(store)
            expect_final(store)
        assert published(path) == FINAL
