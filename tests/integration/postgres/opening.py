"""What tests of opening share: other URLs of a server, roles, and what a failure says."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from batchwright.errors import ConfigError, SinkError
from tests.integration.postgres.examples import (
    query,
    sink_at,
)

SECRET = "s3cr3tPassw0rd"


def replaced(
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    port: int | None = None,
    path: str | None = None,
) -> str:
    parts = urlsplit(url)
    netloc = f"{user or parts.username}:{password or parts.password}@{parts.hostname}:{port or parts.port}"
    return urlunsplit(parts._replace(netloc=netloc, path=path or parts.path))


def failure(url: str, **options: object) -> Exception:
    """How opening fails; whatever it says holds no password."""
    sink = sink_at(url, **options)
    with pytest.raises((ConfigError, SinkError, ConnectionError)) as caught:
        sink.open()
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(sink)
    password = urlsplit(url).password
    assert SECRET not in said
    assert password is None or password not in said
    return caught.value


@contextmanager
def role(url: str, *grants: str) -> Iterator[str]:
    """The URL for a role that may do nothing but what is granted."""
    name = f"role_{time.monotonic_ns()}"
    query(url, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    for grant in grants:
        query(url, grant.replace("ROLE", name))
    try:
        yield replaced(url, user=name, password=SECRET)
    finally:
        query(url, f"DROP OWNED BY {name}")
        query(url, f"DROP ROLE {name}")
