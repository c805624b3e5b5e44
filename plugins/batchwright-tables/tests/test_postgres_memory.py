"""A query is streamed: memory grows neither with its rows nor with their width."""

from __future__ import annotations

import psutil
import pytest

from tests.queries import postgres, read


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            "SELECT n AS id, 'name ' || n AS name, now() AS at FROM generate_series(1, 1000000) AS n",
            1_000_000,
        ),
        ("SELECT n AS id, repeat('x', 1000000) AS text FROM generate_series(1, 300) AS n", 300),
    ],
)
def test_memory_is_flat(postgres_url: str, sql: str, rows: int) -> None:
    process = psutil.Process()
    source = postgres(postgres_url, sql)
    before, most, counted = process.memory_info().rss, 0, 0
    for _ in read(source)[0]:
        counted += 1
        if counted % (rows // 100) == 0:
            most = max(most, process.memory_info().rss - before)
    assert counted == rows
    assert most < 40_000_000, f"{most / 1e6:.0f} MB"
