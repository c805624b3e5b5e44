"""Rows on the command line: loaded, planned, and their rejects fixed in a spreadsheet."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Command

TO = "sqlite:///kb.db"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows() -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("kb.db")) as database, database:
        return database.execute("SELECT id, count, name FROM fruit ORDER BY id").fetchall()


@pytest.fixture
def loaded(batchwright: Command) -> Command:
    """A target with two rows, of which one is refused by now, and a new one too."""
    Path("fruit.csv").write_text("id,count,name\n1,5,apple\n2,6,pear\n")
    assert batchwright("run", "fruit.csv", "--key", "id", "--to", TO).code == 0
    Path("fruit.csv").write_text("id,count,name\n1,5,apple\n2,many,pear\n3,7\n")
    assert batchwright("run", "fruit.csv", "--key", "id", "--to", TO).code == 3
    return batchwright


def test_the_plan_shows_what_columns_hold(batchwright: Command) -> None:
    Path("fruit.csv").write_text("id;zip\n1;01234\n2;12345\n")
    outcome = batchwright("plan", "fruit.csv", "--key", "id", "--to", TO)
    assert "columns: id (integer), zip (text, nullable)" in outcome.out
    assert "zip: text, 1 of 2 has leading zeros" in outcome.out
    outcome = batchwright("plan", "fruit.csv", "--key", "id", "--types", "zip=integer", "--to", TO, "--json")
    assert outcome.json["columns"] == {"id": "integer", "zip": "integer, nullable"}


def test_a_file_that_no_reader_of_rows_takes_is_named_with_what_they_take(batchwright: Command) -> None:
    Path("fruit.json").write_text('[{"id": 1}]')
    outcome = batchwright("run", "fruit.json", "--key", "id", "--to", TO)
    assert outcome.code == 2
    taken = (
        "no reader of rows takes fruit.json: they take .csv, .jsonl, .ndjson, .tsv; batchwright-tables adds"
    )
    assert taken in outcome.err


def test_one_of_a_kind_is_not_in_the_plural(batchwright: Command) -> None:
    Path("fruit.csv").write_text("id,zip\n1,01234\n2\n3,1234\n")
    assert "zip: text, 1 of 2 has leading zeros" in batchwright("plan", "fruit.csv", "--key", "id").out
    Path("none.toml").write_text("max_rejects = 0\n")
    outcome = batchwright("run", "fruit.csv", "--key", "id", "--config", "none.toml", "--to", TO)
    assert "1 reject is more than max_rejects (0) allows" in outcome.err
    assert batchwright("run", "fruit.csv", "--key", "id", "--to", TO).code == 3
    assert "2 documents, 2 records, 1 reject  " in batchwright("status", "--to", TO).out


def test_the_plan_shows_how_files_are_written_once_for_those_that_are_alike(batchwright: Command) -> None:
    texts: dict[str, bytes] = {"a": b"id;n\n1;2\n", "b": b"id;n\n2;2\n", "c": b"id\tn\n3\t4\n"}
    Path("in").mkdir()
    for name, text in texts.items():
        Path("in", f"{name}.csv").write_bytes(text)
    Path("in", "d.csv").write_text("id\tn\n9\té\n", encoding="utf-16")
    for options, quotes in (((), "quote '\"'"), (("--config", "plain.toml"), "no quotes")):
        Path("plain.toml").write_text('[reader.csv]\nquote = ""\n')
        command = ("plan", "in", "--pattern", "*.csv", "--key", "id", "--to", TO, *options)
        shown = [line.strip() for line in batchwright(*command).out.splitlines() if "format:" in line]
        assert shown == [
            f"format: csv, delimiter ';', encoding utf-8, {quotes} (2 files)",
            f"format: csv, delimiter tab, encoding utf-8, {quotes} (1 file)",
            f"format: csv, delimiter tab, encoding utf-16-le, {quotes} (1 file)",
        ]
        assert sum(batchwright(*command, "--json").json["formats"].values()) == 4
    outcome = batchwright("plan", "in/a.csv", "--key", "id", "--to", TO)
    assert "  format: csv, delimiter ';', encoding utf-8, quote '\"'\n" in outcome.out
    Path("in.jsonl").write_text('{"id": 1}\n')
    assert "format:" not in batchwright("plan", "in.jsonl", "--key", "id", "--to", TO).out


def test_a_type_without_a_column_is_a_usage_error(batchwright: Command) -> None:
    outcome = batchwright("run", "fruit.csv", "--types", "text")
    assert outcome.code == 2
    assert "--types: 'text' says no type; write COLUMN=TYPE" in outcome.err


def test_rejects_are_fixed_in_a_spreadsheet_stored_and_stay_so(loaded: Command) -> None:
    assert loaded("rejects", "export", "fix.csv", "--to", TO).code == 0
    with Path("fix.csv").open(encoding="utf-8", newline="") as file:
        found = sorted(csv.DictReader(file), key=lambda row: row["id"])
    assert [(row["id"], row["count"], row["_line"], row["_text"]) for row in found] == [
        ("2", "many", "3", ""),
        ("3", "7", "4", "3,7"),
    ]
    found[0]["count"], found[1]["name"] = "8", "fig, fixed"
    with Path("fix.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    assert loaded("rejects", "replay", "--from", "fix.csv", "--to", TO).code == 0
    assert rows() == [(1, 5, "apple"), (2, 8, "pear"), (3, 7, "fig, fixed")]
    again = loaded("run", "fruit.csv", "--key", "id", "--to", TO, "--json")
    assert (again.code, again.json["account"]["documents"]["unchanged"]) == (0, 3)


def test_rejects_are_fixed_as_lines_of_json(loaded: Command) -> None:
    assert loaded("rejects", "export", "fix.jsonl", "--to", TO).code == 0
    found = [json.loads(line) for line in Path("fix.jsonl").read_text("utf-8").splitlines()]
    for reject in found:
        reject["payload"] |= {"count": 9, "name": "fixed"}
    Path("fix.jsonl").write_text("\n".join(map(json.dumps, found)))
    assert loaded("rejects", "replay", "--from", "fix.jsonl", "--to", TO).code == 0
    assert rows() == [(1, 5, "apple"), (2, 9, "fixed"), (3, 9, "fixed")]


def test_a_file_that_is_there_is_not_written_over(loaded: Command) -> None:
    Path("fix.csv").write_text("mine")
    outcome = loaded("rejects", "export", "fix.csv", "--to", TO)
    assert outcome.code == 2
    assert "fix.csv is there already" in outcome.err
    assert loaded("rejects", "export", "fix.xlsx", "--to", TO).code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,count\n1,2\n", "fix.csv:2: no _id of a reject"),
        ("_id,id,count\nx,1\n", "fix.csv:2: it has another number of fields"),
        ("_id,_relation,id,count\nx,,1,lots\n", "fix.csv:2: count is integer, and 'lots' is none"),
    ],
)
def test_a_mistake_in_the_fixed_file_stores_nothing_and_is_named(
    loaded: Command, text: str, message: str
) -> None:
    Path("fix.csv").write_text(text)
    outcome = loaded("rejects", "replay", "--from", "fix.csv", "--to", TO)
    assert outcome.code == 2
    assert message in outcome.err


def test_rows_that_are_lost_are_restored_from_their_file(batchwright: Command) -> None:
    lines = [f"{number},{number},name {number}" for number in range(2_000)]
    Path("fruit.csv").write_text("id,count,name\n" + "\n".join(lines) + "\n")
    batchwright("run", "fruit.csv", "--key", "id", "--to", TO)
    there = rows()
    with closing(sqlite3.connect("kb.db")) as database, database:
        database.execute("DELETE FROM fruit_records WHERE id IN (7, 1234, 1999)")
    assert batchwright("verify", "--to", TO).code == 1
    assert batchwright("verify", "--repair", "--to", TO).code == 0
    assert rows() == there


def test_rows_without_a_key_are_restored_too(batchwright: Command) -> None:
    Path("fruit.csv").write_text("id,count,name\n1,1,a\n2\n3,3,c\n")
    batchwright("run", "fruit.csv", "--to", TO)
    there = rows()
    with closing(sqlite3.connect("kb.db")) as database, database:
        database.execute("DELETE FROM fruit_records WHERE id = 3")
    assert batchwright("verify", "--repair", "--to", TO).code == 0
    assert rows() == there == [(1, 1, "a"), (3, 3, "c")]


def test_a_row_that_has_changed_since_is_not_restored(batchwright: Command) -> None:
    Path("fruit.csv").write_text("id,count,name\n1,1,a\n")
    batchwright("run", "fruit.csv", "--key", "id", "--to", TO)
    Path("fruit.csv").write_text("id,count,name\n1,1,b\n")
    with closing(sqlite3.connect("kb.db")) as database, database:
        database.execute("DELETE FROM fruit_records")
    outcome = batchwright("verify", "--repair", "--to", TO)
    assert outcome.code == 1
    assert "changed since; run again" in outcome.out


ELSEWHERE = """
import batchwright


class Elsewhere(batchwright.Executor):
    name = "elsewhere"

    def execute(self, execution):
        execution.job()
        raise AssertionError("a target for one writer was not refused")


@batchwright.hookimpl
def register_executors():
    return [Elsewhere]
"""
"""An executor that has other processes write."""


@pytest.mark.parametrize(
    "options", [("--key", "id"), ("--pattern", "*.csv"), ("--key", "id", "--chunk", "n")]
)
def test_rows_load_here_whatever_the_executor_and_run_and_plan_say_so(
    batchwright: Command, options: tuple[str, ...]
) -> None:
    Path("elsewhere.py").write_text(ELSEWHERE)
    Path("batchwright.toml").write_text(f'executor = "elsewhere"\nplugins = ["elsewhere.py"]\nto = "{TO}"\n')
    Path("fruit.csv").write_text("id,n\n1,some words\n")
    said = "  executor: local, not elsewhere: rows are loaded by one process"
    planned, loaded = (batchwright(command, "fruit.csv", *options) for command in ("plan", "run"))
    assert (planned.code, loaded.code) == (0, 0), loaded.err
    assert said in planned.out.splitlines()
    assert said in loaded.out.splitlines()
    assert "executor" not in loaded.err
    assert batchwright("plan", "fruit.csv", *options, "--json").json["executor"] == "local"
    assert batchwright("run", "fruit.csv", *options, "--json").json["executor"] == "local"
    assert "executor:" not in batchwright("run", "fruit.csv", *options, "--executor", "local").out


def test_of_several_sources_rows_load_here_and_documents_by_the_executor(batchwright: Command) -> None:
    Path("elsewhere.py").write_text(ELSEWHERE)
    Path("batchwright.toml").write_text('executor = "elsewhere"\nplugins = ["elsewhere.py"]\n')
    Path("fruit.csv").write_text("id,n\n1,2\n")
    Path("logs").mkdir()
    Path("logs/a.jsonl").write_text('{"id": 1}\n')
    outcome = batchwright("run", "fruit.csv", "docs", "--to", TO, "--json")
    first, second = outcome.json["runs"]
    assert (first["exit_code"], first["executor"]) == (0, "local")
    assert second["exit_code"] == outcome.code == 2
    assert "'elsewhere' has several processes write, and the sink takes one writer" in second["reason"]
