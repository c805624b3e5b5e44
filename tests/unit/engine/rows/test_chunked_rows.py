"""Rows of which a column is cut into chunks: the types that are said are those of the metadata."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from batchwright import ConfigError
from tests.unit.engine.rows.bucket import HEAD, Bucket
from tests.unit.engine.rows.bucket import load as load_bucket
from tests.unit.engine.rows.fruit import load, rejects, states, write

ROWS = "id,text,n,day\n007,one,5,2026-01-02\n8,two,7.50,\n"


class Note(BaseModel):
    """What rows are validated by."""

    id: int
    text: str
    n: float | None = None
    day: date | None = None


RECORD = f"{__name__}:Note"


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bucket, "objects", {})


def found() -> dict[str, tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect("kb.db")) as database, database:
        query = "SELECT source_file, chunk_text, metadata FROM knowledge_base ORDER BY source_file"
        return {
            key: (text, {name: value for name, value in json.loads(metadata).items() if name != "title"})
            for key, text, metadata in database.execute(query)
        }


def test_without_types_metadata_are_as_they_stand_in_the_file() -> None:
    write(ROWS)
    load(chunk="text")
    assert found() == {
        "007": ("one", {"id": "007", "n": "5", "day": "2026-01-02"}),
        "8": ("two", {"id": "8", "n": "7.50"}),
    }


def test_rows_that_are_unchanged_count_with_all_their_chunks() -> None:
    write(f"id,text\n1,{'a few words ' * 500}\n2,short\n")
    first = load(chunk="text").account.records
    assert first.written > 3
    assert load(chunk="text").account.records.unchanged == first.written


def test_types_that_are_said_are_those_of_the_metadata_and_of_the_key() -> None:
    write(ROWS)
    load(chunk="text")
    types = {"n": "real", "id": "integer"}
    assert states(load(chunk="text", types=types, prune=True, prune_limit=1.0)) == {
        "added": 1,
        "changed": 1,
        "deleted": 1,
    }
    assert found() == {
        "7": ("one", {"id": 7, "n": 5.0, "day": "2026-01-02"}),
        "8": ("two", {"id": 8, "n": 7.5}),
    }
    assert states(load(chunk="text", types=types)) == {"unchanged": 2}


def test_a_value_that_is_not_of_its_type_is_refused_and_named() -> None:
    write(ROWS)
    assert states(load(chunk="text", types={"n": "integer"})) == {"added": 1, "refused": 1}
    [(key, message)] = rejects()
    assert (key, message.partition(";")[0]) == ("8", "line 3: n is integer, and '7.50' is none")
    write(ROWS.replace("7.50", "7"))
    assert states(load(chunk="text", types={"n": "integer"})) == {"unchanged": 1, "added": 1}
    assert rejects() == []


def test_a_model_validates_rows_that_are_cut() -> None:
    write(ROWS + "9,nine,many,\n")
    assert states(load(chunk="text", record=RECORD)) == {"added": 2, "refused": 1}
    assert found() == {
        "7": ("one", {"id": 7, "n": 5.0, "day": "2026-01-02"}),
        "8": ("two", {"id": 8, "n": 7.5}),
    }
    assert rejects()[0][1].startswith("line 4: n: Input should be a valid number")
    assert states(load(chunk="text", record=RECORD)) == {"unchanged": 2, "refused": 1}
    with pytest.raises(ConfigError, match="chunk: there is no column body; the columns are id, text, n, day"):
        load(chunk="body", record=RECORD)
    with pytest.raises(ConfigError, match="key: say which column names a row"):
        load(chunk="text", record=RECORD, key=None)


def test_types_of_json_rows_are_those_of_the_metadata() -> None:
    write('{"id": 1, "text": "one", "n": 5}\n{"id": 2, "text": "two", "n": "x"}\n', "notes.jsonl")
    assert states(load("notes.jsonl", chunk="text", types={"n": "real"})) == {"added": 1, "refused": 1}
    assert found() == {"1": ("one", {"id": 1, "n": 5.0})}


def test_another_way_of_cutting_reads_unchanged_files_again() -> None:
    Bucket.objects |= {"1.csv": f"{HEAD}1,a\n2,b\n"}
    assert states(load_bucket(chunk="name")) == {"added": 2}
    assert states(load_bucket(chunk="name")) == {"unchanged": 2}
    assert Bucket.fetched == []
    for settings in ({"chunk_max_tokens": 64}, {"types": {"id": "integer"}}, {"heading": "id"}):
        assert states(load_bucket(chunk="name", **settings)) == {"changed": 2}
        assert Bucket.fetched == ["1.csv"]
