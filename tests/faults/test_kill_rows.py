"""SIGKILL while keyed rows of a CSV are loaded: the first time, with some changed, with some gone."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.killed_workers import kill_at_work
from tests.support.rows_worker import COLLECTION, COLUMNS, UNSTORABLE, Orders, load, read
from tests.support.tables import rows
from tests.support.targets import Target

BESIDE = 2
"""Targets whose processes are killed at the same time: most of a kill is the start of a process."""


def _stored(url: str) -> Orders:
    """Return the rows that are published, in the words of the file; none may be there twice."""
    found = rows(url, COLLECTION)
    orders = {
        row["id"]: tuple("" if row[name] is None else str(row[name]) for name in COLUMNS) for row in found
    }
    assert len(orders) == len(found)
    return orders


def _same(orders: Orders) -> Orders:
    amount = COLUMNS.index("amount")
    return {
        key: (*row[:amount], str(Decimal(row[amount]).normalize()), *row[amount + 1 :])
        for key, row in orders.items()
    }


def _check(url: str, path: Path, *, holds_nul: bool) -> None:
    """Load what is in the file, and check that nothing else is in the target, and each row once."""
    wanted, before = read(path), _stored(url)
    result = load(url, path)
    account, stored = result.account, _stored(url)
    assert result.state == "done", result.reason
    assert result.exit_code == 3
    assert (stored.pop(UNSTORABLE, None) is not None) == holds_nul
    assert _same(stored) == _same(wanted)
    account.check()
    of, published = account.documents, len(wanted) + holds_nul
    assert of.added + of.changed + of.unchanged == published
    assert of.added == len({*stored, *([UNSTORABLE] if holds_nul else [])} - {*before})
    assert of.deleted == len({*before} - {*stored, UNSTORABLE})
    for table in ("records", "documents"):
        assert len(rows(url, f"{COLLECTION}_{table}")) == published, table
    pending = rows(url, f"{COLLECTION}_pending")
    refused = ["ragged"] if holds_nul else ["ragged", UNSTORABLE]
    assert sorted(row["key"] for row in pending) == refused
    assert all(row["refused"] for row in pending)
    said = sorted(row["message"] for row in rows(url, f"{COLLECTION}_rejects"))
    assert "3 fields instead of 5" in said[0]
    assert len(said) == len(refused)
    again = load(url, path).account
    assert (again.documents.unchanged, again.records.written, again.documents.deleted) == (published, 0, 0)


@pytest.mark.parametrize("kills", [3, pytest.param(25, marks=[pytest.mark.slow, pytest.mark.timeout(400)])])
def test_every_row_is_there_once_whenever_its_load_is_killed(
    target: Target, tmp_path: Path, seed: int, kills: int
) -> None:
    random_ = random.Random(seed)
    places = [(target.fresh(), tmp_path / str(number) / f"{COLLECTION}.csv") for number in range(BESIDE)]
    for _, path in places:
        path.parent.mkdir()
    for number in range(kills):
        arguments = [(url, str(path)) for url, path in places]
        kill_at_work("tests.support.rows_worker", arguments, random_, most=0.9)
        for place, (url, path) in enumerate(places):
            if not path.exists():
                continue
            if random_.random() < 0.5 or number == kills - 1:
                _check(url, path, holds_nul=target.name == "sqlite")
            if random_.random() < 0.4:  # another first load
                target.drop(url)
                places[place] = target.fresh(), path
