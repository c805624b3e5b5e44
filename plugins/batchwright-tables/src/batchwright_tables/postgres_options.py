"""Options of a query of Postgres, and libpq's parameters that follow."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import conninfo
from pydantic import Field as Option

from batchwright import ConfigError
from batchwright.secrets import ADVICE
from batchwright_tables.query import QueryOptions

SCHEME = "postgresql+query"


class PostgresQueryOptions(QueryOptions):
    """Options of a query of Postgres. libpq's own parameters (``sslmode`` …) stay in the URL.

    Attributes:
        connect_timeout: Seconds a connection attempt to one host may take.
        application_name: What ``pg_stat_activity`` shows.
    """

    connect_timeout: int = Option(default=10, ge=2, le=3600)
    application_name: str = Option(default="batchwright", min_length=1)


def parameters(options: PostgresQueryOptions) -> str:
    """Return libpq's parameters.

    Raises:
        ConfigError: The URL can't be understood. It is not shown, nor is what libpq says of it: parts of a
            password may be anywhere in a URL that is wrong.
    """
    url = options.url.get_secret_value()
    _, colon, rest = url.partition(":")
    try:
        given = conninfo.conninfo_to_dict(f"postgresql{colon}{rest}")
    except psycopg.Error as error:
        known = 'invalid URI query parameter: "'
        said = str(error).partition(known)[2].partition('"')[0]
        what = f"no parameter {said!r} is known" if said.isidentifier() else "it can't be understood"
        raise ConfigError(f"the source's URL is wrong: {what}; {ADVICE}") from None
    ours: dict[str, Any] = {
        "keepalives": 1,
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "connect_timeout": options.connect_timeout,
        "application_name": options.application_name,
    }
    return conninfo.make_conninfo("", **{**ours, **given, "client_encoding": "UTF8"})
