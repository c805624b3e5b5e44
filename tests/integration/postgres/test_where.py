"""Conditions on a chunk's metadata: by the index, with what the values are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from batchwright.builtin.postgres import filters
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.sinkkit.filters import Condition
from batchwright.testing.embedded import vectors_of
from batchwright.testing.records import batch, receipt, sample
from tests.integration.postgres.examples import sink_at

_VALUES: tuple[Any, ...] = (
    "guide", "2003", 2003, 2003.5, 1e3, 10**30, True, "true", None, "", "[]", "a\\b\"c", "ü", "1e5",
    ["guide", 7], [["guide"]], [{"a": 1}], {"a": 1}, [None], -0.5,
)  # fmt: skip
_ASKED = (
    "guide", "2003", "2003.5", "1000", "1000.0", "1" + "0" * 30, "true", "", "[]", "a\\b\"c", "ü", "1e5", "7",
    '["guide"]', '{"a": 1}', "null", "-0.5", "9" * 5_000, "é",
)  # fmt: skip


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    with sink_at(postgres_url).open() as store:
        one = sample("a.md", [f"text {number}" for number in range(len(_VALUES))])
        chunks = [
            replace(chunk, metadata={"key": value, "other": "guide"})
            for chunk, value in zip(one.chunks, _VALUES, strict=True)
        ]
        store.write(batch(chunks), receipt(len(chunks), publications=(one.publication(),)))
        vectors_of(store)
        yield store


@pytest.mark.parametrize("value", _ASKED, ids=lambda value: value[:10] or "empty")
def test_the_index_leaves_out_nothing_that_has_the_value(store: PostgresStore, value: str) -> None:
    where, values = filters.said([Condition("key", None, value)], 1)
    exactly = filters._HAS.format(name="$1", value="$2")
    with store._database.transaction() as connection:
        connection.execute("SELECT set_config('enable_seqscan', 'off', true)")
        found, expected = (
            connection.execute(
                f"SELECT c.chunk_index FROM knowledge_base_records AS c WHERE {one} ORDER BY 1".encode(),
                given,
            ).fetchall()
            for one, given in ((where, values), (exactly, values[:2]))
        )
    assert found == expected
    assert [hit.key for hit in store.search("text", where={"key": value})] == ["a.md"] * len(found)


def test_a_condition_is_looked_up_in_the_index(store: PostgresStore) -> None:
    where, values = filters.said([Condition("key", None, "guide")], 1)
    with store._database.transaction() as connection:
        connection.execute("SELECT set_config('enable_seqscan', 'off', true)")
        query = f"EXPLAIN SELECT 1 FROM knowledge_base_records AS c WHERE {where}"
        plan = "\n".join(line for (line,) in connection.execute(query.encode(), values).fetchall())
    assert "Bitmap Index Scan on knowledge_base_by_metadata" in plan
