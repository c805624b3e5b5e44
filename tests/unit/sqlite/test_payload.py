from __future__ import annotations

import json
from datetime import date, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.model import ProcessedChunk
from batchwright.sinkkit.rejects import from_json, to_json

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
)


@given(chunks)
def test_a_chunk_round_trips_exactly_in_pure_ascii(chunk: ProcessedChunk) -> None:
    text = to_json(chunk)
    assert text.isascii()
    assert "\0" not in text
    assert from_json(text) == chunk
    assert type(from_json(text).document_date) is type(chunk.document_date)


def test_read_only_mappings_become_objects() -> None:
    chunk = ProcessedChunk("x", metadata=MappingProxyType({"a": MappingProxyType({"b": 1})}))
    assert from_json(to_json(chunk)).metadata == {"a": {"b": 1}}


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
    text = to_json(ProcessedChunk("x", metadata=metadata))
    kept = json.loads(text, parse_constant=lambda name: pytest.fail(name))["metadata"]
    assert kept.pop("cycle")[0][0][0]
    assert kept == {
        "set": "{1}",
        "nan": "nan",
        "when": "datetime.date(2026, 1, 31)",
        "fine": [1, "é"],
        "b": "b'x'",
    }


def test_what_is_left_out_is_computed_anew() -> None:
    chunk = from_json('{"chunk_text": "corrected", "source_file": "a.md"}')
    assert chunk == ProcessedChunk("corrected", source_file="a.md")
    assert chunk.chunk_hash


def test_dates_and_times_are_told_apart() -> None:
    assert from_json('{"chunk_text": "", "document_date": "2026-01-31"}').document_date == date(2026, 1, 31)
    moment = from_json('{"chunk_text": "", "document_date": "2026-01-31T12:00:00"}').document_date
    assert moment == datetime(2026, 1, 31, 12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting"),
        ("[]", "a record is a JSON object, not list"),
        ("null", "a record is a JSON object, not null"),
        ("{}", "lacks its chunk_text"),
        ('{"chunk_text": "", "txt": 1, "a": 2}', "has no field a, txt; its fields are chunk_text"),
        ('{"chunk_text": null}', "chunk_text must be text, not null"),
        ('{"chunk_text": "", "chunk_index": "1"}', "chunk_index must be a whole number, not str"),
        ('{"chunk_text": "", "chunk_index": true}', "chunk_index must be a whole number, not bool"),
        ('{"chunk_text": "", "span_end": 1.5}', "span_end must be a whole number, not float"),
        ('{"chunk_text": "", "metadata": []}', "metadata must be an object, not list"),
        ('{"chunk_text": "", "document_date": "31.1.2026"}', "document_date must be a date as in 2026-01-31"),
        ('{"chunk_text": "", "metadata": {"a": NaN}}', "NaN is not JSON"),
        ('{"chunk_text": "", "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
    ],
)
def test_a_record_that_was_mended_wrongly_is_explained(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(text)
