"""Killed at any statement, run again: the same as undisturbed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from pydantic import SecretStr

from tests.scenario import FINAL, STEPS, VERSIONS, load

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def wrecks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", str(folder)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50, "the statements are not tapped"
    return sorted(folder.glob("*.duckdb"))


def published(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path)) as connection:
        there = connection.execute(
            "SELECT 1 FROM information_schema.tables WHERE table_name = 'knowledge_base'"
        ).fetchall()
        if not there:
            return {}
        rows = connection.execute("SELECT CAST(id AS VARCHAR), chunk_text FROM knowledge_base").fetchall()
    assert len(dict(rows)) == len(rows), f"{path.name}: a row twice"
    return dict(rows)


def test_running_again_gives_what_an_undisturbed_run_gives(wrecks: list[Path]) -> None:
    for path in wrecks:
        found: dict[str, set[str]] = {}
        for identity in published(path):
            found.setdefault(f"{identity[:28]}00000000", set()).add(identity)
        assert all(ids == VERSIONS[version] for version, ids in found.items()), (
            f"{path.name}: half a document"
        )
        with DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{path}"))) as sink:
            load(sink)
            assert {holding.document_id: holding.rows for holding in sink.holdings()} == {
                version: len(ids) for version, ids in VERSIONS.items() if ids <= FINAL.keys()
            }
            assert all(sink.ledger.committed(receipt.batch_id) for _, receipt in STEPS)
            assert sink.ledger.pending() == []
        assert published(path) == FINAL
