"""How many records a batch takes, and cutting a list into batches."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright import ProcessedChunk, calculate_batch_size, create_batches


@pytest.mark.parametrize(
    ("total", "maximum", "expected"),
    [
        (0, 32, 1),
        (0, 1, 1),
        (1, 32, 1),
        (31, 32, 31),
        (50, 32, 32),
        (50, 10, 10),
        (100, 32, 32),
        (100, 200, 100),
        (101, 32, 10),
        (101, 200, 10),
        (320, 32, 32),
        (500, 32, 32),
        (500, 64, 50),
        (500, 20, 20),
        (1000, 200, 100),
        (1000, 16, 16),
        (1001, 200, 200),
        (2600, 32, 32),
        (5000, 32, 32),
    ],
)
def test_the_heuristic(total: int, maximum: int, expected: int) -> None:
    assert calculate_batch_size(total, maximum) == expected


def test_the_default_maximum_is_32() -> None:
    assert calculate_batch_size(10_000) == 32


@pytest.mark.parametrize(("total", "maximum"), [(100, 0), (100, -1), (-1, 32)])
def test_impossible_numbers_are_refused(total: int, maximum: int) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        calculate_batch_size(total, maximum)


def chunks(count: int) -> list[ProcessedChunk]:
    return [ProcessedChunk(f"Text {n}", source_file="a.md", chunk_index=n) for n in range(count)]


@given(count=st.integers(1, 300), size=st.none() | st.integers(1, 50))
def test_batches_hold_every_record_once_and_in_order(count: int, size: int | None) -> None:
    records = chunks(count)
    batches = create_batches(records, size)

    assert [record for batch in batches for record in batch.documents] == records
    assert [batch.batch_index for batch in batches] == list(range(len(batches)))
    expected = size or calculate_batch_size(count)
    assert {len(batch.documents) for batch in batches[:-1]} <= {expected}
    for batch in batches:
        first, last = batch.metadata["start_index"], batch.metadata["end_index"]
        assert records[first : last + 1] == list(batch.documents)
        assert batch.metadata["document_count"] == len(batch.documents)
        assert datetime.fromisoformat(batch.metadata["created_at"]).tzinfo is not None


def test_2600_chunks_make_82_batches() -> None:
    batches = create_batches(chunks(2600))
    assert [len(batch.documents) for batch in batches] == [32] * 81 + [8]


def test_nothing_to_cut_is_an_error() -> None:
    with pytest.raises(ValueError, match="no documents"):
        create_batches([])


@pytest.mark.parametrize("size", [0, -3])
def test_a_batch_size_below_one_is_an_error(size: int) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        create_batches(chunks(3), size)
