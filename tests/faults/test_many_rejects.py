"""A run takes as long beside very many rejects of other documents as beside none."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor
from batchwright.sinkkit.rejects import reject_row
from batchwright.sinkkit.sql_ledger.tables import REJECTS, key_hash
from batchwright.testing.records import reject, sample

DOCUMENTS, MANY, ROUNDS = 324, 400_000, 5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_changed_documents_load_as_fast_beside_400_000_rejects_of_others(tmp_path: Path) -> None:
    """The bound is generous, since machines are noisy: where a statement reads all rejects, it is 37."""
    folder = tmp_path / "docs"
    folder.mkdir()
    crowded, empty = tmp_path / "crowded.db", tmp_path / "empty.db"
    for file in (crowded, empty):
        _seconds(folder, file, 0)
    with closing(sqlite3.connect(crowded)) as connection, connection:
        marks = ", ".join("?" * len(REJECTS.columns))
        connection.executemany(
            f"INSERT INTO knowledge_base_rejects VALUES ({marks})", sorted(islice(_rejects(), MANY))
        )
    ratios = [
        _seconds(folder, crowded, turn) / _seconds(folder, empty, turn) for turn in range(1, ROUNDS + 1)
    ]
    print(f"{statistics.median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})")
    assert statistics.median(ratios) < 2


def _rejects() -> Iterator[tuple[Any, ...]]:
    number = 0
    while True:
        for chunk in sample(f"others/{number}.md", 4).chunks:
            rejected = reject(chunk)
            yield (*reject_row(rejected), key_hash(rejected.key))
        number += 1


def _seconds(folder: Path, file: Path, turn: int) -> float:
    """Load the documents, all of them changed in every turn."""
    for number in range(DOCUMENTS):
        (folder / f"{number}.md").write_text(f"# Document {number}\n\nText of turn {turn}.\n")
    start = time.perf_counter()
    with BatchProcessor(BatchConfig(input_dir=folder, to=f"sqlite:///{file}")) as processor:
        assert len(processor.process_directory()) == DOCUMENTS
    return time.perf_counter() - start
