"""Records that are no chunks in SQLite: names, changes, search."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchwright import Batch, ConfigError, Receipt, SinkError
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.testing.kinds import KINDS, LATER, publications, row_of, usual
from tests.support.marks import marked
from tests.unit.sqlite.cases import select


def sink(path: Path, **options: Any) -> SqliteSink:
    return SqliteSink(SqliteOptions.model_validate({"url": f"sqlite:///{path}", **options}))


def columns(path: Path, relation: str) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [column[0] for column in connection.execute(f"SELECT * FROM {relation}").description]


def test_the_relation_is_called_and_shaped_as_the_record_type(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    with sink(path).open(KINDS):
        assert columns(path, "kinds") == ["_id", "_collection", *KINDS.names]
    with sink(path, table="kinds").open() as store:
        assert store.record_type == KINDS
    with sink(path).open():
        assert columns(path, "knowledge_base")[0] == "id", "chunks lie beside them"


def test_a_new_field_comes_last_and_old_programs_go_on(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    old = sink(path).open(KINDS)
    with sink(path).open(LATER) as new, old:
        for store, row in ((new, row_of({**usual("a"), "later": 1}, LATER)), (old, row_of(usual("b")))):
            store.write(Batch([row], 0), Receipt(row.id, "run", "docs", publications=publications([row])))
    assert columns(path, "kinds")[-1] == "later"
    assert select(path, "SELECT id, later FROM kinds ORDER BY id") == [("a", 1), ("b", None)]
    with pytest.raises(SinkError, match="lacks tables"):
        sink(path).open(
            replace(LATER, fields=(*LATER.fields, replace(LATER.fields[-1], name="x"))), create=False
        )
    with pytest.raises(ConfigError, match="kinds was made for another kinds: its key was id"):
        sink(path).open(replace(KINDS, key="a_text"))


def test_programs_that_add_a_field_at_once_add_it_once(tmp_path: Path) -> None:
    path = tmp_path / "kb.db"
    sink(path).open(KINDS).close()
    together, failed = threading.Barrier(4), []

    def add() -> None:
        together.wait(30)
        try:
            sink(path).open(LATER).close()
        except Exception as error:  # noqa: BLE001 - shown below
            failed.append(error)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert columns(path, "kinds").count("later") == 1


@pytest.mark.parametrize("full_text", [True, False])
def test_records_are_searched_by_their_text_and_those_without_say_so(tmp_path: Path, full_text: bool) -> None:
    with sink(tmp_path / "kb.db", full_text=full_text).open(KINDS) as store:
        row = row_of(usual("a", any_text="about walruses"))
        store.write(Batch([row], 0), Receipt("1", "run", "docs", publications=publications([row])))
        [hit] = store.search("walruses")
        assert (hit.id, hit.key, hit.context_header) == (row.id, "a", "")
        assert "«walruses»" in marked(hit)
    with sink(tmp_path / "other.db").open(replace(KINDS, text=None)) as store:
        assert not select(tmp_path / "other.db", "SELECT 1 FROM sqlite_master WHERE name LIKE '%fts%'")
        with pytest.raises(SinkError, match="kinds has no text to search"):
            store.search("walruses")


def test_a_type_whose_name_sqlite_keeps_for_itself_needs_a_table(tmp_path: Path) -> None:
    kind = replace(KINDS, name="sqlite_thing")
    with pytest.raises(ConfigError, match="'sqlite_' for itself; choose another table name, with table="):
        sink(tmp_path / "kb.db").open(kind)
    with sink(tmp_path / "kb.db", table="things").open(kind) as store:
        assert store.record_type == kind
