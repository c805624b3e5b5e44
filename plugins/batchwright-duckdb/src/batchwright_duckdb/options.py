"""The options of the DuckDB sink, and the path in its URL."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from batchwright import SinkOptions
from batchwright.sinkkit.local_path import local_path


class DuckdbOptions(SinkOptions):
    """Options of the DuckDB sink.

    Attributes:
        table: The published view; the sink's own tables have this name with an underscore and a suffix. By
            default it is called as the record type is; for chunks ``knowledge_base``.
        schema_name: The schema they are in, made where it is missing; `schema` in settings and URLs.
        busy_timeout: Seconds to wait for a file that another process has open, and for other writers in
            this process.
        memory_limit: What DuckDB may use, as in ``2GB``; by default 80 % of the memory.
        threads: How many DuckDB may use; by default one a core.
    """

    table: str | None = None
    schema_name: str = Field(default="main", alias="schema")
    busy_timeout: float = Field(default=5.0, ge=0, le=86_400, allow_inf_nan=False)
    memory_limit: str | None = Field(default=None, pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    threads: int | None = Field(default=None, ge=1, le=1024)

    @field_validator("table", "schema_name")
    @classmethod
    def _usable_name(cls, name: str | None) -> str | None:
        if name is None:
            return None
        if not name.strip():
            raise ValueError("tables and schemas need a name")
        if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
            raise ValueError("a name can't hold NUL or a lone surrogate; choose another")
        return name


def database_path(options: DuckdbOptions) -> Path:
    """Return the file that the URL names, absolute; a relative one counts from the working directory.

    Raises:
        ConfigError: The URL names no file.
    """
    url = options.url.get_secret_value()
    return local_path(url, DuckdbOptions, "kb.duckdb", reserved=(":memory:", "md:"))
