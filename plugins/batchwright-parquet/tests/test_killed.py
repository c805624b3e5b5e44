"""Killed at any step, run again: the same as undisturbed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from batchwright_parquet import ParquetOptions, ParquetSink, read
from pydantic import SecretStr

from batchwright.testing.scenario import FINAL, expect_final, expect_whole, load
from tests.support.killed_steps import kill_at_steps, killed_at_steps


def through_glob(root: Path) -> list[str]:
    files = sorted((root / "data").glob("**/*.parquet"))
    return [identity for file in files for identity in pq.ParquetFile(file).read(["id"])["id"].to_pylist()]


@pytest.mark.timeout(300)
@killed_at_steps
def test_running_again_gives_what_an_undisturbed_run_gives(tmp_path: Path, every: int, kills: int) -> None:
    assert kill_at_steps(Path(__file__).parents[1], tmp_path, every) >= kills, "the steps are not tapped"
    for root in sorted(tmp_path.iterdir()):
        if (root / "_batchwright" / "manifest.jsonl").exists():
            expect_whole(read(root)["id"].to_pylist(), f"{root.name}, read")
        fix(root)


def fix(root: Path) -> None:
    with ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{root}"))).open() as store:
        expect_whole(through_glob(root), f"{root.name}, glob after recovery")
        load(store)
        table = read(root)
        texts = dict(zip(table["id"].to_pylist(), table["chunk_text"].to_pylist(), strict=True))
        assert (texts, table.num_rows) == (FINAL, len(FINAL)), root.name
        assert sorted(through_glob(root)) == sorted(FINAL), root.name
        expect_final(store)
    internal = root / "_batchwright"
    left = [path.name for name in ("staging", "pending") for path in (internal / name).iterdir()]
    assert left == [], root.name
