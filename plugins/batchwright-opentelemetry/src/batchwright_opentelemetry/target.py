"""The attributes of the database in a target's URL, by the semantic conventions."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from batchwright_opentelemetry.text import plain

_SYSTEMS = {
    "clickhouse": "clickhouse",
    "cockroachdb": "cockroachdb",
    "elasticsearch": "elasticsearch",
    "mariadb": "mariadb",
    "mongodb": "mongodb",
    "mssql": "microsoft.sql_server",
    "mysql": "mysql",
    "opensearch": "opensearch",
    "oracle": "oracle.db",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "redis": "redis",
    "sqlite": "sqlite",
    "trino": "trino",
}
"""Schemes, and the values of ``db.system.name`` that the conventions have for them."""

Attributes = dict[str, str | int | float]


def database(target: str) -> Attributes:
    """Return the attributes of the target, or none if its scheme is no database that is known.

    See https://opentelemetry.io/docs/specs/semconv/database/database-spans/.
    """
    try:
        parts = urlsplit(target)
        host, port = parts.hostname, parts.port
    except ValueError:
        return {}
    system = _SYSTEMS.get(parts.scheme.partition("+")[0].lower())
    if system is None:
        return {}
    attributes: Attributes = {"db.system.name": system}
    if host:
        attributes["server.address"] = plain(host)
        if port:
            attributes["server.port"] = port
    name = unquote(parts.path.strip("/"))
    if name and system != "sqlite":  # a path isn't a namespace
        attributes["db.namespace"] = plain(name)
    return attributes
