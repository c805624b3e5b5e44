"""A DuckDB sink for batchwright: ``--to duckdb:///kb.duckdb``."""

from __future__ import annotations

from batchwright import Failure, Verdict, hookimpl
from batchwright_duckdb.faults import judge
from batchwright_duckdb.options import DuckdbOptions
from batchwright_duckdb.sink import DuckdbSink

__all__ = ["DuckdbOptions", "DuckdbSink", "classify_error", "register_sinks"]


@hookimpl
def register_sinks() -> list[type[DuckdbSink]]:
    """Offer the DuckDB sink."""
    return [DuckdbSink]


@hookimpl
def classify_error(failure: Failure) -> Verdict | None:
    """Know DuckDB's errors; no opinion on any other."""
    return judge(failure)
