"""Killed at any step, run again: the same as undisturbed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from batchwright_parquet import ParquetOptions, ParquetSink, read
from pydantic import SecretStr

from tests.scenario import FINAL, STEPS, VERSIONS, load


def sink_of(root: Path) -> ParquetSink:
    return ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{root}")))


def ids_by_document(ids: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for identity in ids:
        found.setdefault(f"{identity[:28]}00000000", []).append(identity)
    return found


def through_glob(root: Path) -> list[str]:
    files = sorted((root / "data").glob("**/*.parquet"))
    return [identity for file in files for identity in ids_of(pq.ParquetFile(file).read(["id"]))]


def ids_of(table: Any) -> list[str]:
    return list(table["id"].to_pylist())


def expect_whole(ids: Iterable[str], where: str) -> None:
    for document_id, found in ids_by_document(ids).items():
        assert sorted(found) == sorted(VERSIONS[document_id]), f"{where}: half of a document, or a row twice"


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
    assert int(done.stdout) > 50, "the steps are not tapped"
    return sorted(folder.iterdir())


def test_a_reader_finds_whole_documents_in_every_wreck(wrecks: list[Path]) -> None:
    for root in wrecks:
        if (root / "_batchwright" / "manifest.jsonl").exists():
            expect_whole(ids_of(read(root)), f"{root.name}, read")


def test_running_again_gives_what_an_undisturbed_run_gives(wrecks: list[Path]) -> None:
    for root in wrecks:
        with sink_of(root) as sink:
            expect_whole(through_glob(root), f"{root.name}, glob after recovery")
            load(sink)
            table = read(root)
            assert dict(zip(table["id"].to_pylist(), table["chunk_text"].to_pylist(), strict=True)) == FINAL
            assert table.num_rows == len(FINAL), root.name
            assert sorted(through_glob(root)) == sorted(FINAL), root.name
            assert {holding.document_id: holding.rows for holding in sink.holdings()} == {
                document_id: len(ids) for document_id, ids in VERSIONS.items() if ids <= FINAL.keys()
            }
            assert all(sink.ledger.committed(receipt.batch_id) for _, receipt in STEPS)
            assert sink.ledger.pending() == []
        left = [
            path.name for name in ("staging", "pending") for path in (root / "_batchwright" / name).iterdir()
        ]
        assert left == [], root.name
