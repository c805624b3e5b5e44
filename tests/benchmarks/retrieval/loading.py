"""The documents, loaded into a target as a run or a program loads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk
from tests.benchmarks.retrieval.corpus import MAX_TOKENS, documents, write
from tests.benchmarks.retrieval.embedder import NAME, Plugin


def load(name: str, folder: Path, target: str, *, embedded: bool = False) -> int:
    """Load the documents of a corpus, with vectors or without; return how many chunks are stored."""
    config = BatchConfig.model_validate(
        {
            "input_dir": write(folder / name, documents(name)),
            "to": target,
            "chunk_max_tokens": MAX_TOKENS,
            "reporters": (),
            "embedder": NAME if embedded else None,
        }
    )
    with BatchProcessor(config, plugins=[Plugin()] if embedded else []) as processor:
        return len(processor.process_directory())


def load_pieces(pieces: Iterable[tuple[str, str]], target: str) -> int:
    """Load what another splitter made of the documents, as texts by document; return how many."""
    by_document: dict[str, list[str]] = {}
    for key, text in pieces:
        by_document.setdefault(key, []).append(text)
    chunks = [
        ProcessedChunk(chunk_text=text, source_file=key, chunk_index=index, total_chunks=len(texts))
        for key, texts in by_document.items()
        for index, text in enumerate(texts)
    ]
    with BatchProcessor(BatchConfig.model_validate({"to": target, "reporters": ()})) as processor:
        return processor.insert_chunks(chunks).account.records.written
