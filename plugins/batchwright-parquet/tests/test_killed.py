"""Killed at any step, run again: the same as undisturbed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from batchwright_parquet import ParquetOptions, ParquetSink, read
from pydantic import SecretStr

from batchwright.testing.scenario import FINAL, expect_final, expect_whole, load


def through_glob(root: Path) -> list[str]:
    files = sorted((root / "data").glob("**/*.parquet"))
    return [identity for file in files for identity in pq.ParquetFile(file).read(["id"])["id"].to_pylist()]


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
    assert int(done.stdout) >= kills, "the steps are not tapped"
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
