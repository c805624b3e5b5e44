"""Rows without a key: blocks of them are documents, and what is added at the end changes the last."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, RunResult, Target
from tests.support.marks import marked
from tests.unit.engine.rows.fruit import states

TO = "sqlite:///kb.db"
BLOCK = 10


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchwright.engine.rows.row_intake.ROWS_A_BLOCK", BLOCK)


def write(lines: list[str]) -> None:
    Path("log.csv").write_text("at,what\n" + "".join(f"{line}\n" for line in lines))


def load(**settings: Any) -> RunResult:
    config = BatchConfig(source="log.csv", to=TO, reporters=(), **settings)
    return BatchProcessor(config).run()


def rows() -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("kb.db")) as database, database:
        return database.execute("SELECT at, what FROM log ORDER BY at, what").fetchall()


def test_rows_that_are_added_at_the_end_change_the_last_block_only() -> None:
    lines = [f"{number},start" for number in range(25)]
    write(lines)
    first = load()
    assert states(first) == {"added": 3}
    assert first.account.records.written == 25
    assert states(load()) == {"unchanged": 3}
    write([*lines, *(f"{number},stop" for number in range(25, 33))])
    again = load()
    assert states(again) == {"changed": 1, "unchanged": 2, "added": 1}
    assert again.account.records.written == 13
    assert rows() == [(number, "start" if number < 25 else "stop") for number in range(33)]


def test_the_same_row_may_be_there_twice() -> None:
    write(["1,a", "1,a", "1,a"])
    assert load().account.records.written == 3
    assert len(rows()) == 3


def test_a_bad_line_is_rejected_beside_the_other_rows_of_its_block_and_can_be_replayed() -> None:
    write(["1,a", "2", "3,c"])
    first = load()
    assert states(first) == {"added": 1}
    assert (first.account.records.written, first.account.records.rejected) == (2, 1)
    assert first.exit_code == 3
    assert rows() == [(1, "a"), (3, "c")]
    again = load()
    assert states(again) == {"unchanged": 1}
    assert (again.account.records.unchanged, again.account.records.rejected) == (2, 1)
    with Target(TO) as target:
        [reject] = target.rejects()
        assert reject.message == "line 3: 1 field instead of 2: 1 missing"
        assert (reject.position, reject.payload) == (
            1,
            {"_item": "log.csv", "_line": 3, "_text": "2", "at": "2"},
        )
        [replayed] = target.replay([reject])
    assert replayed.fate.value == "stored"
    assert rows() == [(1, "a"), (2, None), (3, "c")]
    assert (load().exit_code, states(load())) == (0, {"unchanged": 1})


def test_a_block_of_bad_lines_only_is_refused() -> None:
    write([f"{number},a" for number in range(BLOCK)] + ["x"] * 3)
    assert states(load(max_rejects=5)) == {"added": 1, "refused": 1}
    assert states(load(max_rejects=5)) == {"unchanged": 1, "refused": 1}


def test_blocks_that_are_gone_are_removed_where_that_is_wanted() -> None:
    write([f"{number},a" for number in range(25)])
    load()
    write([f"{number},a" for number in range(12)])
    assert states(load(prune=True)) == {"changed": 1, "unchanged": 1, "deleted": 1}
    assert len(rows()) == 12


def test_rows_without_a_key_are_found() -> None:
    write(["1,an apple", "2,a pear"])
    load(text="what")
    with Target(TO) as target:
        [hit] = target.search("pear")
    assert (hit.key, marked(hit)) == (hit.id, "a «pear»")
