"""The ledger beside a sink that keeps none: one a target, wherever it is asked for, and never made anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import pytest

import batchwright
from batchwright import (
    Batch,
    BatchConfig,
    BatchProcessor,
    ConfigError,
    RecordType,
    RunResult,
    SinkError,
    SinkOptions,
)
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import relation_of
from batchwright.contracts.sink import Holding, Inspectable, Sink, Store
from batchwright.model import version_of
from batchwright.secrets import secrets_in


class LinesStore(Store, Inspectable):
    """Keeps the ids of rows in a file, as JSON."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        rows = [row for row in self._rows() if version_of(row) not in receipt.removed]
        self._file.write_text(json.dumps(sorted({*rows, *(record.id for record in batch.documents)})))

    def holdings(self) -> Iterator[Holding]:
        rows = self._rows()
        for version in sorted(set(map(version_of, rows))):
            yield Holding(version, sum(version_of(row) == version for row in rows))

    def sound(self, document_id: str) -> frozenset[str]:
        return frozenset(row for row in self._rows() if version_of(row) == document_id)

    def _rows(self) -> list[str]:
        return list(json.loads(self._file.read_text())) if self._file.exists() else []


class LinesSink(Sink[SinkOptions]):
    name: ClassVar[str] = "lines"
    schemes: ClassVar[tuple[str, ...]] = ("lines",)

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        return LinesStore(Path(self.identity().removeprefix("lines:///")))


class Plugin:
    @batchwright.hookimpl
    def register_sinks(self) -> list[type[Sink[Any]]]:
        return [LinesSink]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    return tmp_path


def run(to: str, **settings: Any) -> RunResult:
    config = BatchConfig(source="docs", to=to, reporters=(), **settings)
    return BatchProcessor(config, plugins=[Plugin()]).run()


def test_it_is_the_same_from_any_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("lines:///kb.json").account.documents.added == 1
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    again = BatchConfig(source=str(home / "docs"), to=f"lines:///{home}/kb.json", reporters=())
    assert BatchProcessor(again, plugins=[Plugin()]).run().account.documents.unchanged == 1
    assert not list(home.glob("**/.batchwright"))


def test_two_targets_of_the_same_name_in_two_directories_are_two(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("lines:///kb.json")
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    other = BatchConfig(source=str(home / "docs"), to="lines:///kb.json", reporters=())
    assert BatchProcessor(other, plugins=[Plugin()]).run().account.documents.added == 1


def test_none_is_made_anew_beside_a_target_that_holds_rows(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("lines:///kb.json")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "another home"))
    with pytest.raises(SinkError, match=r"holds rows, but its ledger .*another home.* is not here"):
        run("lines:///kb.json")
    [ledger] = (home / "data").glob("**/*.db")
    assert run("lines:///kb.json", ledger=ledger).account.documents.unchanged == 1


def test_a_ledger_under_the_usual_home_is_named_where_another_is_looked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_DATA_HOME")
    run("lines:///kb.json")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "another home"))
    there = str(home / ".local/share/batchwright/ledgers/lines-")
    with pytest.raises(SinkError, match=f"is not here; there is {there}"):
        run("lines:///kb.json")
    with pytest.raises(SinkError, match=f"is not here; there is {there}"):
        batchwright.Target("lines:///kb.json", plugins=[Plugin()]).open()


def _no_home(*_: object, **__: object) -> Path:
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize(
    ("find", "said"),
    [
        (_no_home, "HOME isn't set"),
        (lambda *_, **__: Path("~/.local"), "HOME isn't set"),
        (lambda *_, **__: Path("/dev/null/data"), "/dev/null is a file"),
    ],
)
def test_a_place_that_will_not_do_is_refused_with_the_setting_to_use(
    home: Path, monkeypatch: pytest.MonkeyPatch, find: Callable[..., Path], said: str
) -> None:
    monkeypatch.setattr("platformdirs.user_data_path", find)
    with pytest.raises(SinkError, match=f"ledger.*{said}.*: setting ledger, variable BATCHWRIGHT_LEDGER"):
        run("lines:///kb.json")
    assert not (home / "kb.json").exists()
    assert run("lines:///kb.json", ledger=home / "own.db").account.documents.added == 1


def test_one_file_is_not_the_ledger_of_two_targets(home: Path) -> None:
    shared = home / "shared.db"
    run("lines:///kb.json", ledger=shared)
    with pytest.raises(
        ConfigError, match=r"shared\.db is of lines:///.*kb\.json.*other\.json.*setting ledger"
    ):
        run("lines:///other.json", ledger=shared)
    assert not (home / "other.json").exists()
    assert run("lines:///kb.json", ledger=shared).account.documents.unchanged == 1
    (home / "kb.json").rename(home / "moved.json")
    assert run("lines:///moved.json", ledger=shared, adopt=True).account.documents.unchanged == 1
    assert run("lines:///moved.json", ledger=shared).account.documents.unchanged == 1


class TablesOptions(SinkOptions):
    table: str | None = None


class TablesSink(Sink[TablesOptions]):
    """Has a relation, in a file of its own, for each type of records."""

    name: ClassVar[str] = "tables"
    schemes: ClassVar[tuple[str, ...]] = ("tables",)
    options_type = TablesOptions

    @property
    def relation(self) -> str:
        return relation_of(self.options.table, None)

    def identity(self) -> str:
        return f"tables, {self.relation}"

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        store = LinesStore(Path(f"{relation_of(self.options.table, record_type)}.json"))
        store.record_type = record_type or store.record_type
        return store


class Fruit(TypedDict):
    id: int


class Nut(TypedDict):
    id: int


def test_each_relation_of_a_target_has_a_ledger_of_its_own(home: Path) -> None:
    class Tables:
        @batchwright.hookimpl
        def register_sinks(self) -> list[type[Sink[Any]]]:
            return [TablesSink]

    def load(kind: type, **settings: Any) -> RunResult:
        config = BatchConfig(to="tables:///there", collection="all", reporters=(), **settings)
        return BatchProcessor(config, plugins=[Tables()]).load([{"id": 1}], record=kind)

    assert [load(kind).account.documents.added for kind in (Fruit, Nut)] == [1, 1]
    assert [load(kind).account.documents.unchanged for kind in (Fruit, Nut)] == [1, 1]
    (home / "fruit.json").unlink()
    (home / "nut.json").unlink()
    assert load(Fruit, ledger=home / "own.db").account.documents.added == 1
    with pytest.raises(ConfigError, match=r"own\.db is of tables, fruit, .* tables, nut as well"):
        load(Nut, ledger=home / "own.db")


def test_a_target_on_a_host_is_named_by_its_url_without_the_password() -> None:
    sink = LinesSink(SinkOptions.model_validate({"url": "lines://me:secret@there/kb"}))
    assert sink.identity() == "lines://me:***@there/kb"
    assert secrets_in(sink.identity()) != ("secret",)
