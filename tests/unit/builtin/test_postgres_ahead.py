"""Rows that are encoded ahead are those that are written, or are not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import pytest

from batchwright import ProcessedChunk
from batchwright.builtin.postgres import ahead
from batchwright.builtin.postgres.ahead import Ahead
from batchwright.builtin.postgres.rows import BLOCK, Fields, Rows
from batchwright.contracts.records import CHUNK
from batchwright.contracts.rows import Placed
from batchwright.testing.records import sample


class Counting(Rows):
    """Counts the records that it encodes."""

    def __init__(self) -> None:
        super().__init__(CHUNK)
        self.encoded = 0

    def encode(self, records: Sequence[Placed]) -> Fields:
        self.encoded += len(records)
        return super().encode(records)


@pytest.fixture
def rows() -> Counting:
    return Counting()


@pytest.fixture
def chunks() -> list[ProcessedChunk]:
    return list(sample("a.md", 3 * BLOCK + 5).chunks)


def all_of(blocks: Sequence[Fields]) -> list[tuple[bytes, ...]]:
    """The fields by row."""
    return list(chain.from_iterable(zip(*fields, strict=True) for fields in blocks))


def encoded_ahead(rows: Counting, records: Sequence[Placed]) -> Ahead:
    made = Ahead(rows)
    made.announce(records)
    made.encode(lambda: False)
    return made


@pytest.mark.parametrize("cut", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_as_many_whole_blocks_are_used_as_are_written(
    rows: Counting, chunks: list[ProcessedChunk], cut: int
) -> None:
    made = encoded_ahead(rows, chunks)
    expected, rows.encoded = all_of([*Rows(CHUNK).blocks(chunks[:cut])]), 0
    assert all_of([*made.blocks(chunks[:cut])]) == expected
    assert rows.encoded == (0 if cut == len(chunks) else cut % BLOCK)


def test_records_that_come_behind_those_announced_are_encoded(
    rows: Counting, chunks: list[ProcessedChunk]
) -> None:
    made = encoded_ahead(rows, chunks[:-3])
    rows.encoded = 0
    assert all_of([*made.blocks(chunks)]) == all_of([*Rows(CHUNK).blocks(chunks)])
    assert rows.encoded == 3


@pytest.mark.parametrize("at", [0, BLOCK, 3 * BLOCK])
def test_from_the_first_other_record_on_nothing_is_used(
    rows: Counting, chunks: list[ProcessedChunk], at: int
) -> None:
    made = encoded_ahead(rows, chunks)
    changed = [*chunks[:at], replace(chunks[at], chunk_text="another", chunk_hash=""), *chunks[at + 1 :]]
    rows.encoded = 0
    assert all_of([*made.blocks(changed)]) == all_of([*Rows(CHUNK).blocks(changed)])
    assert rows.encoded == len(chunks) - at


def test_what_is_announced_is_encoded_once_and_used_once(
    rows: Counting, chunks: list[ProcessedChunk]
) -> None:
    made = encoded_ahead(rows, chunks)
    assert rows.encoded == len(chunks)
    made.encode(lambda: False)  # nothing new was announced
    assert rows.encoded == len(chunks)
    for _ in range(2):
        assert len(all_of([*made.blocks(chunks)])) == len(chunks)
    assert rows.encoded == 3 * len(chunks)


def test_a_record_that_cannot_be_stored_is_left_to_its_own_write(
    rows: Counting, chunks: list[ProcessedChunk]
) -> None:
    chunks[BLOCK] = replace(chunks[BLOCK], chunk_text="a NUL\0", chunk_hash="")
    made = encoded_ahead(rows, chunks)
    with pytest.raises(ValueError, match="NUL"):
        list(made.blocks(chunks))


def test_not_more_is_kept_than_there_is_room_for(
    rows: Counting, chunks: list[ProcessedChunk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "MOST", sum(chunk.size for chunk in chunks[: 2 * BLOCK]))
    encoded_ahead(rows, chunks)
    assert rows.encoded == 2 * BLOCK


def test_it_ends_where_that_is_asked_for(rows: Counting, chunks: list[ProcessedChunk]) -> None:
    made = Ahead(rows)
    made.announce(chunks)
    made.encode(lambda: rows.encoded >= BLOCK)
    assert rows.encoded == BLOCK
