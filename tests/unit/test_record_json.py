from __future__ import annotations

import json
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.contracts.record_json import as_json, record_of
from batchwright.contracts.records import CHUNK
from batchwright.contracts.rows import Placed
from batchwright.model import ProcessedChunk

any_text = st.text(st.characters(), max_size=20)  # surrogates included
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
chunks = st.builds(
    ProcessedChunk,
    chunk_text=any_text,
    context_header=any_text,
    source_file=any_text,
    source_category=st.none() | any_text,
    document_date=st.none() | st.dates() | st.datetimes(),
    chunk_index=st.integers(0, 2**32 - 1),
    total_chunks=st.integers(),
    chunk_token_count=st.integers(),
    metadata=st.dictionaries(any_text, json_values, max_size=3),
    span_start=st.none() | st.integers(),
    span_end=st.none() | st.integers(),
    line=st.none() | st.integers(),
    page=st.none() | st.integers(),
)


PLAIN = as_json(CHUNK, ProcessedChunk("", source_file="a.md"))


def again(chunk: ProcessedChunk) -> Placed:
    return record_of(CHUNK, chunk.id, json.loads(json.dumps(as_json(CHUNK, chunk))))


@given(chunks)
def test_a_chunk_round_trips_exactly_in_pure_ascii(chunk: ProcessedChunk) -> None:
    found = again(chunk)
    assert found == chunk
    assert isinstance(found, ProcessedChunk)
    assert type(found.document_date) is type(chunk.document_date)


def test_read_only_mappings_become_objects() -> None:
    found = again(ProcessedChunk("x", metadata=MappingProxyType({"a": MappingProxyType({"b": 1})})))
    assert isinstance(found, ProcessedChunk)
    assert found.metadata == {"a": {"b": 1}}


def test_metadata_that_json_cannot_hold_is_kept_as_its_repr_in_strict_json() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    metadata = {
        "set": {1},
        "nan": float("nan"),
        "when": date(2026, 1, 31),
        "fine": [1, "é"],
        "cycle": cycle,
        "b": b"x",
    }
    text = json.dumps(as_json(CHUNK, ProcessedChunk("x", metadata=metadata)), allow_nan=False)
    kept = json.loads(text)["metadata"]
    assert kept.pop("cycle")[0][0][0]
    assert kept == {
        "set": "{1}",
        "nan": "nan",
        "when": "datetime.date(2026, 1, 31)",
        "fine": [1, "é"],
        "b": "b'x'",
    }


def test_the_hash_of_a_text_is_computed_anew_and_what_may_be_missing_is_none() -> None:
    given = {name: value for name, value in PLAIN.items() if name not in ("chunk_hash", "span_end")}
    found = record_of(CHUNK, ProcessedChunk("", source_file="a.md").id, {**given, "chunk_text": "corrected"})
    assert found == ProcessedChunk("corrected", source_file="a.md")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"txt": 1, "a": 2}, "has no field a, txt; its fields are span_start"),
        ({"chunk_text": None}, "chunk_text must be text, not null"),
        ({"chunk_index": "1"}, "chunk_index must be a whole number, not str"),
        ({"chunk_index": True}, "chunk_index must be a whole number, not bool"),
        ({"span_end": 1.5}, "span_end must be a whole number, not float"),
        ({"metadata": []}, "metadata must be an object, not list"),
        ({"document_date": "31.1.2026"}, "document_date must be a date as in 2026-01-31"),
    ],
)
def test_a_record_that_was_mended_wrongly_is_explained(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record_of(CHUNK, "", {**PLAIN, **values})
    with pytest.raises(ValueError, match="lacks its chunk_text"):
        record_of(CHUNK, "", {})
