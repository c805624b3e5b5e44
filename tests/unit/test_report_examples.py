"""The four usage examples of the report that batchwright was written for: the calls are as given there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk, calculate_batch_size, create_batches


@pytest.fixture(autouse=True)
def _folder_with_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for number in range(3):
        (tmp_path / "docs" / f"page{number}.md").write_text(f"# Page {number}\n\nSome words.\n", "utf-8")


@pytest.fixture
def processor() -> BatchProcessor:
    return BatchProcessor(BatchConfig(input_dir=Path("docs/"), batch_size=32))


def collection(size: int) -> list[ProcessedChunk]:
    return [
        ProcessedChunk(f"Piece {n} of the book", source_file="book.md", chunk_index=n, total_chunks=size)
        for n in range(size)
    ]


def published() -> list[tuple[str, int]]:
    with closing(sqlite3.connect("batchwright.db")) as connection:
        counted = "SELECT source_file, count(*) FROM knowledge_base GROUP BY source_file ORDER BY source_file"
        return connection.execute(counted).fetchall()


def test_basic(capsys: pytest.CaptureFixture[str]) -> None:
    config = BatchConfig(input_dir=Path("docs/"), batch_size=32, chunk_max_tokens=512)
    processor = BatchProcessor(config)
    chunk_ids = processor.process_directory()
    progress = processor.get_progress()
    print(f"Progress: {progress.percent_complete}%")
    print(f"Documents: {progress.documents_processed}")
    print(f"Errors: {len(progress.errors)}")

    assert capsys.readouterr().out == "Progress: 100.0%\nDocuments: 3\nErrors: 0\n"
    assert published() == [("page0.md", 1), ("page1.md", 1), ("page2.md", 1)]
    with closing(sqlite3.connect("batchwright.db")) as connection:
        assert sorted(chunk_ids) == [
            id_ for (id_,) in connection.execute("SELECT id FROM knowledge_base ORDER BY 1")
        ]


def test_batch_sizes() -> None:
    assert calculate_batch_size(2600, max_batch_size=32) == 32
    assert calculate_batch_size(50, max_batch_size=32) == 32


def test_batches_with_retry(processor: BatchProcessor, capsys: pytest.CaptureFixture[str]) -> None:
    documents: list[ProcessedChunk] = collection(100)
    batches = create_batches(documents, batch_size=32)
    for batch in batches:
        result = processor.process_batch_with_retry(
            batch, lambda b: processor._insert_chunks(b.documents), max_retries=3
        )
        if result.success:
            print(f"Batch {result.batch_index}: {result.documents_processed} stored")
        else:
            print(f"Batch {result.batch_index}: {result.error}")

    assert capsys.readouterr().out == (
        "Batch 0: 32 stored\nBatch 1: 32 stored\nBatch 2: 32 stored\nBatch 3: 4 stored\n"
    )
    assert published() == [("book.md", 100)]


def test_a_batch_that_fails_says_why(processor: BatchProcessor) -> None:
    [batch] = create_batches(collection(3), batch_size=32)

    def refuse(records: object) -> int:
        raise ValueError("not today")

    result = processor.process_batch_with_retry(batch, refuse, max_retries=3)
    assert (result.success, result.error, result.documents_processed) == (False, "not today", 0)


def test_tracking_progress(processor: BatchProcessor, capsys: pytest.CaptureFixture[str]) -> None:
    batches = create_batches(collection(100), batch_size=32)
    for batch in batches:
        processor.track_progress(
            batch_index=batch.batch_index, total_batches=len(batches), documents_count=len(batch.documents)
        )
        progress = processor.get_progress()
        print(f"{progress.percent_complete:.1f}% complete")
        if progress.has_errors:
            print(progress.errors)

    assert capsys.readouterr().out == "25.0% complete\n50.0% complete\n75.0% complete\n100.0% complete\n"
    assert processor.get_progress().documents_processed == 100


def test_a_collection_of_2600_chunks_lands_in_82_batches(processor: BatchProcessor) -> None:
    chunks = collection(2600)
    batches = create_batches(chunks, batch_size=calculate_batch_size(len(chunks), max_batch_size=32))
    assert [len(batch.documents) for batch in batches] == [32] * 81 + [8]

    for batch in batches:
        result = processor.process_batch_with_retry(
            batch, lambda b: processor._insert_chunks(b.documents), max_retries=3
        )
        assert result.success, result.error
        processor.track_progress(
            batch_index=batch.batch_index, total_batches=len(batches), documents_count=len(batch.documents)
        )

    progress = processor.get_progress()
    assert (progress.percent_complete, progress.documents_processed, progress.errors) == (100.0, 2600, [])
    assert published() == [("book.md", 2600)]
    with closing(sqlite3.connect("batchwright.db")) as connection:
        stored = connection.execute("SELECT chunk_text, chunk_hash FROM knowledge_base ORDER BY chunk_index")
        assert stored.fetchall() == [(chunk.chunk_text, chunk.chunk_hash) for chunk in chunks]
