"""A sink of Parquet files for batchwright: ``--to parquet:///kb``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchwright import hookimpl
from batchwright_parquet.options import ParquetOptions
from batchwright_parquet.sink import ParquetSink

if TYPE_CHECKING:
    from batchwright_parquet.compaction import compact
    from batchwright_parquet.reading import files, read

__all__ = ["ParquetOptions", "ParquetSink", "compact", "files", "read", "register_sinks"]


@hookimpl
def register_sinks() -> list[type[ParquetSink]]:
    """Offer the Parquet sink."""
    return [ParquetSink]


if (
    not TYPE_CHECKING
):  # what loads Arrow is imported when it is first asked for: this module is at every start

    def __getattr__(name: str) -> Any:
        if name == "compact":
            from batchwright_parquet.compaction import compact

            return compact
        if name in ("files", "read"):
            from batchwright_parquet import reading

            return getattr(reading, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
