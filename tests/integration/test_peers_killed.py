"""Loads that are killed half-way and run again are told apart: equal, doubled, missing."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.benchmarks.peers.killed import Aftermath, kill_half_way
from tests.benchmarks.peers.loaders import Loader, Rows

ROWS = 60

# Commits a row at a time, slowly while the table was empty at first. The habit is what it does about rows
# that are there.
SCRIPT = """
import sys, time, psycopg
dsn, habit = sys.argv[1:]
with psycopg.connect(dsn, autocommit=True) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS loaded (source text, content text)")
    there = connection.execute("SELECT count(*) FROM loaded").fetchone()[0]
    begins = {"goes on": there, "begins anew": 0, "takes it for done": 60 if there else 0}[habit]
    for number in range(begins, 60):
        connection.execute("INSERT INTO loaded VALUES ('a.md', %s)", [str(number)])
        time.sleep(0 if there else 0.03)
"""


@dataclass(frozen=True)
class Scripted(Loader):
    """A loader with a habit."""

    def command(self, dsn: str, folder: Path, state: Path) -> list[str]:
        return [sys.executable, "-c", SCRIPT, dsn, self.name]


def load(habit: str) -> Scripted:
    return Scripted(habit, "loaded", "source, content")


def killed(habit: str, dsn: str, folder: Path, seconds: float | None = None) -> Aftermath:
    undisturbed = Counter({("a.md", str(number)): 1 for number in range(ROWS)})
    return kill_half_way(load(habit), dsn, folder, undisturbed, seconds)


def test_one_that_goes_on_ends_equal(postgres_url: str, tmp_path: Path) -> None:
    found = killed("goes on", postgres_url, tmp_path)
    assert (found.missing, found.surplus, str(found)) == (0, 0, "equal")
    assert found.there is not None
    assert ROWS / 2 <= found.there < ROWS


def test_one_that_begins_anew_doubles_what_was_there(postgres_url: str, tmp_path: Path) -> None:
    found = killed("begins anew", postgres_url, tmp_path)
    assert (found.missing, found.surplus) == (0, found.there)
    assert str(found).startswith("0 missing, ")


def test_one_that_takes_it_for_done_misses_the_rest(postgres_url: str, tmp_path: Path) -> None:
    found = killed("takes it for done", postgres_url, tmp_path)
    assert found.there is not None
    assert (found.missing, found.surplus) == (ROWS - found.there, 0)


def test_one_that_fails_afterwards_says_so(postgres_url: str, tmp_path: Path) -> None:
    found = killed("something else", postgres_url, tmp_path, seconds=0)
    assert "KeyError" in str(found)


def test_one_that_ends_first_was_not_killed(postgres_url: str, tmp_path: Path) -> None:
    found = killed("goes on", postgres_url, tmp_path, seconds=250)
    assert (found.there, str(found)) == (None, "ended first")


@pytest.mark.parametrize(
    ("statement", "rewritten"),
    [
        ("SELECT 1", 0),
        ("UPDATE loaded SET content = content", 3),
        ("INSERT INTO loaded VALUES ('b', 'c')", 1),
    ],
)
def test_rows_written_again_are_counted(postgres_url: str, statement: str, rewritten: int) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE loaded (source text, content text)")
        connection.execute("INSERT INTO loaded SELECT 'a', n::text FROM generate_series(1, 3) AS n")
        before = Rows.of(connection, load("goes on"))
        connection.execute(statement.encode())
        after = Rows.of(connection, load("goes on"))
    assert len(after.versions - before.versions) == rewritten
