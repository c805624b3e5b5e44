"""Chunks as columns, and the names of those that can't be stored."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest

from batchwright import BadRecords, ProcessedChunk
from batchwright.contracts.records import CHUNK
from batchwright.sinkkit.columns import ValueLimits, columns_of, refusing
from batchwright.testing.records import METADATA, sample

LIMITS = ValueLimits(bytes=100, depth=2)
CHUNKS = sample("a.md", 4, metadata=METADATA).chunks


def test_columns_hold_every_field_in_plain_values() -> None:
    timed = replace(CHUNKS[0], document_date=datetime(2026, 1, 31, 12))
    found = columns_of([timed, *CHUNKS[1:], replace(CHUNKS[0], document_date=None)], CHUNK)
    columns = dict(zip(CHUNK.names, found, strict=True))
    assert set(columns) == {field.name for field in fields(ProcessedChunk)} - {"id"}
    assert {len(values) for values in columns.values()} == {5}
    assert columns["document_date"] == [*[date(2026, 1, 31)] * 4, None]
    assert list(columns["chunk_text"])[:4] == [chunk.chunk_text for chunk in CHUNKS]
    assert '"é": ["ü"]' in columns["metadata"][0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"chunk_text": "a\ud800"}, "chunk_text holds a lone surrogate, U+D800, at character 1"),
        ({"chunk_text": 7}, "chunk_text is not text, but int"),
        ({"chunk_text": "ü" * 60}, "chunk_text has 120 bytes, more than the target holds"),
        ({"source_file": None}, "source_file is not text, but NoneType"),
        ({"chunk_index": None}, "chunk_index is not a whole number, but NoneType"),
        ({"chunk_token_count": 2**63}, "chunk_token_count is outside of 64 bits"),
        ({"document_date": "today"}, "document_date is not a date, but str"),
        ({"metadata": {"x": {1}}}, "metadata is not JSON: it holds a set"),
        ({"metadata": {"x": [[[]]]}}, "metadata is nested more than 2 levels deep"),
        ({"id": "7"}, "id is not a UUID in lower case with dashes"),
        ({"id": CHUNKS[1].id.upper()}, "id is not a UUID in lower case with dashes"),
    ],
)
def test_a_record_at_fault_is_named_with_the_reason(values: dict[str, Any], reason: str) -> None:
    plain = [replace(chunk, metadata={}, source_category=None, span_start=None) for chunk in CHUNKS]
    values.setdefault("chunk_hash", "x")
    chunks = [plain[0], _with(plain[1], values), *plain[2:]]
    with pytest.raises(BadRecords) as caught, refusing(chunks, CHUNK, KeyError, limits=LIMITS):
        raise KeyError("what the driver says")
    assert caught.value.reasons == {1: reason}


def test_what_is_no_record_s_fault_is_raised_as_it_is() -> None:
    with pytest.raises(KeyError), refusing(CHUNKS, CHUNK, KeyError):
        raise KeyError("what the driver says")
    bad = [_with(CHUNKS[0], {"chunk_text": "\ud800"})]
    with pytest.raises(OSError, match="disk"), refusing(bad, CHUNK):
        raise OSError("disk full")


def test_an_id_comes_once() -> None:
    with pytest.raises(ValueError, match="same id twice"), refusing([CHUNKS[0], CHUNKS[0]], CHUNK):
        pytest.fail("the block is not to be entered")


def _with(chunk: ProcessedChunk, values: dict[str, Any]) -> ProcessedChunk:
    changed = replace(chunk)
    for name, value in values.items():  # what the constructor would refuse
        object.__setattr__(changed, name, value)
    return changed
