"""A program that stores chunks of its own: `python insert.py URL TEXT CHUNK…`, a chunk as KEY:INDEX:TOTAL.

Each chunk is a call of its own. With GATE, a folder, it leaves `reached` there when it has stored the first
chunk, and waits for `open`; with STAY it does not end, so that it can be killed.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk

PATIENCE = 60.0
"""Seconds that it waits, at most."""


def chunk(key: str, index: int, total: int, text: str) -> ProcessedChunk:
    """Return a chunk; its text says where it stands."""
    return ProcessedChunk(
        f"{text} {key} {index} of {total}", source_file=key, chunk_index=index, total_chunks=total
    )


def main(url: str, text: str, *chunks: str) -> None:
    """Store the chunks, one after the other."""
    gate = os.environ.get("GATE")
    with BatchProcessor(BatchConfig(input_dir=Path(), to=url)) as processor:
        for position, name in enumerate(chunks):
            key, index, total = name.split(":")
            processor.insert_chunks([chunk(key, int(index), int(total), text)])
            if gate and position == 0:
                _wait(Path(gate))
    if "STAY" in os.environ:
        print("stored", flush=True)
        time.sleep(PATIENCE)


def _wait(gate: Path) -> None:
    (gate / f"reached-{os.getpid()}").touch()
    deadline = time.monotonic() + PATIENCE
    while not (gate / "open").exists() and time.monotonic() < deadline:
        time.sleep(0.001)


if __name__ == "__main__":
    main(*sys.argv[1:])
