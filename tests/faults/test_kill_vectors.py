"""SIGKILL of two processes that keep, publish, switch, sweep and purge vectors of one target."""

from __future__ import annotations

import random
import sqlite3
import struct
from contextlib import closing

import psycopg
import pytest

from batchwright.testing.embedded import MODEL, OTHER, key_of, vector_of
from tests.support.killed_workers import kill_at_work
from tests.support.targets import Target
from tests.support.vector_worker import sink_of, work

TABLE = "knowledge_base"

_ROWS = f"""
    SELECT c.chunk_text, c._vector_key, v.vector FROM {TABLE}_records AS c
    JOIN {TABLE}_documents AS d ON d.document_id = c._document_id
    LEFT JOIN {TABLE}_models AS m ON m.is_used
    LEFT JOIN {TABLE}_vectors AS v ON v.model = m.id AND v.key = c._vector_key"""
_USED = f"SELECT count(*) FROM {TABLE}_models WHERE is_used"


def _stored(url: str) -> tuple[int, list[tuple[str, bytes | None, list[float] | None]]]:
    """How many models are in use, and of each published row text, key and vector."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            ((used,),) = connection.execute(_USED).fetchall()
            rows = connection.execute(_ROWS).fetchall()
        return used, [(text, key, _numbers(vector)) for text, key, vector in rows]
    with psycopg.connect(url) as connection:
        ((used,),) = connection.execute(_USED).fetchall()
        found = connection.execute(_ROWS.replace("v.vector", "v.vector::text")).fetchall()
    return used, [
        (text, key, None if vector is None else [float(n) for n in vector.strip("[]").split(",")])
        for text, key, vector in found
    ]


def _numbers(vector: bytes | None) -> list[float] | None:
    return None if vector is None else list(struct.unpack(f"<{len(vector) // 4}f", vector))


def _check(url: str) -> int:
    """Check that no published row has another text's key or vector; return how many have one."""
    used, rows = _stored(url)
    assert used <= 1
    own = 0
    for text, key, vector in rows:
        assert key == key_of(text), f"{text!r} has the key of another text"
        if vector is not None:
            dimensions = len(vector)
            model = MODEL if dimensions == MODEL.dimensions else OTHER
            assert vector == pytest.approx(_numbers(vector_of(text, model)), abs=1e-6), text
            own += 1
    return own


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_every_row_has_its_vector_whenever_two_processes_are_killed(
    target: Target, seed: int, kills: int
) -> None:
    url, random_ = target.fresh(), random.Random(seed)
    with sink_of(url).open():
        pass
    checked = 0
    for _ in range(kills):
        both = [(url, "first"), (url, "second")]
        kill_at_work("tests.support.vector_worker", both, random_, most=1.0)
        checked += _check(url) if _is_prepared(url) else 0
    work(url, "first", seed, steps=30)
    work(url, "second", seed, steps=30)
    assert checked + _check(url) > 0
    with sink_of(url).open() as store:
        vectors = store.vectors
        assert vectors is not None
        used = next(there.model for there in vectors.models() if there.is_used)
        assert vectors.use(used) == []
        assert vectors.counts(used).lacking == 0


def _is_prepared(url: str) -> bool:
    with sink_of(url).open() as store:
        return bool(store.vectors and store.vectors.models())
