"""Keys with NUL or lone surrogates, which a program may bring: ledgers have them written as in Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk, Target

NUL, SURROGATE = "nul\0.md", "half\ud83d.md"


def chunk(key: str, text: str = "text") -> ProcessedChunk:
    return ProcessedChunk(text, source_file=key, chunk_index=0, total_chunks=1)


@pytest.fixture
def to(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kb.db"


@pytest.fixture
def processor(to: str) -> BatchProcessor:
    return BatchProcessor(BatchConfig(to=to, reporters=(), collection="odd"))


def test_what_was_just_loaded_is_neither_gone_nor_new_whatever_its_key(
    processor: BatchProcessor, to: str
) -> None:
    records = [chunk(NUL), chunk(SURROGATE), chunk("plain.md")]
    first = processor.load(records, prune=True).account
    again = processor.load(records, prune=True).account
    assert (first.documents.added, first.documents.refused, first.documents.deleted) == (2, 1, 0)
    assert (again.documents.unchanged, again.documents.refused, again.documents.deleted) == (2, 1, 0)
    assert (again.batches, first.removed, again.removed) == (0, 0, 0)
    with Target(to) as kb:
        assert [known.version.key for known in kb.documents()] == ["nul\\x00.md", "plain.md"]
        assert [reject.key for reject in kb.rejects()] == ["half\\ud83d.md"]


def test_what_has_such_a_key_can_be_deleted_by_it(processor: BatchProcessor, to: str) -> None:
    processor.load([chunk(NUL), chunk(SURROGATE)])
    processor.insert_chunks([replace(chunk("begun\0.md"), total_chunks=2)])
    assert processor.delete([NUL, SURROGATE, "begun\0.md"]) == 1
    with Target(to) as kb:
        assert not list(kb.documents())
        assert not list(kb.rejects())
        assert not any(status.pending for status in kb.collections())


def test_two_keys_that_are_written_alike_are_one(processor: BatchProcessor) -> None:
    result = processor.load([chunk(NUL), chunk("nul\\x00.md", "another")])
    assert (result.account.documents.added, result.account.documents.failed) == (1, 1)
