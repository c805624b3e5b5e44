"""`Target` on Postgres: with a role that may only read, and after its connection was cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk, SinkError, Target
from tests.support.operations import write_documents


@pytest.fixture
def loaded(tmp_path: Path, postgres_url: str) -> str:
    folder = write_documents(tmp_path / "docs")
    processor = BatchProcessor(BatchConfig(source=folder, to=postgres_url, chunk_max_tokens=64, reporters=()))
    assert processor.run().state == "done"
    chunks = [
        ProcessedChunk(t, source_file="bad", chunk_index=n, total_chunks=2) for n, t in enumerate("a\0")
    ]
    with processor:
        assert processor.insert_chunks(chunks).account.records.written == 1
    return postgres_url


@pytest.fixture
def reader(loaded: str) -> Iterator[str]:
    """The URL of a role that may read the tables, and nothing else."""
    role = f"reader_{uuid4().hex[:8]}"
    parts = urlsplit(loaded)
    with psycopg.connect(loaded, autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "CREATE ROLE {0} LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {0}"
            ).format(sql.Identifier(role))
        )
    yield urlunsplit(parts._replace(netloc=f"{role}:secret@{parts.netloc.rpartition('@')[2]}"))
    with psycopg.connect(loaded, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


def test_a_role_that_may_only_read_can_look_at_everything(reader: str) -> None:
    with Target(reader) as kb:
        assert len(kb.search("introduction")) == 4
        assert (kb.status().published, kb.status().rejects) == (5, 1)
        assert (len(kb.runs()), len(list(kb.documents())), list(kb.verify())) == (1, 5, [])
        assert [reject.key for reject in kb.rejects()] == ["bad"]
        with pytest.raises(SinkError, match="permission denied"):
            kb.drop(kb.rejects())
        assert kb.status().rejects == 1


ASKING: dict[str, Callable[[Target], object]] = {
    "search": lambda kb: len(kb.search("introduction")),
    "status": lambda kb: kb.status(),
    "verify": lambda kb: list(kb.verify()),
    "rejects": lambda kb: list(kb.rejects()),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_a_connection_that_was_cut_is_replaced(loaded: str, ask: Callable[[Target], object]) -> None:
    with Target(loaded) as kb, psycopg.connect(loaded, autocommit=True) as other:
        before = ask(kb)
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ask(kb) == before


def test_threads_may_share_one(loaded: str) -> None:
    def ask(number: int) -> tuple[int, int, int]:
        return len(kb.search("introduction")), kb.status().published, len(list(kb.verify()))

    with Target(loaded) as kb, ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(40))) == {(4, 5, 0)}
