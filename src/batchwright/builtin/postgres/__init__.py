"""The Postgres sink, a plugin like any other. Nothing here imports the driver before a sink is opened."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.builtin.postgres.sink import PostgresSink
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.sink import AnySink

__all__ = ["PostgresOptions", "PostgresSink", "register_sinks"]


@hookimpl
def register_sinks() -> Iterable[type[AnySink]]:
    """Offer the sink."""
    return [PostgresSink]
