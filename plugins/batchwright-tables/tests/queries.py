"""Sources of queries, made as the command makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg

from batchwright import BadLine, Item, PluginManager
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


def fetched(source: AnySource, items: Iterator[Item] | None = None) -> list[Any]:
    """What the source's items hold: records and bad lines."""
    found = []
    for item in source.list() if items is None else items:
        [record] = source.fetch(item).open  # type: ignore[misc]
        found.append(record)
    return found


def records(source: AnySource, **bounds: Any) -> list[dict[str, Any]]:
    """The records; bad lines are not expected."""
    found = fetched(source, source.list(**bounds))
    assert not [one for one in found if isinstance(one, BadLine)]
    return found


def url_with(url: str, **options: str) -> str:
    """A URL with options as parameters."""
    return f"{url}?{'&'.join(f'{name}={quote(value)}' for name, value in options.items())}"
