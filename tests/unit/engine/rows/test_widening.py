"""A column of integers that gets decimals later becomes one of decimals, and what is stored stays equal."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, ConfigError, RunResult, Target
from batchwright.contracts.fields import Field
from batchwright.engine.rows.found_types import TypeFinder
from tests.unit.engine.rows.fruit import load, rejects, rows, states, write

TO = "sqlite:///kb.db"


def plan(**settings: Any) -> list[str]:
    with Target(BatchConfig(source="fruit.csv", to=TO, key="id", **settings)) as target:
        return target.plan().notes


def finder(*, texts: bool = True) -> TypeFinder:
    stored = {"c": Field("c", "integer", nullable=True)}
    return TypeFinder(["c"], {}, stored, frozenset("c"), texts=texts)


@pytest.mark.parametrize(
    ("pages", "kind", "doubtful"),
    [
        ([["1"]], "integer", False),
        ([["1", ""], ["2.5"]], "decimal(38, 9)", False),
        ([["1"], [str(2**63)]], "decimal(38, 9)", False),
        ([["0.123456789012"]], "decimal(38, 12)", False),
        ([["0." + "1" * 20]], "integer", True),  # no room for 64 bits before the point
        ([["x"], ["2.5"]], "decimal(38, 9)", True),
        ([["x", "1"], ["y"]], "integer", True),
        ([["x", "2.5"], ["7"]], "decimal(38, 9)", True),
        ([["1e5"]], "integer", True),
        ([["007"]], "integer", True),
    ],
)
def test_the_first_decimal_widens_and_what_fits_neither_costs_itself_only(
    pages: list[list[str]], kind: str, *, doubtful: bool
) -> None:
    it = finder()
    for page in pages:
        it.add([(value,) for value in page], ["c"], range(2, 2 + len(page)))
    assert it.fields()[0].kind == f"{kind}, nullable"
    assert bool(it.doubtful) is doubtful
    assert bool(it.notes()) is (kind != "integer")


@pytest.mark.parametrize(
    ("value", "kind"), [(1, "integer"), (1.5, "decimal(38, 9)"), (True, "integer"), ("1.5", "integer")]
)
def test_numbers_of_json_widen_and_texts_do_not(value: Any, kind: str) -> None:
    it = finder(texts=False)
    it.add([(value,)], ["c"], [1])
    assert it.fields()[0].kind == f"{kind}, nullable"


def test_a_column_is_widened_and_nothing_else_is_written(caplog: pytest.LogCaptureFixture) -> None:
    write(f"id,name,amount\n1,apple,5\n2,pear,\n3,fig,{2**63 - 1}\n")
    load(text="name")
    write(f"id,name,amount\n1,apple,5\n2,pear,\n3,fig,{2**63 - 1}\n4,kiwi,1.50\n5,plum,many\n")
    said = plan()
    assert said == [
        "amount: the column is widened from integer to decimal(38, 9); what is stored stays equal",
        "amount: '1.50' in line 5 is no integer of 64 bits",
    ]
    with caplog.at_level(logging.WARNING, "batchwright"):
        assert states(load()) == {"unchanged": 3, "added": 1, "refused": 1}
    assert said[0] in caplog.text
    assert rows() == [
        (1, "apple", "5"),
        (2, "pear", None),
        (3, "fig", str(2**63 - 1)),
        (4, "kiwi", "1.5"),
    ]
    assert "amount is decimal, and 'many' is none" in rejects()[0][1]
    with Target(TO) as target:
        assert [hit.key for hit in target.search("kiwi")] == ["4"]
        assert [hit.key for hit in target.search("apple")] == ["1"]
        assert not list(target.verify())
    assert plan()[1:] == [], "once is enough"
    assert states(load()) == {"unchanged": 4, "refused": 1}


def test_rows_of_json_lines_are_widened() -> None:
    def lines(*amounts: Any) -> str:
        return "".join(json.dumps({"id": n, "amount": one}) + "\n" for n, one in enumerate(amounts))

    write(lines(1, 2), "fruit.jsonl")
    load("fruit.jsonl")
    write(lines(1, 2, 0.1), "fruit.jsonl")
    assert states(load("fruit.jsonl")) == {"unchanged": 2, "added": 1}
    assert rows(columns="id, amount") == [(0, "1"), (1, "2"), (2, "0.1")]


def test_a_type_that_is_said_decides() -> None:
    write("id,amount\n1,5\n")
    load()
    write("id,amount\n1,5\n2,2.5\n")
    assert states(load(types={"amount": "integer"})) == {"unchanged": 1, "refused": 1}
    with pytest.raises(ConfigError, match="amount was integer, nullable and is text, nullable now"):
        load(types={"amount": "text"})
    assert states(load(types={"amount": "decimal"})) == {"unchanged": 1, "added": 1}
    assert rows(columns="id, amount") == [(1, "5"), (2, "2.5")]
    with pytest.raises(ConfigError, match="amount was decimal"):
        load(types={"amount": "integer"})


def test_a_key_is_not_widened() -> None:
    write("id\n1\n")
    load()
    write("id\n1\n2.5\n")
    assert states(load()) == {"unchanged": 1, "failed": 1}


def test_views_triggers_and_indexes_of_others_stay() -> None:
    write("id,amount,name\n1,5,a\n")
    load(text="name")
    with closing(sqlite3.connect("kb.db")) as database, database:
        database.execute("CREATE INDEX mine ON fruit_records (amount)")
        database.execute("CREATE VIEW cheap AS SELECT id FROM fruit WHERE CAST(amount AS REAL) < 3")
    database.close()
    write("id,amount,name\n1,5,a\n2,2.5,b\n")
    assert states(load(text="name")) == {"unchanged": 1, "added": 1}
    with closing(sqlite3.connect("kb.db")) as database, database:
        assert database.execute("SELECT id FROM cheap").fetchall() == [(2,)]
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    database.close()
    assert {"mine", "fruit_fts_update", "fruit_fts_delete"} <= names
    assert not any("widened" in name for name in names)


def test_another_collection_of_the_table_is_widened_with_it() -> None:
    write("id,amount\n1,5\n", "a/fruit.csv")
    write("id,amount\n1,2.5\n", "b/fruit.csv")

    def of(folder: str) -> RunResult:
        config = BatchConfig(source=f"{folder}/fruit.csv", to=TO, key="id", collection=folder, reporters=())
        return BatchProcessor(config).run()

    for folder in "ab":
        assert states(of(folder)) == {"added": 1}
    assert states(of("a")) == {"unchanged": 1}
    with closing(sqlite3.connect("kb.db")) as database, database:
        found = database.execute("SELECT _collection, amount FROM fruit ORDER BY 1").fetchall()
    assert found == [("a", "5"), ("b", "2.5")]
