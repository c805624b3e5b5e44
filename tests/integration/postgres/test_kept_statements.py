"""Statements that a session keeps, so that the server parses and plans them once: only in one of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors

from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.postgres.writing import COPY_FROM_ROWS
from batchwright.contracts.receipts import Publication
from batchwright.errors import IncompleteDocument
from tests.integration.postgres.examples import (
    chunks_of,
    plain_store_at,
    publish,
    query,
    store_at,
    texts,
    version,
    write,
)
from tests.support.databases import Databases
from tests.support.pooler import Pooler, find_pgbouncer

SMALL, LARGE = 3, COPY_FROM_ROWS + 5
_SAY_KEPT = "SELECT name FROM pg_prepared_statements ORDER BY name"

needs_pgbouncer = pytest.mark.skipif(
    not find_pgbouncer(), reason="needs pgbouncer: apt-get install pgbouncer"
)


@pytest.fixture(params=[store_at, plain_store_at], ids=["functions", "statements"])
def opened(request: pytest.FixtureRequest) -> Callable[[str], PostgresStore]:
    """What opens a store, with functions or without."""
    return request.param  # type: ignore[no-any-return]


def kept(store: PostgresStore) -> list[str]:
    """The names of what the session of the store keeps."""
    with store._database.lent() as connection:
        return [name for (name,) in connection.execute(_SAY_KEPT).fetchall()]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_session_of_our_own_keeps_each_statement_once(
    opened: Callable[[str], PostgresStore], postgres_url: str, count: int
) -> None:
    with opened(postgres_url) as store:
        assert kept(store) == []
        publish(store, version("0.md", chunks=count))
        first = kept(store)
        assert first
        for number in range(1, 8):
            publish(store, version(f"{number}.md", chunks=count))
        assert kept(store) == first
        assert len(texts(postgres_url)) == 8 * count


def test_a_write_that_fails_is_followed_by_others(
    opened: Callable[[str], PostgresStore], postgres_url: str
) -> None:
    with opened(postgres_url) as store:
        for number in range(3):
            whole = version(f"{number}.md")
            with pytest.raises(IncompleteDocument):
                write(store, chunks_of(whole)[1:], publications=(Publication(whole),))
            publish(store, whole)
        assert len(set(kept(store))) == len(kept(store)) > 0
    assert len(texts(postgres_url)) == 9


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize("meddling", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_where_the_session_is_not_our_own_after_all_writes_go_on_without(
    opened: Callable[[str], PostgresStore], postgres_url: str, count: int, meddling: str
) -> None:
    with opened(postgres_url) as store:
        for number in range(4):
            publish(store, version(f"{number}.md", chunks=count))
            if number == 1:
                with store._database.lent() as connection:
                    connection.execute(meddling.encode())
        assert store._writing._kept is None
        assert kept(store) == []
    assert len(texts(postgres_url)) == 4 * count
    assert query(postgres_url, "SELECT count(*) FROM knowledge_base_receipts") == [(4,)]


@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_a_name_that_is_taken_is_no_matter(
    opened: Callable[[str], PostgresStore], postgres_url: str, count: int
) -> None:
    with opened(postgres_url) as store:
        publish(store, version("a.md", chunks=count))
        names = kept(store)
    with opened(postgres_url) as store:
        with store._database.lent() as connection:
            connection.execute(f'PREPARE "{names[-1]}" AS SELECT 1'.encode())
        publish(store, version("b.md", chunks=count))
        assert store._writing._kept is None
    assert len(texts(postgres_url)) == 2 * count


def test_a_name_says_which_statement_it_is(postgres_url: str) -> None:
    """So that nobody who came to share a session would carry out another's."""
    names = set()
    for table in ("one", "two"):
        with store_at(postgres_url, table=table) as store:
            publish(store, version())
            names.update(kept(store))
    assert len(names) == 2


@pytest.fixture(params=["transaction", "session"])
def pooled_url(
    request: pytest.FixtureRequest, postgres_server: Databases, postgres_url: str
) -> Iterator[str]:
    """The test's database, through a pooler of this mode."""
    with Pooler(postgres_server, size=2, mode=request.param) as pooler:
        yield pooler.dsn(urlsplit(postgres_url).path.removeprefix("/"))


@needs_pgbouncer
@pytest.mark.parametrize("count", [SMALL, LARGE])
def test_nothing_stays_in_the_sessions_of_a_pool(
    opened: Callable[[str], PostgresStore], pooled_url: str, postgres_url: str, count: int
) -> None:
    with opened(pooled_url) as store, opened(pooled_url) as other:
        for number in range(4):
            publish(store, version(f"{number}.md", chunks=count))
            publish(other, version(f"{number} too.md", chunks=count))
            assert kept(store) == kept(other) == []
    assert len(texts(postgres_url)) == 8 * count


class _Refused(errors.UniqueViolation):
    """Another writer's row, as the server would say."""

    @property
    def diag(self) -> Any:
        return SimpleNamespace(table_name="knowledge_base_records", severity_nonlocalized="ERROR")


@pytest.mark.parametrize(
    "lacking",
    [
        errors.UndefinedFunction,
        errors.FeatureNotSupported,
        errors.InvalidSqlStatementName,
        errors.DuplicatePreparedStatement,
    ],
)
def test_what_is_lacking_at_the_last_attempt_costs_none(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, lacking: type[psycopg.Error]
) -> None:
    """After as many rows of others as it takes at most, a write that is made in another way is made."""
    with store_at(postgres_url) as store:
        publish(store, version("a.md"))  # so that there are functions, and statements that are kept
        script: list[type[psycopg.Error]] = [_Refused] * 4 + [lacking]
        original = store._writing.write

        def scripted(*arguments: Any, **options: Any) -> None:
            if script:
                raise script.pop(0)()
            original(*arguments, **options)

        monkeypatch.setattr(store._writing, "write", scripted)
        publish(store, version("b.md"))
    assert len(texts(postgres_url)) == 6


def test_rows_of_others_are_met_so_often_and_no_more(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_at(postgres_url) as store:
        calls = []

        def refused(*_: Any, **__: Any) -> None:
            calls.append(1)
            raise _Refused

        monkeypatch.setattr(store._writing, "write", refused)
        with pytest.raises(_Refused):
            write(store, chunks_of(version()), begun=(version(),))
    assert len(calls) == 5
