"""SIGKILL of processes that make the index of texts anew, beside each other and beside who writes."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import psycopg
import pytest

from batchwright.contracts.search import Searchable
from tests.support.killed_workers import kill_at_work
from tests.support.reindex_worker import work
from tests.support.targets import Target
from tests.support.vector_worker import sink_of

_WORKS = ("reindex", "reindex", "first", "second")
_TERMS = {
    "sqlite": "SELECT term, doc, cnt FROM knowledge_base_terms ORDER BY term",
    "postgresql": """
        SELECT word, ndoc, nentry FROM ts_stat('SELECT _search FROM knowledge_base_records') ORDER BY word""",
}


def _terms(url: str) -> list[tuple[str, int, int]]:
    """What is in the index: each term, in how many records, how often."""
    statement = _TERMS[url.partition(":")[0]]
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def _reindex(url: str) -> None:
    with sink_of(url).open() as store:
        assert isinstance(store, Searchable)
        for _ in store.reindex():
            pass


def _is_usable(url: str) -> bool:
    with sink_of(url).open() as store:
        assert isinstance(store, Searchable)
        return not store.notes("word")


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=(pytest.mark.slow, pytest.mark.timeout(600)))])
def test_an_index_that_is_said_to_be_whole_is_whole_whoever_is_killed(
    target: Target, seed: int, kills: int
) -> None:
    url, random_ = target.fresh(), random.Random(seed)
    work(url, "first", seed, steps=12)
    broken_off = 0
    for _ in range(kills):
        kill_at_work("tests.support.reindex_worker", [(url, what) for what in _WORKS], random_, most=0.8)
        if _is_usable(url):
            found = _terms(url)
        else:
            broken_off += 1
            _reindex(url)  # goes on
            assert _is_usable(url)
            found = _terms(url)
        _reindex(url)  # anew
        assert _terms(url) == found
    print(f"{target.name}: {kills} kills, {broken_off} in the middle of the index")
