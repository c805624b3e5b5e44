"""Items of rows whose fingerprint says that they are as they were: not read, and their rows stay."""

from __future__ import annotations

import gzip
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from pydantic import BaseModel

from batchwright import BatchConfig, BatchProcessor, ConfigError, Item, RunResult
from batchwright.builtin.rows.delimited import CsvReader
from batchwright.engine import conclusion
from tests.unit.engine.rows.bucket import HEAD, Bucket, load
from tests.unit.engine.rows.fruit import TO, states


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bucket, "objects", {})


def test_only_what_changed_is_read_and_the_rest_is_unchanged() -> None:
    Bucket.objects |= {f"{n}.csv": f"{HEAD}{n},a\n{n}0,b\n" for n in range(1, 6)}
    assert states(load()) == {"added": 10}
    assert states(load(prune=True)) == {"unchanged": 10}
    assert Bucket.fetched == []
    Bucket.objects["3.csv"] = f"{HEAD}3,other\n"
    assert states(load(prune=True)) == {"unchanged": 8, "changed": 1, "deleted": 1}
    assert Bucket.fetched == ["3.csv"]
    del Bucket.objects["4.csv"]
    assert states(load(prune=True)) == {"unchanged": 7, "deleted": 2}
    assert Bucket.fetched == []


def test_an_item_with_a_bad_line_is_read_again_and_its_reject_stays() -> None:
    Bucket.objects |= {"1.csv": f"{HEAD}1,a\n", "2.csv": f"{HEAD}2\n3,c\n"}
    assert states(load()) == {"added": 2, "refused": 1}
    assert states(load()) == {"unchanged": 2, "refused": 1}
    assert Bucket.fetched == ["2.csv"]


def test_an_item_whose_rows_went_to_another_is_read_again() -> None:
    Bucket.objects |= {"1.csv": f"{HEAD}1,a\n2,b\n", "2.csv": f"{HEAD}3,c\n"}
    load()
    Bucket.objects["2.csv"] = f"{HEAD}2,b\n3,c\n"
    assert states(load()) == {"unchanged": 2, "refused": 1}  # both have 2 now
    Bucket.objects["1.csv"] = f"{HEAD}1,a\n"
    assert states(load()) == {"unchanged": 3}
    assert Bucket.fetched == ["1.csv", "2.csv"]
    assert states(load()) == {"unchanged": 3}
    assert Bucket.fetched == []


def known() -> list[str]:
    with closing(sqlite3.connect("kb.db")) as database, database:
        return [key for (key,) in database.execute("SELECT key FROM fruit_items ORDER BY key")]


def test_an_item_that_is_gone_is_forgotten_with_its_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conclusion, "NOTE_AT_ONCE", 2)
    Bucket.objects |= {f"{n}.csv": f"{HEAD}{n},a\n" for n in range(1, 8)} | {"empty.csv": HEAD}
    load()
    assert len(known()) == 8
    del Bucket.objects["1.csv"], Bucket.objects["2.csv"], Bucket.objects["empty.csv"]
    assert states(load()) == {"unchanged": 5, "deleted": 2}
    assert known() == [f"{n}.csv" for n in range(1, 8)], "their rows are there, and they may come back"
    Bucket.objects["1.csv"] = f"{HEAD}1,a\n"
    assert states(load()) == {"unchanged": 6, "deleted": 1}
    assert Bucket.fetched == []
    for n in range(3, 8):
        del Bucket.objects[f"{n}.csv"]
    assert states(load(prune=True, prune_limit=1.0)) == {"unchanged": 1, "deleted": 6}
    assert known() == ["1.csv"]


def test_an_item_whose_rows_stay_elsewhere_is_forgotten_by_the_next_run() -> None:
    Bucket.objects |= {"1.csv": f"{HEAD}1,a\n", "2.csv": f"{HEAD}2,b\n"}
    load()
    Bucket.objects["3.csv"] = Bucket.objects.pop("1.csv")
    assert states(load(prune=True)) == {"unchanged": 2}
    assert states(load(prune=True)) == {"unchanged": 2}
    assert known() == ["2.csv", "3.csv"]


@pytest.mark.parametrize("how", ["broken", "incomplete", "refused"])
def test_nothing_is_forgotten_where_what_is_not_listed_may_be_there(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    Bucket.objects |= {f"{n}.csv": f"{HEAD}{n},a\n" for n in range(1, 4)} | {"empty.csv": HEAD}
    load()
    if how == "broken":
        monkeypatch.setattr(Bucket, "breaks_behind", "1.csv")
    else:
        for key in ("2.csv", "3.csv", "empty.csv"):
            del Bucket.objects[key]
    monkeypatch.setattr(Bucket, "complete", how != "incomplete")
    load(prune=how != "incomplete", prune_limit=0.1)
    assert known() == ["1.csv", "2.csv", "3.csv", "empty.csv"]


def test_other_settings_read_all_anew() -> None:
    Bucket.objects |= {"1.csv": f"{HEAD}1,a\n"}
    load()
    load(on_duplicate="last")
    assert Bucket.fetched == ["1.csv"]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The local files that were read row by row."""
    keys: list[str] = []
    rows = CsvReader.rows

    def noted(self: CsvReader, stream: BinaryIO, item: Item) -> Any:
        keys.append(item.key)
        return rows(self, stream, item)

    monkeypatch.setattr(CsvReader, "rows", noted)
    return keys


def load_file(path: str = "fruit.csv", **settings: Any) -> RunResult:
    config = BatchConfig(source=path, to=TO, reporters=(), collection="fruit", **{"key": "id", **settings})
    return BatchProcessor(config).run()


def test_a_local_file_whose_bytes_are_as_they_were_is_not_read_row_by_row(parsed: list[str]) -> None:
    Path("fruit.csv").write_text(f"{HEAD}1,a\n2,b\n")
    load_file()
    again = load_file(prune=True)
    assert states(again) == {"unchanged": 2}
    assert again.account.records.unchanged == 2
    assert parsed == ["fruit.csv"]
    before = Path("fruit.csv").stat()
    Path("fruit.csv").write_text(f"{HEAD}1,a\n2,c\n")
    os.utime("fruit.csv", ns=(before.st_atime_ns, before.st_mtime_ns))  # neither size nor time tells
    assert states(load_file()) == {"unchanged": 1, "changed": 1}
    assert states(load_file()) == {"unchanged": 2}
    assert len(parsed) == 2


@pytest.mark.parametrize(
    "settings",
    [{"types": {"name": "text"}}, {"text": "name"}, {"on_new_field": "ignore"}, {"on_duplicate": "last"}],
)
def test_a_setting_that_may_make_other_rows_reads_a_local_file_anew(
    parsed: list[str], settings: dict[str, Any]
) -> None:
    Path("fruit.csv").write_text(f"{HEAD}1,a\n")
    load_file()
    with suppress(ConfigError):
        load_file(**settings)
    assert len(parsed) == 2


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_local_file_that_changes_while_it_is_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    def written(text: str) -> bytes:
        return gzip.compress(text.encode(), mtime=0) if ending else text.encode()

    path = Path(f"fruit.csv{ending}")
    path.write_bytes(written(f"{HEAD}1,a\n"))
    rows = CsvReader.rows

    def meanwhile(self: CsvReader, stream: BinaryIO, item: Item) -> Any:
        path.write_bytes(written(f"{HEAD}1,b\n"))
        return rows(self, stream, item)

    with monkeypatch.context() as patched:
        patched.setattr(CsvReader, "rows", meanwhile)
        load_file(path.name)
    assert states(load_file(path.name)) == {"changed": 1}
    assert states(load_file(path.name)) == {"unchanged": 1}


@pytest.mark.parametrize("again", ["same", "one more"])
def test_records_of_rows_that_are_cut_into_chunks_are_counted(parsed: list[str], again: str) -> None:
    text = " ".join(f"word{n}" for n in range(400))
    Path("fruit.csv").write_text(f"{HEAD}1,{text}\n2,{text}\n")
    first = load_file(chunk="name", chunk_max_tokens=100)
    assert first.account.records.written > 2
    if again == "one more":
        Path("fruit.csv").write_text(f"{HEAD}1,{text}\n2,{text}\n3,x\n")
    second = load_file(chunk="name", chunk_max_tokens=100)
    assert second.account.records.unchanged == first.account.records.written


def test_a_model_validates_each_time_since_its_code_may_be_another(parsed: list[str]) -> None:
    Path("fruit.csv").write_text(f"{HEAD}1,a\n")
    for _ in range(2):
        load_file(record=f"{__name__}:Fruit")
    assert len(parsed) == 2


class Fruit(BaseModel):
    """What rows are validated by."""

    id: int
    name: str
