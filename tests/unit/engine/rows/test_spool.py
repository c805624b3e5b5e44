"""The spool: rows by key in code point order, whatever order they came in, in memory or on disk."""

from __future__ import annotations

import random

import pytest

from batchwright.engine.reading.spool import Spool
from batchwright.engine.rows.spool import RowSpool, decoded, encoded


@pytest.mark.parametrize("rows_a_run", [7, 300, 100_000])
def test_rows_come_by_key_as_often_as_wanted(seed: int, rows_a_run: int) -> None:
    pick = random.Random(seed)
    keys = [
        pick.choice(["a", "b", "\uffff", "\U0001f34f", "Ä", ""]) * pick.randrange(1, 5) for _ in range(2_000)
    ]
    spool = RowSpool(rows_a_run)
    for line, key in enumerate(keys):
        spool.add_all([(encoded(key), b"", 0, line, 1, b"", "", "")], 1)
    for _ in range(2):
        groups = list(spool.by_key())
        found = [{decoded(row[0]) for row in group} for group in groups]
        assert sum(map(len, found)) == len(set(keys))  # those of a key come together
        assert [row[3] for group in groups for row in group] == sorted(
            range(2_000), key=lambda line: (keys[line], line)
        )


@pytest.mark.parametrize("rows_a_run", [7, 300, 100_000])
def test_the_rows_of_a_key_are_found(seed: int, rows_a_run: int) -> None:
    pick = random.Random(seed)
    keys = [str(pick.randrange(300)) for _ in range(3_000)] + ["again"] * 700
    spool = RowSpool(rows_a_run)
    for line, key in enumerate(keys):
        spool.add_all([(encoded(key), b"", 0, line, 1, b"", "", "")], 1)
    for key in ["again", "0", "299", "7", "nowhere", ""]:
        assert [row[3] for row in spool.find(key)] == [line for line, one in enumerate(keys) if one == key]


def test_nothing_comes_of_nothing() -> None:
    assert list(RowSpool().by_key()) == []


def test_parts_of_any_length_are_merged(seed: int) -> None:
    pick = random.Random(seed)
    spool: Spool[int] = Spool(None, is_sorted=False)
    values = []
    for _ in range(20):
        part = sorted(pick.choices(range(5_000), k=pick.choice([1, 255, 256, 257, 1_500])))
        values += part
        spool.add(part)
    assert list(spool) == sorted(values)
