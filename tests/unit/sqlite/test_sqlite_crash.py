from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.sqlite.cases import check_index, document, published, select, store_at

DOCUMENTS, CHUNKS, A_BATCH = 200, 7, 5

_LOADER = """
import sys
from pathlib import Path
from tests.unit.sqlite.test_sqlite_crash import load
load(Path(sys.argv[1]), int(sys.argv[2]))
"""


def load(file: Path, turn: int) -> None:
    """Load all documents of a turn in batches that cut across documents, skipping what is published."""
    from batchwright.contracts.receipts import Publication
    from batchwright.model import Batch
    from tests.unit.sqlite.cases import receipt

    with store_at(file) as store:
        known = {entry.version.key: entry.version for entry in store.ledger.documents("docs", limit=10_000)}
        print("ready", flush=True)
        for number in range(DOCUMENTS):
            version, chunks = document(
                f"{number:04}.md", [f"turn {turn} chunk {n}" for n in range(CHUNKS)], f"v{turn}"
            )
            old = known.get(version.key)
            if old == version:
                continue
            for start in range(0, CHUNKS, A_BATCH):
                batch = chunks[start : start + A_BATCH]
                last = start + A_BATCH >= CHUNKS
                store.write(
                    Batch(batch, start),
                    receipt(
                        f"{version.document_id} {start}",
                        begun=() if last else (version,),
                        publications=(Publication(version),) if last else (),
                    ),
                )


def test_a_writer_killed_at_any_instant_leaves_whole_batches_and_can_be_run_again(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    file = tmp_path / "kb.db"
    kills = 0
    for turn in range(3):
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", _LOADER, str(file), str(turn)], stdout=subprocess.PIPE, text=True
            )
            with process:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                time.sleep(dice.uniform(0, 0.06))
                process.kill()
            kills += process.returncode == -signal.SIGKILL
            check_index(file)
            _check_wholeness(file)
        load(file, turn)
        assert published(file) == [f"turn {turn} chunk {n}" for _ in range(DOCUMENTS) for n in range(CHUNKS)]
        assert select(file, "SELECT count(*) FROM knowledge_base_records") == [(DOCUMENTS * CHUNKS,)]
        assert select(file, "SELECT count(*) FROM knowledge_base_pending") == [(0,)]
        check_index(file)
    assert kills >= 5


def _check_wholeness(file: Path) -> None:
    """Every document in the view is whole, and every receipt has exactly its rows."""
    counts = select(
        file,
        "SELECT count(*), count(DISTINCT substr(chunk_text, 1, 6)) FROM knowledge_base GROUP BY source_file",
    )
    assert set(counts) <= {(CHUNKS, 1)}
    begun = select(
        file,
        "SELECT p.document_id, "
        "(SELECT count(*) FROM knowledge_base_records AS c WHERE c._document_id = p.document_id), "
        "(SELECT count(*) FROM knowledge_base_receipts AS r WHERE substr(r.batch_id, 1, 36) = p.document_id) "
        "FROM knowledge_base_pending AS p",
    )
    assert all((rows, receipts) == (A_BATCH, 1) for _, rows, receipts in begun)
    assert len(begun) <= 1
