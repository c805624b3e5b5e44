"""The options of the DuckDB sink, and the path in its URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from batchwright import SinkError, SinkOptions

_FORM = "write duckdb:///relative.duckdb or duckdb:////absolute/path.duckdb"


class DuckdbOptions(SinkOptions):
    """Options of the DuckDB sink.

    Attributes:
        table: The published view; the sink's own tables have this name with an underscore and a suffix.
        schema_name: The schema they are in, made where it is missing; `schema` in settings and URLs.
        busy_timeout: Seconds to wait for a file that another process has open, and for other writers in
            this process.
        memory_limit: What DuckDB may use, as in ``2GB``; by default 80 % of the memory.
        threads: How many DuckDB may use; by default one a core.
    """

    table: str = "knowledge_base"
    schema_name: str = Field(default="main", alias="schema")
    busy_timeout: float = Field(default=5.0, ge=0, le=86_400, allow_inf_nan=False)
    memory_limit: str | None = Field(default=None, pattern=r"^\d+(\.\d+)? ?([KMGT]i?B)$")
    threads: int | None = Field(default=None, ge=1, le=1024)

    @field_validator("table", "schema_name")
    @classmethod
    def _usable_name(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("tables and schemas need a name")
        if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
            raise ValueError("a name can't hold NUL or a lone surrogate; choose another")
        return name


def database_path(url: str) -> Path:
    """Return the file that a URL names, absolute; a relative one counts from the working directory.

    Raises:
        SinkError: The URL names no file. The message doesn't show the URL.
    """
    try:
        parts = urlsplit(url)
        path = unquote(parts.path[1:], errors="strict")
    except ValueError:
        raise SinkError(f"the DuckDB URL can't be read; {_FORM}, with UTF-8 in percent signs") from None
    if parts.netloc:
        raise SinkError(f"a DuckDB URL names a file, not a host, after its third slash; {_FORM}")
    if parts.query:
        names = ", ".join(sorted({setting.partition("=")[0] for setting in parts.query.split("&")}))
        raise SinkError(f"the DuckDB URL has unknown parameters ({names})")
    if parts.fragment or url.endswith("#"):
        raise SinkError("the DuckDB URL holds a '#'; write %23 where the file's name has one")
    if path.startswith((":memory:", "md:")):
        raise SinkError(f"the target must be a file, so that the next run finds it: {_FORM}")
    if not path or "\0" in path:
        raise SinkError(f"the DuckDB URL names no file; {_FORM}")
    return Path(path).absolute()
