"""The built-in plugin for SQLite: the default sink, and the ledger beside sinks that have none."""

from __future__ import annotations

from batchwright.builtin.sqlite.options import SqliteOptions
from batchwright.builtin.sqlite.sink import SqliteSink
from batchwright.contracts.hookspecs import hookimpl
from batchwright.sinkkit.sqlite.ledger import SqliteLedger

__all__ = ["SqliteLedger", "SqliteOptions", "SqliteSink", "register_sinks"]


@hookimpl
def register_sinks() -> list[type[SqliteSink]]:
    """Offer the SQLite sink."""
    return [SqliteSink]
