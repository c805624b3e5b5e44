"""The indices of a run's batches."""

from __future__ import annotations

import threading
from pathlib import Path

from batchwright import Batch, BatchConfig, BatchProcessor, ProcessedChunk, Receipt
from tests.support.memory import MemoryPlugin


def test_the_batches_of_several_writers_have_indices_without_gaps(
    tmp_path: Path,
) -> None:
    plugin = MemoryPlugin()
    for number in range(3):
        text = "word " * (200 if number == 0 else 25)  # one batch, but the first document is several
        (tmp_path / f"{number}.md").write_text(f"# {number}\n\n{text}\n")
    all_at_work = threading.Barrier(3)

    def first_waits_for_the_others_to_end(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if not batch.documents or len(plugin.database.writes) > 3:
            return
        all_at_work.wait(10)
        if batch.documents[0].source_file == "0.md":
            for thread in threading.enumerate():
                if thread.name.startswith("batchwright-writer"):
                    thread.join(0.2)  # its own goes on waiting for it

    plugin.database.before = first_waits_for_the_others_to_end
    config = BatchConfig(
        input_dir=tmp_path,
        to="memory://x",
        workers=3,
        batch_size=2,
        chunk_max_tokens=16,
        reporters=(),
        batch_timeout=30,
    )
    BatchProcessor(config, plugins=[plugin]).run()
    receipts = plugin.database.tables.receipts.values()
    indices = sorted(receipt.batch_index for receipt in receipts if receipt.batch_index is not None)
    assert len(indices) == len(receipts)
    assert len(indices) > 5
    assert indices == list(range(len(indices)))
