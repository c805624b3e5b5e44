"""Rows that a source marks as deleted: what a run loaded under their keys is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from batchwright import BatchConfig, BatchProcessor, DeletedRow, Field, Item, RecordType, RunResult, hookimpl
from batchwright.contracts.source import AnySource, Fetched, Source, SourceOptions
from batchwright.target import Target
from tests.unit.engine.rows.fruit import states

TO = "sqlite:///kb.db"


class Table(Source[SourceOptions]):
    """Rows in memory."""

    name = "table"
    schemes = ("table",)
    complete = False
    rows: ClassVar[list[Any]] = []
    record_type = RecordType("rows", (Field("id", "integer"), Field("name", "text", nullable=True)), "id")

    def list(self, after: str = "", until: str | None = None, since: str | None = None) -> Iterator[Item]:
        """Yield the table."""
        yield Item("table", None)

    def fetch(self, item: Item) -> Fetched:
        """Return its rows."""
        return Fetched([*self.rows])


class Plugin:
    """Offers the table."""

    @hookimpl
    def register_sources(self) -> Iterable[type[AnySource]]:
        """Offer it."""
        return [Table]


@pytest.fixture(autouse=True)
def _incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "complete", False)


def row(key: int, name: str = "x") -> dict[str, Any]:
    return {"id": key, "name": name}


def gone(key: int) -> DeletedRow:
    return DeletedRow({"id": key})


def config(**settings: Any) -> BatchConfig:
    return BatchConfig(source="table://shop", to=TO, collection="fruit", reporters=(), **settings)


def load(*rows: Any, **settings: Any) -> RunResult:
    Table.rows[:] = rows
    return BatchProcessor(config(**settings), plugins=[Plugin()]).run()


def stored() -> list[int]:
    with closing(sqlite3.connect("kb.db")) as database, database:
        return [key for (key,) in database.execute("SELECT id FROM shop ORDER BY id")]


@pytest.fixture
def _three() -> None:
    load(row(1), row(2), row(3))


@pytest.mark.usefixtures("_three")
def test_a_deleted_row_is_removed_once_and_comes_back_when_it_is_undeleted() -> None:
    result = load(row(1), gone(2), gone(9))
    assert (states(result), result.account.removed, result.exit_code) == (
        {"unchanged": 1, "deleted": 1},
        1,
        0,
    )
    assert result.account.left_out == {"row marked as deleted": 1}
    assert stored() == [1, 3], "what isn't listed stays"
    again = load(row(1), gone(2))
    assert (states(again), again.account.removed) == ({"unchanged": 1}, 0)
    assert states(load(row(2))) == {"added": 1}
    assert stored() == [1, 2, 3]


@pytest.mark.usefixtures("_three")
def test_of_a_whole_listing_deleted_rows_go_with_prune(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "complete", True)
    assert states(load(row(1), gone(2), row(3))) == {"unchanged": 2, "deleted": 1}
    assert stored() == [1, 2, 3]
    assert load(row(1), gone(2), row(3), prune=True).account.removed == 1
    assert stored() == [1, 3]


@pytest.mark.usefixtures("_three")
def test_a_row_that_is_there_and_deleted_is_refused_but_the_last_one_counts_where_that_is_said() -> None:
    result = load(row(1), gone(2), row(2, "new"))
    assert states(result) == {"unchanged": 1, "refused": 1}
    assert stored() == [1, 2, 3]
    assert states(load(row(2, "new"), gone(2), on_duplicate="last")) == {"deleted": 1}
    assert stored() == [1, 3]
    assert states(load(gone(3), row(3, "new"), on_duplicate="last")) == {"changed": 1}


@pytest.mark.usefixtures("_three")
def test_a_deleted_row_ends_what_was_refused_of_it() -> None:
    load(row(2, "a\0b"), row(2, "c"))
    with Target(config(), plugins=[Plugin()]) as target:
        assert len(list(target.rejects())) == 2
    assert states(load(gone(2))) == {"deleted": 1}
    with Target(config(), plugins=[Plugin()]) as target:
        assert list(target.rejects()) == []


@pytest.mark.usefixtures("_three")
def test_the_plan_says_what_would_be_removed() -> None:
    Table.rows[:] = [row(1), gone(2)]
    with Target(config(), plugins=[Plugin()]) as target:
        plan = target.plan()
    assert (plan.deleted, plan.removed, plan.unchanged, stored()) == (1, 1, 1, [1, 2, 3])


@pytest.mark.usefixtures("_three")
def test_a_deleted_row_without_a_key_is_a_bad_line() -> None:
    assert states(load(DeletedRow({"id": None}), row(1))) == {"failed": 1, "unchanged": 1}


@pytest.mark.usefixtures("_three")
def test_what_a_program_loaded_is_left_alone() -> None:
    with BatchProcessor(BatchConfig(to=TO, reporters=())) as processor:
        processor.load([row(7)], record=replace(Table.record_type, name="shop"), collection="fruit")
    assert states(load(gone(7))) == {}
    assert stored() == [1, 2, 3, 7]
