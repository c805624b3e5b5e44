"""Killed at any statement, run again: the same as undisturbed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from pydantic import SecretStr

from batchwright.testing.scenario import FINAL, expect_final, expect_whole, load


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
@pytest.mark.parametrize(
    ("every", "kills"),
    [pytest.param(13, 5, id="some"), pytest.param(1, 51, id="all", marks=pytest.mark.slow)],
)
def test_running_again_gives_what_an_undisturbed_run_gives(tmp_path: Path, every: int, kills: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", str(tmp_path), str(every)],
        capture_output=True,
        text=True,
        timeout=500,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= kills, "the statements are not tapped"
    for path in sorted(tmp_path.glob("*/kb.duckdb")):
        published(path)
        with DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{path}"))).open() as store:
            load(store)
            expect_final(store)
        assert published(path) == FINAL
