"""Which relations a target has, how many of them are open at a time, and sinks with a ledger beside them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from batchwright import (
    Batch,
    BatchConfig,
    BatchProcessor,
    Receipt,
    RecordType,
    Sink,
    SinkOptions,
    Store,
    Target,
    hookimpl,
)
from batchwright.builtin.sqlite.options import SqliteOptions
from batchwright.builtin.sqlite.sink import SqliteSink
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.model import version_of
from batchwright.operations.connections import MOST_OPEN
from batchwright.sinkkit.relations import relations_among


def tables(name: str, *suffixes: str) -> list[str]:
    return [f"{name}_{suffix}" for suffix in suffixes]


def test_a_relation_has_rows_and_a_ledger_of_any_layout() -> None:
    now = tables("now", "meta", "documents", "receipts", "records", "runs")
    older = tables("older", "meta", "documents", "receipts", "chunks")
    beside = tables("ledger", "meta", "documents", "receipts")
    others = ["_meta", "x_meta", "x_documents", "meta", *tables("y", "documents", "receipts", "records")]
    assert relations_among([*others, *older, *now, *beside]) == ["now", "older"]
    assert relations_among([]) == []


def load(to: str, *tables: str) -> None:
    """Load a chunk into each of these relations."""
    Path("docs").mkdir(exist_ok=True)
    Path("docs/a.md").write_text("# A\n\nA text.\n")
    for table in tables:
        config = BatchConfig(source="docs", to=f"{to}?table={table}", reporters=())
        assert BatchProcessor(config).run().state == "done"


def test_asking_for_the_relations_creates_nothing(tmp_path: Path) -> None:
    sink = SqliteSink(SqliteOptions.model_validate({"url": f"sqlite:///{tmp_path}/kb.db"}))
    assert sink.relations() == []
    assert not list(tmp_path.iterdir())


def test_many_relations_are_opened_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    count = 12
    load("sqlite:///kb.db", *(f"t{number:03}" for number in range(count)))
    opened, most = set[int](), 0
    really_open, really_close = SqliteSink.open, SqliteStore.close

    def open_counted(self: SqliteSink, *arguments: Any, **named: Any) -> SqliteStore:
        nonlocal most
        store = really_open(self, *arguments, **named)
        opened.add(id(store))
        most = max(most, len(opened))
        return store

    def close_counted(self: SqliteStore) -> None:
        opened.discard(id(self))
        really_close(self)

    monkeypatch.setattr(SqliteSink, "open", open_counted)
    monkeypatch.setattr(SqliteStore, "close", close_counted)
    with Target("sqlite:///kb.db") as target:
        assert len(target.status().collections) == count
        assert len(target.search("text", limit=100)) == count
        assert len(target.runs()) == count
        assert [known.version.key for known in target.documents()] == ["a.md"] * count
    assert (most, opened) == (MOST_OPEN, set())


def test_one_relation_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    load("sqlite:///kb.db", "only")
    calls: list[str] = []

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def calling(*arguments: Any, **named: Any) -> Any:
            calls.append(name)
            return call(*arguments, **named)

        return calling

    monkeypatch.setattr(SqliteSink, "open", counted("open", SqliteSink.open))
    monkeypatch.setattr(sqlite3, "connect", counted("connect", sqlite3.connect))
    with Target("sqlite:///kb.db") as target:
        target.status()
        target.search("text")
    assert calls == ["connect", "open", "connect"], "one looks for relations, one is the store's"


# --- a ledger beside ----------------------------------------------------------------------------------


class SheetOptions(SinkOptions):
    sheet: str = ""


class SheetStore(Store):
    """Rows in a file; no ledger."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        rows = json.loads(self._file.read_text()) if self._file.exists() else []
        rows = [row for row in rows if version_of(row) not in receipt.removed]
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_text(json.dumps([*dict.fromkeys([*rows, *(one.id for one in batch.documents)])]))


class SheetSink(Sink[SheetOptions]):
    """A folder of sheets, each of which is a relation."""

    name: ClassVar[str] = "sheets"
    schemes: ClassVar[tuple[str, ...]] = ("sheets",)
    options_type = SheetOptions

    @property
    def folder(self) -> Path:
        return Path(self.options.url.get_secret_value().removeprefix("sheets:///"))

    @property
    def relation(self) -> str:
        return self.options.sheet

    def relations(self) -> Sequence[Self]:
        if self.options.sheet:
            return super().relations()
        sheets = sorted(file.stem for file in self.folder.glob("*.json"))
        return [type(self)(self.options.model_copy(update={"sheet": sheet})) for sheet in sheets]

    def identity(self) -> str:
        return f"{super().identity()}?sheet={self.options.sheet}"

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
        return SheetStore(self.folder / f"{self.options.sheet}.json")


class Plugin:
    @hookimpl
    def register_sinks(self) -> list[type[Sink[Any]]]:
        return [SheetSink]


@pytest.fixture
def sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    to = "sheets:///kb"
    for sheet in ("one", "two"):
        config = BatchConfig(source="docs", to=f"{to}?sheet={sheet}", collection=sheet, reporters=())
        assert BatchProcessor(config, plugins=[Plugin()]).run().state == "done"
    return to


def test_each_relation_has_its_own_ledger_beside(sheets: str) -> None:
    with Target(sheets, plugins=[Plugin()]) as target:
        assert [(one.relation, one.name) for one in target.collections()] == [("one", "one"), ("two", "two")]
        assert [run.relation for run in target.runs()] == ["two", "one"]
    with Target(sheets, table="two", plugins=[Plugin()]) as target:
        assert [one.name for one in target.collections()] == ["two"]


def test_a_relation_without_a_ledger_is_none_of_ours(sheets: str) -> None:
    Path("kb/three.json").write_text("[]")
    with Target(sheets, plugins=[Plugin()]) as target:
        assert [one.relation for one in target.collections()] == ["one", "two"]
        assert target.unreadable == {}


def test_a_table_of_another_program_with_such_a_name_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    load("sqlite:///kb.db", "mine")
    with closing(sqlite3.connect("kb.db")) as connection:
        connection.execute("CREATE TABLE theirs_meta (x)")
    with Target("sqlite:///kb.db") as target:
        assert target.relations == ["mine"]
