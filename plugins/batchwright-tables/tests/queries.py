"""Sources of queries, made as the command makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from batchwright import BadLine, PluginManager
from batchwright.contracts.source import AnySource


def source(url: str, **options: Any) -> AnySource:
    """A source of the options, in the section of its name."""
    name = "postgres_query" if url.startswith("postgresql") else "dbapi_query"
    return PluginManager.load().make_source(url, {name: options})


def postgres(url: str, sql: str, key: str = "id", **options: Any) -> AnySource:
    """A query of the database behind the URL of a Postgres."""
    return source(url.replace("postgresql:", "postgresql+query:"), sql=sql, key=key, **options)


def run(url: str, *statements: str) -> None:
    """Runs statements in a Postgres."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def fetched(source: AnySource, since: str | None = None) -> list[Any]:
    """What the source holds: records and bad lines."""
    return [*read(source, since)[0]]


def read(source: AnySource, since: str | None = None) -> tuple[Iterator[Any], Callable[[], str | None]]:
    """What the source holds, not yet read, and what then says the highest cursor."""
    [item] = source.list(since=since)
    found = source.fetch(item)
    assert found.cursor is not None
    return iter(found.open), found.cursor  # type: ignore[arg-type]


def records(source: AnySource, since: str | None = None) -> list[dict[str, Any]]:
    """The records; bad lines are not expected."""
    found = fetched(source, since)
    assert not [one for one in found if isinstance(one, BadLine)]
    return found
