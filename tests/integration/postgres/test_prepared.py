"""Statements that the server keeps, where that is asked for."""

from __future__ import annotations

import pytest

from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.postgres.writing import COPY_FROM_ROWS
from batchwright.contracts.receipts import Publication
from batchwright.errors import IncompleteDocument, SinkError
from tests.integration.postgres.examples import chunks_of, publish, query, rows_of, store_at, version, write

SMALL, LARGE = 3, COPY_FROM_ROWS + 5


def kept(store: PostgresStore) -> list[str]:
    """The statements that the server keeps for the store's connection."""
    with store._database.reading() as connection:
        found = connection.execute("SELECT statement FROM pg_prepared_statements ORDER BY name").fetchall()
    return [text for (text,) in found]


def test_nothing_is_kept_unless_it_is_asked_for(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        for number in range(8):
            publish(store, version(f"{number}.md", chunks=SMALL))
            publish(store, version(f"{number} large.md", chunks=LARGE))
        assert kept(store) == []


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_each_statement_is_kept_once(postgres_url: str, count: int) -> None:
    with store_at(postgres_url, prepare=True) as store:
        publish(store, version("0.md", chunks=count))
        texts = kept(store)
        for number in range(1, 12):  # more often than it takes the server to make a plan for all values
            publish(store, version(f"{number}.md", chunks=count))
        assert kept(store) == texts
        assert len(set(texts)) == len(texts) > 3
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base") == [(12 * count,)]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_write_that_is_refused_spoils_none_that_comes_after(postgres_url: str, count: int) -> None:
    with store_at(postgres_url, prepare=True) as store:
        for number in range(4):
            whole = version(f"{number}.md", chunks=count)
            with pytest.raises(IncompleteDocument):
                write(store, chunks_of(whole)[1:], publications=(Publication(whole),))
            publish(store, whole)
            assert rows_of(store, whole.document_id) == count


def test_replacing_and_loading_again_work_from_kept_plans(postgres_url: str) -> None:
    with store_at(postgres_url, prepare=True) as store:
        for content in range(12):
            publish(store, version("a.md", str(content)), f"text {content}")
            publish(store, version("b.md", "same"), f"text {content}")  # rows that are there already
    found = query(postgres_url, "SELECT chunk_text FROM knowledge_base ORDER BY source_file, chunk_index")
    assert found == [(f"text 11 {index}",) for index in range(3)] * 2


def test_a_statement_that_the_server_lost_says_what_to_do(postgres_url: str) -> None:
    with store_at(postgres_url, prepare=True) as store:
        publish(store, version("a.md"))
        with store._database.reading() as connection:
            connection.execute("DEALLOCATE ALL")  # as behind a pooler, on another server process
        with pytest.raises(SinkError, match=r"does not exist; a pooler .* leave prepare=true out"):
            publish(store, version("b.md"))
    with store_at(postgres_url) as store:
        publish(store, version("b.md"))


def test_two_stores_keep_statements_of_their_own(postgres_url: str) -> None:
    with (
        store_at(postgres_url, prepare=True) as first,
        store_at(postgres_url, prepare=True, table="other") as second,
    ):
        for number in range(8):
            publish(first, version(f"{number}.md"))
            publish(second, version(f"{number}.md"))
        assert not set(kept(first)) & set(kept(second))
    assert query(postgres_url, "SELECT count(*) FROM other") == [(24,)]
